/**
 * What every lost thread has in common: the market is not live until it was built again, nothing is
 * announced from it meanwhile, its exchange counts one gap more, and the others stay as they are.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sum } from '../../../bench/load/prometheus.ts'
import type { Findings } from '../findings.ts'
import type { ExchangesRig, WatchedBook } from './rig.ts'
import { type BookName, States } from './states.ts'

const GIVE_UP_MS = 30_000
/** what was published by then has been read */
const READ_WITHIN_MS = 300

export interface Loss {
  readonly book: WatchedBook
  /** does it, and resolves with the moment: our wall clock, ms */
  readonly inject: () => Promise<number>
  /** called when the worker has noticed */
  readonly noticed?: () => void
  readonly live_within_ms: number
  /** how long it may take until the worker can tell; undefined: not asked for */
  readonly stale_within_ms?: number
  /** more: the exchange has no other way to tell */
  readonly give_up_ms?: number
}

/** Resolves with the moments between which nobody may be told of the book. */
export async function loseThread(
  rig: ExchangesRig,
  findings: Findings,
  loss: Loss,
): Promise<{ readonly injected_ms: number; readonly live_ms: number }> {
  const { book, inject, live_within_ms, stale_within_ms, give_up_ms = GIVE_UP_MS } = loss
  const { exchange } = book
  const states = new States(rig.worker)
  const gaps_before = await gaps(rig, exchange)
  const known = rig.doubts.begin(book, { unknowable_ms: Number.POSITIVE_INFINITY })
  const injected_ms = await inject()
  // a market may be built again between two looks: the worker says when it lost it
  const isLost = () => rig.lost(book, injected_ms) !== undefined
  await states.until(isLost, give_up_ms)
  const stale_ms = rig.lost(book, injected_ms) ?? Number.POSITIVE_INFINITY
  loss.noticed?.()
  known()
  const healed = rig.doubts.begin(book)
  const live_ms = await states.until(() => isLiveSince(states, book, stale_ms), GIVE_UP_MS)
  healed()
  await states.stop()
  await sleep(READ_WITHIN_MS)
  if (stale_within_ms === undefined) {
    findings.within(`${exchange} live after`, live_ms - injected_ms, live_within_ms)
  } else {
    findings.within(`${exchange} stale after`, stale_ms - injected_ms, stale_within_ms)
    findings.within(`${exchange} then live after`, live_ms - stale_ms, live_within_ms)
  }
  expectSilence(rig, findings, states, book)
  const more = (await gaps(rig, exchange)) - gaps_before
  findings.hold(more === 1, `${exchange} counted ${more} gaps, not 1`)
  return { injected_ms, live_ms }
}

/** Seen to be live when it was known to have been lost. */
function isLiveSince(states: States, book: BookName, lost_ms: number): boolean {
  const now = states.now(book)
  return now !== undefined && now.state === 'live' && now.to_ms > lost_ms
}

/** Nothing was announced from that book while it was seen not to be live. */
export function expectSilence(
  rig: ExchangesRig,
  findings: Findings,
  states: States,
  book: BookName,
): void {
  for (const { state, from_ms, to_ms } of states.of(book)) {
    if (state === 'live') continue
    const told = citing(rig, book, from_ms, to_ms)
    findings.hold(told.length === 0, `told from a ${state} book: ${told.join(', ')}`)
  }
}

/** Opportunities that were announced with a leg of that book between two moments. */
export function citing(
  rig: ExchangesRig,
  { exchange, symbol }: BookName,
  from_ms: number,
  to_ms: number,
): string[] {
  return rig.events.flatMap((event) => {
    if (event.type !== 'opportunity.detected' && event.type !== 'opportunity.updated') return []
    const { id, legs } = event.data
    const at_ms = Date.parse(event.timestamp)
    const cites = legs.some((leg) => leg.exchange === exchange && leg.symbol === symbol)
    return cites && at_ms > from_ms && at_ms < to_ms ? [`${id} at ${at_ms}`] : []
  })
}

export async function gaps(rig: ExchangesRig, exchange: string): Promise<number> {
  return sum(await rig.lateness.metrics(), 'arb_feed_gaps_total', { exchange })
}
