/**
 * What the deployment tells the app: variables, secrets and the assets binding, checked before the
 * first answer. It never repeats a value in an error: some of them are secrets.
 */
import { z } from 'zod'

export interface Bindings {
  /** the dashboard's files */
  readonly ASSETS: { fetch(request: Request): Promise<Response> }
  readonly UPSTASH_REDIS_REST_URL?: string
  readonly UPSTASH_REDIS_REST_TOKEN?: string
  readonly DATABASE_URL?: string
  readonly NEON_FETCH_ENDPOINT?: string
}

const Settings = z.object({
  UPSTASH_REDIS_REST_URL: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }),
  UPSTASH_REDIS_REST_TOKEN: z.string('expected a token').min(1, 'expected a token'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'expected a postgres:// URL' }),
  /** where SQL over HTTP is answered; without it the driver derives Neon's own address */
  NEON_FETCH_ENDPOINT: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }).optional(),
})
export type Settings = z.infer<typeof Settings>

export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Every problem at once, each by the variable's name. */
export function readSettings(bindings: Bindings): SettingsResult {
  const parsed = Settings.safeParse(bindings)
  if (parsed.success) return { ok: true, settings: parsed.data }
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  return { ok: false, problems }
}
