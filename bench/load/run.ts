/**
 * The whole worker under load, in phases: everything live, a while at the usual rate, a burst, and
 * then the market stands still and every book is compared with the market's own.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SANDBOX_EXCHANGES } from '../../sandbox/exchanges/index.ts'
import { type Comparison, compareBooks } from './exact.ts'
import { type Stack, startStack } from './stack.ts'
import { type LoadFigures, measure } from './window.ts'

export interface LoadOptions {
  readonly seed: number
  /** coins; most have several markets */
  readonly symbols: number
  /** multiple of the sandbox's usual number of level changes a second */
  readonly rate: number
  /** by how much the rate grows for the burst */
  readonly burst_factor: number
  /** after everything is live, before anything is measured */
  readonly settle_seconds: number
  readonly steady_seconds: number
  readonly burst_seconds: number
  /** told when a phase begins */
  readonly onPhase?: (phase: string) => void
}

export interface LoadResult {
  readonly burst_factor: number
  /** until every book was live */
  readonly start_seconds: number
  readonly markets: Readonly<Record<string, number>>
  readonly steady: LoadFigures
  readonly burst: LoadFigures
  /** how long the worker had to be left alone after the burst until every book was exact */
  readonly recovery_seconds: number
  readonly comparison: Comparison
  /** the most that was ever resident, start included; null where the system does not tell */
  readonly peak_rss_mb: number | null
}

const EXCHANGES = SANDBOX_EXCHANGES.map(({ profile }) => profile.id)
/** An exchange's weight budget lets whole books come only so fast: 300 snapshots take minutes. */
const LIVE_WITHIN_MS = 600_000
/** what is on its way when the market stops arrives within this, or is lost */
const STILL_WITHIN_MS = 10_000
const LOOK_EVERY_MS = 250

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { rate, burst_factor, settle_seconds, steady_seconds, burst_seconds } = options
  const { onPhase = () => {} } = options
  onPhase('start')
  const began_ms = performance.now()
  const stack = await startStack(options)
  try {
    await allLive(stack)
    const start_seconds = (performance.now() - began_ms) / 1_000
    const markets = await countMarkets(stack)
    onPhase('settle')
    await sleep(settle_seconds * 1_000)
    onPhase('steady')
    const steady = await measure(stack, steady_seconds)
    onPhase('burst')
    await stack.sandbox.setRate(rate * burst_factor)
    const burst = await measure(stack, burst_seconds)
    onPhase('compare')
    const { comparison, recovery_seconds } = await compareAfter(stack, rate)
    const peak = await stack.worker.peakRss()
    const peak_rss_mb = peak === null ? null : peak / 1e6
    const figures = { steady, burst, recovery_seconds, comparison, peak_rss_mb }
    return { burst_factor, start_seconds, markets, ...figures }
  } finally {
    await stack.stop()
  }
}

/**
 * Straight after the burst, and, where a book had lost its thread, again when all are live: a market
 * that stands still sends nothing that a new snapshot could join.
 */
async function compareAfter(stack: Stack, rate: number) {
  const began_ms = performance.now()
  let comparison = await compareStill(stack)
  if (comparison.wrong.length > 0) {
    await stack.sandbox.setRate(rate)
    await stack.sandbox.resume()
    await allLive(stack)
    comparison = await compareStill(stack)
  }
  return { comparison, recovery_seconds: (performance.now() - began_ms) / 1_000 }
}

/** Stops the market and compares until the last frames have arrived. */
async function compareStill({ sandbox, worker }: Stack): Promise<Comparison> {
  await sandbox.pause()
  const deadline_ms = performance.now() + STILL_WITHIN_MS
  for (;;) {
    const comparison = await compareBooks(sandbox, worker, EXCHANGES)
    if (comparison.wrong.length === 0 || performance.now() > deadline_ms) return comparison
    await sleep(LOOK_EVERY_MS)
  }
}

/** Ends early when `signal` aborts. @throws Error when some book is not live in time */
export async function allLive(
  { worker }: Pick<Stack, 'worker'>,
  signal?: AbortSignal,
): Promise<void> {
  const deadline_ms = performance.now() + LIVE_WITHIN_MS
  while (signal?.aborted !== true) {
    const books = await worker.list()
    const waiting = books.filter(({ state }) => state !== 'live')
    const exchanges = new Set(books.map(({ exchange }) => exchange))
    if (exchanges.size === EXCHANGES.length && waiting.length === 0) return
    if (performance.now() > deadline_ms) {
      throw new Error(`${waiting.length} of ${books.length} books are not live`)
    }
    await sleep(LOOK_EVERY_MS)
  }
}

async function countMarkets({ worker }: Stack): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { exchange } of await worker.list()) counts[exchange] = (counts[exchange] ?? 0) + 1
  return counts
}
