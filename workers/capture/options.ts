/** The command line of `record`, checked together with the worker's settings that it shares. */
import { asOptions, readArguments } from '../arguments.ts'
import type { ConfigProblem } from '../config/problems.ts'
import { readWatch, type WatchConfig } from '../config.ts'

export interface RecordOptions {
  readonly out: string
  readonly watch: WatchConfig
  /** null: until it is told to end */
  readonly seconds: number | null
}

export type RecordOptionsResult =
  | { readonly ok: true; readonly options: RecordOptions }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** Options that stand for a setting of the worker, and go before it. */
const SETTINGS: Readonly<Record<string, string>> = { exchanges: 'EXCHANGES', symbols: 'SYMBOLS' }
/** Timers of Node.js hold no longer times than 24.8 days. */
const MOST_SECONDS = 2_000_000

/** `exchange_ids` are those of the registry. */
export function readRecordOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  exchange_ids: readonly string[],
): RecordOptionsResult {
  const names = ['out', 'seconds', ...Object.keys(SETTINGS)]
  const { values, rest, problems: unknown } = readArguments(argv, names)
  const problems = [...unknown]
  for (const value of rest) problems.push({ variable: 'argument', value, expected: 'none' })
  const given = Object.entries(SETTINGS).filter(([name]) => values[name] !== undefined)
  const overrides = given.map(([name, variable]) => [variable, values[name]] as const)
  const watch = readWatch({ ...env, ...Object.fromEntries(overrides) }, exchange_ids)
  if (!watch.ok) problems.push(...asOptions(watch.problems, Object.fromEntries(given)))
  const { out, seconds } = values
  if (out === undefined) {
    problems.push({ variable: '--out', value: out, expected: 'the file to write' })
  }
  if (seconds !== undefined && !isSeconds(seconds)) {
    const expected = `a number of seconds up to ${MOST_SECONDS}`
    problems.push({ variable: '--seconds', value: seconds, expected })
  }
  if (!watch.ok || out === undefined || problems.length > 0) return { ok: false, problems }
  const options = { out, watch: watch.watch, seconds: seconds === undefined ? null : +seconds }
  return { ok: true, options }
}

function isSeconds(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text) && Number(text) > 0 && Number(text) <= MOST_SECONDS
}
