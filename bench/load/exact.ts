/**
 * Compares every book of the worker with the sandbox market's own while both stand still: the same
 * levels, digit for digit. A feed that shows a window of best levels is held to that window.
 */
import type { TrueBook } from '../../sandbox/exchanges/commands.ts'
import { SANDBOX_EXCHANGES } from '../../sandbox/exchanges/index.ts'
import { compare, decimal } from '../../shared/decimal.ts'
import type { ShownBook } from '../../workers/ops/books.ts'
import type { Sandbox } from './sandbox.ts'
import type { WorkerView } from './worker.ts'

/** Levels a side that the exchange's feed shows; undefined: all. */
const WINDOWS = new Map(SANDBOX_EXCHANGES.map(({ profile, window }) => [profile.id, window]))
/** books asked for at a time */
const BATCH = 16

type Level = readonly [price: string, size: string]

export interface Comparison {
  /** books of the sandbox */
  readonly books: number
  /** levels that were compared */
  readonly levels: number
  /** one a book: which, and what is wrong with it first */
  readonly wrong: readonly string[]
}

/**
 * Compares all books of `exchanges`. The market must be paused.
 * @throws Error when it moves nevertheless
 */
export async function compareBooks(
  sandbox: Sandbox,
  worker: WorkerView,
  exchanges: readonly string[],
): Promise<Comparison> {
  const wrong: string[] = []
  let [books, levels] = [0, 0]
  for (const exchange of exchanges) {
    const truth = await sandbox.books(exchange)
    const held = await heldBooks(worker, exchange)
    for (const { symbol, bids, asks } of truth.map((book) => shownOf(exchange, book))) {
      const found = difference({ bids, asks }, held.get(symbol))
      if (found !== null) wrong.push(`${exchange} ${symbol}: ${found}`)
      levels += bids.length + asks.length
    }
    books += truth.length
    const versions = (all: readonly TrueBook[]) => all.map(({ version }) => version).join()
    if (versions(await sandbox.books(exchange)) !== versions(truth)) {
      throw new Error(`the market of ${exchange} moved while it was compared`)
    }
  }
  return { books, levels, wrong }
}

async function heldBooks(
  worker: WorkerView,
  exchange: string,
): Promise<ReadonlyMap<string, ShownBook>> {
  const listed = (await worker.list()).filter((book) => book.exchange === exchange)
  const held = new Map<string, ShownBook>()
  for (let at = 0; at < listed.length; at += BATCH) {
    const batch = listed.slice(at, at + BATCH)
    const books = await Promise.all(batch.map(({ market }) => worker.book(exchange, market)))
    for (const book of books) held.set(book.symbol, book)
  }
  return held
}

/** The part of a book that the exchange's feed shows. */
export function shownOf(exchange: string, book: TrueBook): TrueBook {
  const window = WINDOWS.get(exchange)
  return { ...book, bids: book.bids.slice(0, window), asks: book.asks.slice(0, window) }
}

/** What is wrong with the worker's book, or null. */
export function difference(
  truth: Pick<TrueBook, 'bids' | 'asks'>,
  held: Pick<ShownBook, 'state' | 'bids' | 'asks'> | undefined,
): string | null {
  if (held === undefined) return 'the worker does not watch it'
  if (held.state !== 'live') return `the worker's book is ${held.state}`
  for (const side of ['bids', 'asks'] as const) {
    const [expected, found] = [truth[side], held[side]]
    const at = expected.findIndex((level, rank) => !sameLevel(level, found[rank]))
    if (at >= 0) return `${side}[${at}] is ${found[at] ?? 'missing'}, not ${expected[at]}`
    if (found.length > expected.length) return `${side} has ${found.length - expected.length} more`
  }
  return null
}

/** The same numbers: how many zeros follow is the exchange's habit. */
function sameLevel(expected: Level, found: Level | undefined): boolean {
  return (
    found?.every((text, i) => compare(decimal(text), decimal(expected[i] ?? '0')) === 0) === true
  )
}
