/** Who asks, and how much of everything that caller may. It does not decide what a caller may do. */
import { subscriber } from '../shared/address.ts'
import type { ApiKey } from '../shared/api-key.ts'
import type { Caller } from './edge.ts'
import type { Settings } from './environment.ts'

export function anonymous(headers: Headers, settings: Settings): Caller {
  const { PUBLIC_READ, ANONYMOUS_REQUESTS, ANONYMOUS_STREAMS } = settings
  return {
    kind: 'anonymous',
    id: addressOf(headers),
    scopes: PUBLIC_READ ? ['read'] : [],
    requests_per_minute: ANONYMOUS_REQUESTS,
    streams: ANONYMOUS_STREAMS,
  }
}

export function holderOf(key: ApiKey, settings: Settings): Caller {
  return {
    kind: 'key',
    id: key.id,
    scopes: key.scopes,
    requests_per_minute: key.requests_per_minute ?? settings.KEY_REQUESTS,
    streams: key.streams ?? settings.KEY_STREAMS,
  }
}

export function operator({ KEY_REQUESTS, KEY_STREAMS }: Settings): Caller {
  return {
    kind: 'operator',
    id: 'operator',
    scopes: ['read', 'webhooks', 'admin'],
    requests_per_minute: KEY_REQUESTS,
    streams: KEY_STREAMS,
  }
}

/**
 * By the address that Cloudflare saw, which a client cannot choose.
 * https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-connecting-ip
 */
export function addressOf(headers: Headers): string {
  return subscriber(headers.get('cf-connecting-ip') ?? 'unknown')
}
