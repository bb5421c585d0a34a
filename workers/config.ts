/**
 * The worker's settings, read from the environment once and checked before anything starts. Every
 * problem is reported in one message: the variable, its value (secrets masked) and what was
 * expected. An empty value means unset. Nothing else in the worker reads `process.env`.
 */
import { z } from 'zod'
import { SYMBOL_PATTERN } from '../shared/market.ts'
import { type ApiKey, apiKeysOf, halfKeys, keySettings, keyVariables } from './api-keys.ts'
import { type ConfigProblem, type Environment, problemOf, withoutEmpty } from './config/problems.ts'
import { address, integer, list, number, oneOf } from './config/values.ts'
import type { Exchange } from './exchanges/exchange.ts'
import { type OtlpConfig, otlpOf, otlpSettings } from './otlp-settings.ts'

export interface ExchangeConfig {
  readonly id: string
  /** null: the exchange's own production address */
  readonly websocket_url: string | null
  readonly rest_url: string | null
}

export interface LimitsConfig {
  readonly min_percent: number
  readonly max_percent: number
  readonly min_volume_usd: number
  readonly max_book_age_ms: number
  readonly max_skew_ms: number
}

export interface WatchConfig {
  readonly exchanges: readonly ExchangeConfig[]
  /** canonical symbols to watch; null: whatever the exchanges have in common */
  readonly symbols: readonly string[] | null
  readonly max_symbols: number
}

/** Who may open a Socket.IO connection; the edge has the same settings for its streams. */
interface SocketsConfig {
  readonly public_read: boolean
  readonly anonymous_streams: number
  readonly key_streams: number
}

export interface Config extends WatchConfig {
  readonly environment: 'production' | 'development' | 'test'
  readonly port: number
  readonly log_level: 'debug' | 'info' | 'warn' | 'error'
  /** file that also receives the entries of level error; null: none */
  readonly error_log_file: string | null
  readonly redis_url: string
  readonly database_url: string
  /** into how many parts the coins are divided among the workers */
  readonly shard_count: number
  /** opens what only the operator may see; null: closed to everybody */
  readonly admin_token: string | null
  /** development: webhooks may go to this machine, by http and to any port */
  readonly webhooks_allow_local: boolean
  /** where the dashboard is, for links in messages; null: messages have none */
  readonly public_url: string | null
  readonly sockets: SocketsConfig
  /** for the accounts' own fees, by exchange; they may only read. Without one: list fees */
  readonly api_keys: ReadonlyMap<string, ApiKey>
  readonly limits: LimitsConfig
  /** how long the history is kept; 0: for ever */
  readonly retention_days: number
  /** where metrics are sent by OTLP; null: nowhere */
  readonly otlp: OtlpConfig | null
}

interface Invalid {
  readonly ok: false
  readonly problems: readonly ConfigProblem[]
}

export type ConfigResult = { readonly ok: true; readonly config: Config } | Invalid

const SHORTEST_TOKEN = 16

/** The variables that every installation has; exchanges add addresses and keys. */
function settings(exchange_ids: readonly string[]) {
  return {
    NODE_ENV: oneOf(['production', 'development', 'test']).default('production'),
    PORT: integer(8080, 0, 65_535),
    LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error']).default('info'),
    ERROR_LOG_FILE: z.string().optional(),
    REDIS_URL: address(['redis', 'rediss']),
    DATABASE_URL: address(['postgres', 'postgresql']),
    SHARD_COUNT: integer(1, 1, 64),
    ADMIN_TOKEN: z.string().min(SHORTEST_TOKEN, 'at least 16 characters').optional(),
    WEBHOOKS_ALLOW_LOCAL: oneOf(['true', 'false']).default('false'),
    PUBLIC_URL: address(['http', 'https']).optional(),
    PUBLIC_READ: oneOf(['true', 'false']).default('true'),
    ANONYMOUS_STREAMS: integer(5, 1, 10_000),
    KEY_STREAMS: integer(20, 1, 10_000),
    RETENTION_DAYS: integer(90, 0, 36_500),
    ...otlpSettings,
    ...watchSettings(exchange_ids),
    ...limitSettings,
  }
}

/** What to watch. */
function watchSettings(exchange_ids: readonly string[]) {
  return {
    EXCHANGES: list(
      (id) => exchange_ids.includes(id),
      `a comma-separated list of ${exchange_ids.join(', ')}`,
    ).optional(),
    SYMBOLS: list(
      (symbol) => SYMBOL_PATTERN.test(symbol) && symbol === symbol.toUpperCase(),
      'a comma-separated list of BASE/QUOTE, such as BTC/USDT,ETH/USDT',
    ).optional(),
    MAX_SYMBOLS: integer(100, 1, 1_000),
  }
}

/** What an opportunity must reach. */
const limitSettings = {
  MIN_ARBITRAGE_PERCENT: number(0.5, 0, 100),
  MAX_ARBITRAGE_PERCENT: number(10, 0, 1_000),
  MIN_VOLUME_USD: number(1_000, 0, 1_000_000_000),
  MAX_BOOK_AGE_MS: integer(5_000, 1, 600_000),
  MAX_SKEW_MS: integer(2_000, 1, 600_000),
}

function addresses(exchange_ids: readonly string[]) {
  return Object.fromEntries(
    exchange_ids.flatMap((id) => [
      [websocketVariable(id), address(['ws', 'wss']).optional()],
      [restVariable(id), address(['http', 'https']).optional()],
    ]),
  )
}

const websocketVariable = (id: string) => `${id.toUpperCase()}_WS_URL`
const restVariable = (id: string) => `${id.toUpperCase()}_REST_URL`

/** What settings need of the registry: exchanges that have an `account` may have a key. */
type Registered = Pick<Exchange, 'id' | 'account'>

const idsOf = (exchanges: readonly Registered[]) => exchanges.map(({ id }) => id)
const keyedOf = (exchanges: readonly Registered[]) =>
  idsOf(exchanges.filter(({ account }) => account !== undefined))

/** Every variable that the worker reads. */
export function variables(exchanges: readonly Registered[]): string[] {
  return [
    ...Object.keys(settings(idsOf(exchanges))),
    ...Object.keys(addresses(idsOf(exchanges))),
    ...keyVariables(keyedOf(exchanges)),
  ]
}

/** Reads all settings. `exchanges` are those of the registry, in its order. */
export function readConfig(env: Environment, exchanges: readonly Registered[]): ConfigResult {
  const [exchange_ids, keyed_ids] = [idsOf(exchanges), keyedOf(exchanges)]
  const present = withoutEmpty(env)
  const main = z.object(settings(exchange_ids)).safeParse(present)
  const urls = z.object(addresses(exchange_ids)).safeParse(present)
  const keys = z.object(keySettings(keyed_ids)).safeParse(present)
  const issues = [main, urls, keys].flatMap(({ error }) => error?.issues ?? [])
  const problems = issues.map((issue) => problemOf(issue, env))
  if (main.success) problems.push(...emptyRange(main.data))
  problems.push(...halfKeys(present, keyed_ids).map((half) => ({ ...half, value: undefined })))
  if (!main.success || !urls.success || problems.length > 0) return { ok: false, problems }
  const { data } = main
  const config: Config = {
    environment: data.NODE_ENV,
    port: data.PORT,
    log_level: data.LOG_LEVEL,
    error_log_file: data.ERROR_LOG_FILE ?? null,
    redis_url: data.REDIS_URL,
    database_url: data.DATABASE_URL,
    shard_count: data.SHARD_COUNT,
    admin_token: data.ADMIN_TOKEN ?? null,
    webhooks_allow_local: data.WEBHOOKS_ALLOW_LOCAL === 'true',
    public_url: data.PUBLIC_URL ?? null,
    sockets: {
      public_read: data.PUBLIC_READ === 'true',
      anonymous_streams: data.ANONYMOUS_STREAMS,
      key_streams: data.KEY_STREAMS,
    },
    api_keys: apiKeysOf(keys.data ?? {}, keyed_ids),
    ...watchOf(data, urls.data, exchange_ids),
    limits: limitsOf(data),
    retention_days: data.RETENTION_DAYS,
    otlp: otlpOf(data),
  }
  return { ok: true, config }
}

/** What a recorder needs, and nothing more. */
export function readWatch(
  env: Environment,
  exchange_ids: readonly string[],
): { readonly ok: true; readonly watch: WatchConfig } | Invalid {
  const present = withoutEmpty(env)
  const main = z.object(watchSettings(exchange_ids)).safeParse(present)
  const urls = z.object(addresses(exchange_ids)).safeParse(present)
  if (main.success && urls.success) {
    return { ok: true, watch: watchOf(main.data, urls.data, exchange_ids) }
  }
  const issues = [...(main.error?.issues ?? []), ...(urls.error?.issues ?? [])]
  return { ok: false, problems: issues.map((issue) => problemOf(issue, env)) }
}

/** What a replay needs, and nothing more. */
export function readLimits(
  env: Environment,
): { readonly ok: true; readonly limits: LimitsConfig } | Invalid {
  const parsed = z.object(limitSettings).safeParse(withoutEmpty(env))
  const problems = parsed.success
    ? emptyRange(parsed.data)
    : parsed.error.issues.map((issue) => problemOf(issue, env))
  if (!parsed.success || problems.length > 0) return { ok: false, problems }
  return { ok: true, limits: limitsOf(parsed.data) }
}

function watchOf(
  data: z.infer<z.ZodObject<ReturnType<typeof watchSettings>>>,
  urls: Readonly<Record<string, string | undefined>>,
  exchange_ids: readonly string[],
): WatchConfig {
  return {
    exchanges: (data.EXCHANGES ?? exchange_ids).map((id) => ({
      id,
      websocket_url: urls[websocketVariable(id)] ?? null,
      rest_url: urls[restVariable(id)] ?? null,
    })),
    symbols: data.SYMBOLS ?? null,
    max_symbols: data.MAX_SYMBOLS,
  }
}

type LimitValues = z.infer<z.ZodObject<typeof limitSettings>>

function limitsOf(data: LimitValues): LimitsConfig {
  return {
    min_percent: data.MIN_ARBITRAGE_PERCENT,
    max_percent: data.MAX_ARBITRAGE_PERCENT,
    min_volume_usd: data.MIN_VOLUME_USD,
    max_book_age_ms: data.MAX_BOOK_AGE_MS,
    max_skew_ms: data.MAX_SKEW_MS,
  }
}

function emptyRange({ MIN_ARBITRAGE_PERCENT, MAX_ARBITRAGE_PERCENT }: LimitValues) {
  if (MIN_ARBITRAGE_PERCENT < MAX_ARBITRAGE_PERCENT) return []
  const problem: ConfigProblem = {
    variable: 'MAX_ARBITRAGE_PERCENT',
    value: String(MAX_ARBITRAGE_PERCENT),
    expected: `more than MIN_ARBITRAGE_PERCENT (${MIN_ARBITRAGE_PERCENT})`,
  }
  return [problem]
}

/** What the migration command needs, and nothing more. */
export function readDatabaseUrl(
  env: Environment,
): { readonly ok: true; readonly database_url: string } | Invalid {
  const { DATABASE_URL } = settings([])
  const parsed = z.object({ DATABASE_URL }).safeParse(withoutEmpty(env))
  if (parsed.success) return { ok: true, database_url: parsed.data.DATABASE_URL }
  return { ok: false, problems: parsed.error.issues.map((issue) => problemOf(issue, env)) }
}

export interface StoreAddresses {
  readonly redis_url: string
  readonly database_url: string
}

/** What backup and restore need, and nothing more. */
export function readStores(
  env: Environment,
): { readonly ok: true; readonly stores: StoreAddresses } | Invalid {
  const { REDIS_URL, DATABASE_URL } = settings([])
  const parsed = z.object({ REDIS_URL, DATABASE_URL }).safeParse(withoutEmpty(env))
  if (!parsed.success) {
    return { ok: false, problems: parsed.error.issues.map((issue) => problemOf(issue, env)) }
  }
  const { data } = parsed
  return { ok: true, stores: { redis_url: data.REDIS_URL, database_url: data.DATABASE_URL } }
}
