/** The command line of `replay`, checked as a whole before anything is read. */
import { DECIMAL_PATTERN } from '../../shared/decimal.ts'
import { asOptions, readArguments } from '../arguments.ts'
import type { ConfigProblem } from '../config/problems.ts'
import { type LimitsConfig, readLimits } from '../config.ts'

export interface ReplayOptions {
  readonly files: readonly string[]
  readonly limits: LimitsConfig
  /** taker fee, percent, by exchange */
  readonly fees: ReadonlyMap<string, string>
  /** the only exchanges to replay; null: all */
  readonly exchanges: readonly string[] | null
  /** levels a side of the books that are printed */
  readonly books: number
}

export type ReplayOptionsResult =
  | { readonly ok: true; readonly options: ReplayOptions }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** The worker's own settings, with the same bounds and defaults. */
const SETTINGS = {
  'min-percent': 'MIN_ARBITRAGE_PERCENT',
  'max-percent': 'MAX_ARBITRAGE_PERCENT',
  'min-volume-usd': 'MIN_VOLUME_USD',
  'max-age-ms': 'MAX_BOOK_AGE_MS',
  'max-skew-ms': 'MAX_SKEW_MS',
} as const
const DEFAULT_BOOKS = 10
const MOST_BOOKS = 10_000
const HIGHEST_FEE_PERCENT = 100

/** `exchange_ids` are those of the registry. */
export function readReplayOptions(
  argv: readonly string[],
  exchange_ids: readonly string[],
): ReplayOptionsResult {
  const names = [...Object.keys(SETTINGS), 'fees', 'exchange', 'books']
  const { values, rest: files, problems: unknown } = readArguments(argv, names)
  const problems = [...unknown]
  if (files.length === 0) {
    problems.push({ variable: 'FILE', value: undefined, expected: 'at least one capture file' })
  }
  const limits = readLimits(
    Object.fromEntries(
      Object.entries(SETTINGS).map(([name, variable]) => [variable, values[name]] as const),
    ),
  )
  if (!limits.ok) problems.push(...asOptions(limits.problems, SETTINGS))
  const take = <T>(name: string, read: (text: string) => T | string, otherwise: T): T => {
    const value = values[name]
    if (value === undefined) return otherwise
    const result = read(value)
    if (typeof result !== 'string') return result
    problems.push({ variable: `--${name}`, value, expected: result })
    return otherwise
  }
  const fees = take('fees', (text) => readFees(text, exchange_ids), new Map<string, string>())
  const exchanges = take('exchange', (text) => readExchanges(text, exchange_ids), null)
  const books = take('books', readBooks, DEFAULT_BOOKS)
  if (!limits.ok || problems.length > 0) return { ok: false, problems }
  return { ok: true, options: { files, limits: limits.limits, fees, exchanges, books } }
}

/** Each reader returns what it expected where it found something else. */
function readFees(text: string, exchange_ids: readonly string[]): Map<string, string> | string {
  const pairs = text.split(',').map((part) => part.trim().split('='))
  const well_formed = pairs.every(
    ([id = '', percent = '', ...more]) =>
      exchange_ids.includes(id) && isFee(percent) && more.length === 0,
  )
  const fees = new Map(pairs.map(([id = '', percent = '']) => [id, percent]))
  if (well_formed && fees.size === pairs.length) return fees
  return `ID=PERCENT,… with each ID one of ${exchange_ids.join(', ')} and a percentage from 0 to ${HIGHEST_FEE_PERCENT}`
}

function isFee(text: string): boolean {
  return DECIMAL_PATTERN.test(text) && Number(text) >= 0 && Number(text) < HIGHEST_FEE_PERCENT
}

function readExchanges(text: string, exchange_ids: readonly string[]): string[] | string {
  const ids = text.split(',').map((part) => part.trim())
  if (ids.every((id) => exchange_ids.includes(id))) return ids
  return `one of ${exchange_ids.join(', ')}`
}

function readBooks(text: string): number | string {
  const books = Number(text)
  if (/^\d+$/.test(text) && books <= MOST_BOOKS) return books
  return `a number of levels from 0 to ${MOST_BOOKS}`
}
