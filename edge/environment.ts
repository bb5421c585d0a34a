/**
 * What the deployment tells the app by variables and secrets, checked before the first answer. It
 * never repeats a value in an error: some of them are secrets.
 */
import { z } from 'zod'

const StoreSettings = z.object({
  UPSTASH_REDIS_REST_URL: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }),
  UPSTASH_REDIS_REST_TOKEN: z.string('expected a token').min(1, 'expected a token'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'expected a postgres:// URL' }),
  /** where SQL over HTTP is answered; without it the driver derives Neon's own address */
  NEON_FETCH_ENDPOINT: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }).optional(),
})
/** What the stores need. */
export type StoreSettings = z.infer<typeof StoreSettings>

const Settings = StoreSettings.extend({
  /** one hub for all readers of the stream, one a continent, or none */
  STREAM_HUBS: z
    .enum(['none', 'one', 'continent'], 'expected none, one or continent')
    .default('one'),
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

/** Every problem at once, each by the variable's name. */
export function readSettings(bindings: object): SettingsResult {
  const parsed = Settings.safeParse(bindings)
  if (parsed.success) return { ok: true, settings: parsed.data }
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  return { ok: false, problems }
}
