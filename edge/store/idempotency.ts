/**
 * The answers to POSTs that carried an Idempotency-Key, in Redis. An answer may hold a secret that is
 * shown once: it is sealed (AES-256-GCM) with a key made of the caller's own credential, which Redis
 * never sees. Without that credential nobody can read what is kept here.
 */
import { z } from 'zod'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import type { StoreSettings } from '../environment.ts'
import { type Answer, ask } from './answer.ts'
import { redisOver } from './clients.ts'

/** The work may take so long before somebody else may try. */
export const LOCK_MS = 5_000
const KEPT_S = 12 * 3_600
const NONCE_BYTES = 12

const Entry = z.object({ request: z.string(), sealed: z.string().nullable() })
/** `request` is the hash of what was asked; `sealed` is null while it is being worked on. */
type Entry = z.infer<typeof Entry>

export interface Idempotency {
  /** null: the lock is ours; otherwise what is there */
  begin(name: string, request: string): Promise<Answer<Entry | null>>
  keep(name: string, entry: Entry): Promise<Answer<true>>
  /** nothing was done: whoever asks again starts anew */
  forget(name: string): Promise<Answer<true>>
}

export function idempotencyStore(settings: StoreSettings, log: Log): Idempotency {
  const redis = redisOver(settings)
  const query = <T>(question: () => Promise<T>) => ask('redis', log, question)
  return {
    begin: (name, request) =>
      query(async () => {
        const key = KEYS.idempotency + name
        const lock = JSON.stringify({ request, sealed: null } satisfies Entry)
        // one step: what was there stays, and is told
        const held = await redis.set(key, lock, { nx: true, get: true, px: LOCK_MS })
        return held === null ? null : Entry.parse(JSON.parse(String(held)))
      }),
    keep: (name, entry) =>
      query(async () => {
        await redis.set(KEYS.idempotency + name, JSON.stringify(entry), { ex: KEPT_S })
        return true as const
      }),
    forget: (name) =>
      query(async () => {
        await redis.del(KEYS.idempotency + name)
        return true as const
      }),
  }
}

/** base64 of nonce and ciphertext. */
export async function seal(secret: string, text: string): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const plain = new TextEncoder().encode(text)
  const cipher = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv: nonce },
    await sealingKey(secret),
    plain,
  )
  const bytes = [...nonce, ...new Uint8Array(cipher)]
  return btoa(bytes.map((byte) => String.fromCharCode(byte)).join(''))
}

/** @throws when it was sealed with another secret, or changed since */
export async function unseal(secret: string, sealed: string): Promise<string> {
  const bytes = Uint8Array.from(atob(sealed), (character) => character.charCodeAt(0))
  const iv = bytes.slice(0, NONCE_BYTES)
  const key = await sealingKey(secret)
  const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, bytes.slice(NONCE_BYTES))
  return new TextDecoder().decode(plain)
}

/** Not the hash by which a credential is known elsewhere: that one is stored. */
async function sealingKey(secret: string) {
  const material = new TextEncoder().encode(secret)
  const base = await crypto.subtle.importKey('raw', material, 'HKDF', false, ['deriveKey'])
  const info = new TextEncoder().encode('spreadwire idempotency')
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  )
}
