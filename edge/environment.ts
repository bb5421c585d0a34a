/**
 * What the deployment tells the app by variables and secrets, checked before the first answer. It
 * never repeats a value in an error: some of them are secrets.
 */
import { z } from 'zod'
import { hideSecretsOf } from '../shared/redact.ts'

const StoreSettings = z.object({
  UPSTASH_REDIS_REST_URL: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }),
  UPSTASH_REDIS_REST_TOKEN: z.string('expected a token').min(1, 'expected a token'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'expected a postgres:// URL' }),
  /** where SQL over HTTP is answered; without it the driver derives Neon's own address */
  NEON_FETCH_ENDPOINT: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }).optional(),
})
/** What the stores need. */
export type StoreSettings = z.infer<typeof StoreSettings>

/** A whole number with bounds. */
function count(initial: number, minimum: number, maximum: number) {
  const expected = `expected a whole number from ${minimum} to ${maximum}`
  return z
    .string()
    .regex(/^\d{1,9}$/, expected)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, expected)
    .default(initial)
}

const Settings = StoreSettings.extend({
  /** whether reading needs no key */
  PUBLIC_READ: z
    .enum(['true', 'false'], 'expected true or false')
    .default('true')
    .transform((text) => text === 'true'),
  /** the operator's own key, which may do everything */
  ADMIN_TOKEN: z.string().min(16, 'expected at least 16 characters').optional(),
  /** requests a minute and open streams, for each address and for each key without its own limits */
  ANONYMOUS_REQUESTS: count(120, 1, 1_000_000),
  ANONYMOUS_STREAMS: count(5, 1, 10_000),
  KEY_REQUESTS: count(1_200, 1, 1_000_000),
  KEY_STREAMS: count(20, 1, 10_000),
  /** how long an answer that may be kept by anybody is kept in the memory of the edge; 0: not at all */
  ANSWER_CACHE_MS: count(15_000, 0, 60_000),
  /** one hub for all readers of the stream, one a continent, or none */
  STREAM_HUBS: z
    .enum(['none', 'one', 'continent'], 'expected none, one or continent')
    .default('one'),
  /** development only: webhooks may go to http, any port and this machine itself */
  WEBHOOKS_ALLOW_LOCAL: z
    .enum(['true', 'false'], 'expected true or false')
    .default('false')
    .transform((text) => text === 'true'),
  /** told when the worker stops sending heartbeats, and when it is back */
  ALERT_WEBHOOK_URL: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }).optional(),
  ALERT_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]+=*$/, 'expected whsec_ and base64')
    .optional(),
})
export type Settings = z.infer<typeof Settings>

export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] }

/** An isolate is given the same bindings with every request. */
const known = new WeakMap<object, SettingsResult>()

/** Every problem at once, each by the variable's name. An empty value means unset. */
export function readSettings(bindings: object): SettingsResult {
  const read = known.get(bindings) ?? parseSettings(bindings)
  known.set(bindings, read)
  return read
}

function parseSettings(bindings: object): SettingsResult {
  hideSecretsOf({ ...bindings })
  const present = Object.entries(bindings).filter(([, value]) => value !== '')
  const parsed = Settings.safeParse(Object.fromEntries(present))
  if (parsed.success) return { ok: true, settings: parsed.data }
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  return { ok: false, problems }
}
