/**
 * API keys: how one is made, recognised and kept. `arb_`, 32 random bytes in base62 and a checksum, so
 * that a mistyped key is refused without a look-up and a leaked one is found by scanners. Only its
 * SHA-256 is ever stored: 256 random bits need no salt.
 */
import { z } from 'zod'
import { base62, randomBytes, randomId } from './base62.ts'
import { Timestamp } from './opportunity.ts'

const SCOPES = ['read', 'webhooks', 'admin'] as const
export const Scope = z.enum(SCOPES, `one of ${SCOPES.join(', ')}`)
export type Scope = z.infer<typeof Scope>

const MARK = 'arb_'
const RANDOM_BYTES = 32
/** 62^43 is the first power above 2^256, 62^6 the first above 2^32. */
const RANDOM_DIGITS = 43
const CHECKSUM_DIGITS = 6
const PATTERN = new RegExp(`^${MARK}[0-9A-Za-z]{${RANDOM_DIGITS + CHECKSUM_DIGITS}}$`)
const PREFIX_LENGTH = MARK.length + 6

export const API_KEY_ID = /^key_[0-9A-Za-z]{22}$/

/** What may be asked of one key; null is what everybody with a key may. */
const limits = {
  requests_per_minute: z.int().min(1).max(1_000_000).nullable(),
  streams: z.int().min(1).max(10_000).nullable(),
}

/** Everything about a key but the key. */
export const ApiKey = z.object({
  id: z.string().regex(API_KEY_ID),
  name: z.string(),
  /** how the key begins: enough to recognise it */
  prefix: z.string(),
  scopes: z.array(Scope),
  ...limits,
  created_at: Timestamp,
  /** to the minute */
  last_used_at: Timestamp.nullable(),
  revoked_at: Timestamp.nullable(),
})
export type ApiKey = z.infer<typeof ApiKey>

export const NewApiKey = z.strictObject({
  name: z
    .string('a name')
    .trim()
    .min(1, 'a name of 1 to 100 characters')
    .max(100, 'a name of 1 to 100 characters')
    .regex(/^\P{Cc}*$/u, 'a name without control characters'),
  scopes: z
    .array(Scope, `a list of ${SCOPES.join(', ')}`)
    .min(1, `one or more of ${SCOPES.join(', ')}`)
    .refine((scopes) => new Set(scopes).size === scopes.length, 'each scope once'),
  requests_per_minute: limits.requests_per_minute.default(null),
  streams: limits.streams.default(null),
})
export type NewApiKey = z.infer<typeof NewApiKey>

/** What is stored of a new key, and the key itself, which is shown once. */
export interface MintedKey {
  readonly id: string
  readonly key: string
  readonly prefix: string
  readonly hash: string
}

export async function mintKey(): Promise<MintedKey> {
  const secret = MARK + base62(randomBytes(RANDOM_BYTES), RANDOM_DIGITS)
  const key = secret + (await checksum(secret))
  return {
    id: randomId('key_'),
    key,
    prefix: key.slice(0, PREFIX_LENGTH),
    hash: await hashKey(key),
  }
}

/** Whether this text could be one of our keys: its form and its checksum. */
export async function isKey(text: string): Promise<boolean> {
  if (!PATTERN.test(text)) return false
  return text.slice(-CHECKSUM_DIGITS) === (await checksum(text.slice(0, -CHECKSUM_DIGITS)))
}

/** SHA-256 of the whole key, as hex. */
export async function hashKey(key: string): Promise<string> {
  return [...(await sha256(key))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The first 32 bits of the SHA-256 of what stands before it. */
async function checksum(secret: string): Promise<string> {
  return base62((await sha256(secret)).slice(0, 4), CHECKSUM_DIGITS)
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
