/** Rows 11 and 12: books that cross, and markets that nobody trades. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Place } from '../../truth/doubts.ts'
import type { ChaosContext, Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { withoutDeletions } from './frames.ts'
import type { ExchangesRig, WatchedBook } from './rig.ts'
import { EXCHANGES } from './start.ts'
import { type BookName, States } from './states.ts'
import { citing, loseThread } from './thread.ts'

/** no further than a coin may be off without being taken for another one */
const [DOWN, UP] = [0.98, 1.02]
const TORN_FOR_MS = 6_000
const RESYNCED_WITHIN_MS = 1_000
const LIVE_WITHIN_MS = 2_000
const HALTED_WITHIN_MS = 1_000
/** a batch every 100 ms: by then the books have crossed */
const CROSSED_AFTER_MS = 300
const READ_WITHIN_MS = 300
const GIVE_UP_MS = 15_000
/** a gap that others have torn there already is not ours to open */
const TRIES = 5

export const crossed: Fault = {
  row: 11,
  name: 'crossed or locked book',
  injected: 'deletions are left out while a price falls',
  required: 'nothing told from it, resync <= 1 s, live',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    for (const exchange of ['binance', 'bybit', 'coinbase'] as const) {
      await rig.allLive()
      await cross(rig, findings, rig.pick(exchange, context.random))
    }
    return findings.verdict()
  },
}

export const halted: Fault = {
  row: 12,
  name: 'maintenance, halt, cancel-only',
  injected: 'a market halted, an exchange in maintenance',
  required: 'halted, what was open ends <= 1 s and says why',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    for (const exchange of ['kraken', 'coinbase'] as const) {
      const book = await openOne(rig, context, exchange)
      const opened = rig.doubts.begin(book, { halted: true })
      await haltedBy(rig, findings, book, `halt ${exchange} ${book.symbol}`)
      opened()
      await reopen(rig, book, `open ${exchange} ${book.symbol}`)
    }
    const book = await openOne(rig, context, 'kraken')
    const opened = rig.doubts.begin({ exchange: 'kraken' }, { halted: true })
    await haltedBy(rig, findings, book, 'maintenance kraken on')
    opened()
    await reopen(rig, { exchange: 'kraken' }, 'maintenance kraken off')
    return findings.verdict()
  },
}

/** From the command on there is trading again, and what it opens may be told; no gap is asked for yet. */
async function reopen(rig: ExchangesRig, place: Place, command: string): Promise<void> {
  const settled = rig.doubts.begin(place)
  await rig.sandbox.tell(command)
  await rig.allLive()
  settled()
}

async function cross(rig: ExchangesRig, findings: Findings, book: WatchedBook): Promise<void> {
  const { exchange, market, symbol } = book
  let end = () => {}
  const { injected_ms, live_ms } = await loseThread(rig, findings, {
    book,
    inject: async () => {
      end = rig.network(exchange).bend((raw, message) => {
        const is_change = message?.symbol === market && !message.whole
        return [is_change ? withoutDeletions(raw) : raw]
      })
      await rig.sandbox.tell(`tear ${exchange} ${symbol} ${DOWN} ${TORN_FOR_MS}`)
      return Date.now()
    },
    noticed: () => end(),
    stale_within_ms: RESYNCED_WITHIN_MS,
    live_within_ms: LIVE_WITHIN_MS,
  })
  const stale_ms = rig.lost(book, injected_ms) ?? live_ms
  const told = citing(rig, book, injected_ms + CROSSED_AFTER_MS, stale_ms)
  findings.hold(told.length === 0, `told from a crossed book: ${told.join(', ')}`)
  // its neighbours see the price come back
  await sleep(Math.max(0, injected_ms + TORN_FOR_MS - Date.now()))
}

/** Tears a market away from the others until something is announced with it, and is open. */
async function openOne(
  rig: ExchangesRig,
  { random }: ChaosContext,
  exchange: string,
): Promise<WatchedBook> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    await rig.allLive()
    const book = rig.pick(exchange, random)
    await rig.sandbox.tell(`tear ${exchange} ${book.symbol} ${UP} ${GIVE_UP_MS}`)
    const until_ms = performance.now() + GIVE_UP_MS / TRIES
    while (performance.now() < until_ms) {
      if (openWith(rig, book).length > 0) return book
      await sleep(20)
    }
  }
  throw new Error(`no gap could be opened on ${exchange}`)
}

async function haltedBy(
  rig: ExchangesRig,
  findings: Findings,
  book: WatchedBook,
  command: string,
): Promise<void> {
  const states = new States(rig.worker)
  const ending = openWith(rig, book)
  const told_ms = Date.now()
  await rig.sandbox.tell(command)
  const halted_ms = await states.until(() => states.now(book)?.state === 'halted', GIVE_UP_MS)
  const ended_ms = await states.until(
    () => ending.every((id) => rig.life(id)?.newest.status === 'expired'),
    GIVE_UP_MS,
  )
  await sleep(READ_WITHIN_MS)
  await states.stop()
  findings.within(`${command} seen after`, halted_ms - told_ms, HALTED_WITHIN_MS)
  findings.within(`${ending.length} ended after`, ended_ms - told_ms, HALTED_WITHIN_MS)
  const reasons = ending.map((id) => rig.life(id)?.newest.expiry_reason)
  // one that just closed by itself is no lie
  const others = reasons.filter((reason) => reason !== 'halted' && reason !== 'closed')
  findings.hold(others.length === 0, `ended as ${others.join(', ')}`)
  findings.hold(reasons.includes('halted'), 'nothing ended for the halt')
  const told = citing(rig, book, halted_ms, Date.now())
  findings.hold(told.length === 0, `told from a halted market: ${told.join(', ')}`)
}

function openWith(rig: ExchangesRig, { exchange, symbol }: BookName): string[] {
  return rig
    .open()
    .filter(({ newest }) =>
      newest.legs.some((leg) => leg.exchange === exchange && leg.symbol === symbol),
    )
    .map(({ id }) => id)
}
