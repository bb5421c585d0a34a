/** What every request of the app carries: the deployment's bindings and the two stores. */
import type { Scope } from '../shared/api-key.ts'
import type { Log } from '../shared/log.ts'
import type { Settings } from './environment.ts'
import type { Kept } from './kept.ts'
import type { History } from './store/history.ts'
import type { Live } from './store/live.ts'

export interface Bindings {
  /** the dashboard's files */
  readonly ASSETS: { fetch(request: Request): Promise<Response> }
  /** where readers of the stream meet; without it every request reads Redis for itself */
  readonly STREAM_HUB?: DurableObjectNamespace
  readonly STREAM_HUBS?: string
  readonly ALERT_WEBHOOK_URL?: string
  readonly ALERT_WEBHOOK_SECRET?: string
  readonly UPSTASH_REDIS_REST_URL?: string
  readonly UPSTASH_REDIS_REST_TOKEN?: string
  readonly DATABASE_URL?: string
  readonly NEON_FETCH_ENDPOINT?: string
  readonly PUBLIC_READ?: string
  readonly ADMIN_TOKEN?: string
  readonly ANONYMOUS_REQUESTS?: string
  readonly ANONYMOUS_STREAMS?: string
  readonly KEY_REQUESTS?: string
  readonly KEY_STREAMS?: string
  readonly ANSWER_CACHE_MS?: string
  readonly WEBHOOKS_ALLOW_LOCAL?: string
}

export interface Caller {
  readonly kind: 'anonymous' | 'key' | 'operator'
  /** one for each key and each anonymous address; never a secret */
  readonly id: string
  readonly scopes: readonly Scope[]
  readonly requests_per_minute: number
  readonly streams: number
}

export interface Edge {
  Bindings: Bindings
  Variables: {
    settings: Settings
    live: Live
    history: History
    log: Log
    /** under /v1: who asks */
    caller: Caller
    /** the answer of this request, when others may be given it too */
    kept?: Kept
  }
}
