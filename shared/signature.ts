/**
 * The signature of a webhook by the Standard Webhooks specification: base64 of HMAC-SHA256 over
 * `id.timestamp.body`, with a secret that is written `whsec_` and base64.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

const SECRET_PREFIX = 'whsec_'
const HMAC = { name: 'HMAC', hash: 'SHA-256' } as const

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>

export interface Signed {
  /** the same on every attempt */
  readonly id: string
  /** seconds since 1970, of the attempt, as it stands in the header */
  readonly timestamp: string
  /** exactly as it is sent */
  readonly body: string
}

/** @throws TypeError when the secret is not one */
export async function signingKey(secret: string): Promise<Key> {
  const bytes = secret.startsWith(SECRET_PREFIX) ? decode(secret.slice(SECRET_PREFIX.length)) : null
  if (bytes === null || bytes.length === 0) {
    throw new TypeError('secret: expected whsec_ and base64, as it was shown')
  }
  return crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign', 'verify'])
}

/** One entry of the header `webhook-signature`. */
export async function sign(key: Key, signed: Signed): Promise<string> {
  const bytes = await crypto.subtle.sign('HMAC', key, content(signed))
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(bytes)))}`
}

/** Whether one of the header's entries is right. It takes the same time wherever two differ. */
export async function isSigned(key: Key, signed: Signed, signatures: string): Promise<boolean> {
  for (const entry of signatures.split(' ')) {
    const [version, signature = ''] = entry.split(',')
    const bytes = version === 'v1' ? decode(signature) : null
    if (bytes !== null && (await crypto.subtle.verify('HMAC', key, bytes, content(signed)))) {
      return true
    }
  }
  return false
}

function content({ id, timestamp, body }: Signed): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${id}.${timestamp}.${body}`).slice()
}

function decode(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}
