/** Rows 1 to 4: frames that are lost, repeated, swapped or wrong. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sum } from '../../../bench/load/prometheus.ts'
import type { WireMessage } from '../../../sandbox/exchanges/wire.ts'
import type { ShownBook } from '../../../workers/ops/books.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { withLevels, wrongDigit } from './frames.ts'
import type { ExchangesRig, WatchedBook } from './rig.ts'
import { EXCHANGES } from './start.ts'
import { gaps, type Loss, loseThread } from './thread.ts'

/** Where ids or checksums reveal what is missing; Coinbase has neither. */
const NUMBERED: readonly string[] = ['binance', 'bybit', 'kraken', 'okx']
const LIVE_WITHIN_MS = 2_000
/** Kraken's checksum is made of ten levels a side; what lies deeper it cannot prove. */
const SURE_RANK = 7
const [FIRST_DEEP, LAST_DEEP] = [25, 45]
const MOST_REPEATED = 5
const ARRIVED_MS = 500
/** an audit has its turn every 45 s, looks twice for 2 s and waits for its own turn in between */
const AUDITED_WITHIN_MS = 60_000
/** after it everything that an audit finds is found late */
const AUDIT_GIVE_UP_MS = 100_000

export const gap: Fault = {
  row: 1,
  name: 'gap in sequence',
  injected: 'one change of a market is lost',
  required: 'stale, silent, live <= 2 s, 1 gap',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    // what was seeded just now is asked for again more slowly
    await rig.settled(context)
    for (const exchange of NUMBERED) {
      await rig.allLive()
      const book = rig.pick(exchange, context.random)
      const loss = await loseOne(rig, book)
      await loseThread(rig, findings, { book, ...loss, live_within_ms: LIVE_WITHIN_MS })
    }
    return findings.verdict()
  },
}

export const repeated: Fault = {
  row: 2,
  name: 'duplicate / old delta',
  injected: 'the last 1 to 5 changes again',
  required: 'dropped: same book, no gap',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.allLive()
    let frames = 0
    const exchanges: readonly string[] = [...NUMBERED, 'coinbase']
    for (const exchange of exchanges) {
      const book = rig.pick(exchange, context.random)
      // where nothing numbers them, only the newest says nothing new
      const is_numbered = exchange === 'binance' || exchange === 'bybit'
      const most = is_numbered ? 1 + context.random.integer(MOST_REPEATED) : 1
      const network = rig.network(exchange)
      const last = await lastChanges(rig, exchange, book.market, most)
      const before = await rig.worker.book(exchange, book.market)
      const gaps_before = await gaps(rig, exchange)
      for (const raw of last) network.say(raw)
      frames += last.length
      await sleep(ARRIVED_MS)
      const after = await rig.worker.book(exchange, book.market)
      findings.hold(sameBook(before, after), `${exchange} ${book.symbol} is another book now`)
      const more = (await gaps(rig, exchange)) - gaps_before
      findings.hold(more === 0, `${exchange} counted ${more} gaps`)
      await rig.resume()
    }
    findings.note(`${frames} frames again on ${exchanges.length} exchanges`)
    return findings.verdict()
  },
}

export const reordered: Fault = {
  row: 3,
  name: 'reorder',
  injected: 'two neighbouring changes swapped',
  required: 'stale, silent, live <= 2 s, 1 gap',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    for (const exchange of NUMBERED) {
      await rig.allLive()
      const book = rig.pick(exchange, context.random)
      const inject = await swapTwo(rig, book)
      await loseThread(rig, findings, { book, inject, live_within_ms: LIVE_WITHIN_MS })
    }
    return findings.verdict()
  },
}

export const wrongLevel: Fault = {
  row: 4,
  name: 'wrong level, right sequence',
  injected: 'a digit of a size flipped',
  required: 'CRC <= 1 message, audit <= 60 s, then live',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.allLive()
    const crc = rig.pick('kraken', context.random)
    const failed = () => checksumsFailed(rig)
    const failed_before = await failed()
    const isNear = await near(rig, crc)
    await loseThread(rig, findings, {
      book: crc,
      ...tellWrong(rig, crc, isNear),
      live_within_ms: LIVE_WITHIN_MS,
    })
    const more = (await failed()) - failed_before
    findings.hold(more === 1, `${more} checksums failed, not 1`)
    await Promise.all(
      (['binance', 'bybit'] as const).map(async (exchange) => {
        const book = rig.pick(exchange, context.random)
        await loseThread(rig, findings, {
          book,
          ...tellWrong(rig, book, await deep(rig, book)),
          live_within_ms: LIVE_WITHIN_MS,
          stale_within_ms: AUDITED_WITHIN_MS,
          give_up_ms: AUDIT_GIVE_UP_MS,
        })
      }),
    )
    return findings.verdict()
  },
}

type Injection = Pick<Loss, 'inject' | 'noticed'>

/** One change never comes, and what it said is not made up for by chance before that was noticed. */
async function loseOne(
  rig: ExchangesRig,
  { exchange, market, symbol }: WatchedBook,
): Promise<Injection> {
  const isNear = await nearChange(rig, { exchange, market, symbol })
  const lost = new Set<number>()
  let end = () => {}
  const inject = () =>
    new Promise<number>((resolve) => {
      end = rig.network(exchange).bend((raw, message) => {
        if (message === undefined || message.symbol !== market || message.whole) return [raw]
        if (lost.size > 0)
          return [withLevels(raw, (level) => (lost.has(Number(level.price)) ? null : level))]
        if (!isNear(message)) return [raw]
        for (const price of pricesOf(message)) lost.add(price)
        resolve(Date.now())
        return []
      })
    })
  return { inject, noticed: () => end() }
}

/** Two neighbours that do not speak of the same level come the other way round. */
async function swapTwo(rig: ExchangesRig, book: WatchedBook): Promise<() => Promise<number>> {
  const isNear = await nearChange(rig, book)
  let held: { readonly raw: string; readonly prices: readonly number[] } | null = null
  return () =>
    new Promise((resolve) => {
      const end = rig.network(book.exchange).bend((raw, message) => {
        if (message === undefined || message.symbol !== book.market || message.whole) return [raw]
        const prices = pricesOf(message)
        if (held !== null) {
          const first = held
          held = null
          if (first.prices.some((price) => prices.includes(price))) return [first.raw, raw]
          end()
          resolve(Date.now())
          return [raw, first.raw]
        }
        if (!isNear(message)) return [raw]
        held = { raw, prices }
        return []
      })
    })
}

/**
 * From the first time that the exchange names a level that `admits` its size is told wrong by a digit,
 * and so it stays until that was noticed, whatever the exchange says of the level later.
 */
function tellWrong(
  rig: ExchangesRig,
  { exchange, market }: WatchedBook,
  admits: (price: string) => boolean,
): Injection {
  let wrong_price = Number.NaN
  let end = () => {}
  const inject = () =>
    new Promise<number>((resolve) => {
      end = rig.network(exchange).bend((raw, message) => {
        if (message === undefined || message.symbol !== market || message.whole) return [raw]
        return [
          withLevels(raw, (level) => {
            const [price, size] = [Number(level.price), Number(level.size)]
            if (Number.isNaN(wrong_price) && size > 0 && admits(level.price)) {
              wrong_price = price
              resolve(Date.now())
            }
            if (price !== wrong_price) return level
            return size === 0 ? null : { ...level, size: wrongDigit(level.size) }
          }),
        ]
      })
    })
  return { inject, noticed: () => end() }
}

function pricesOf({ bids, asks }: WireMessage): number[] {
  return [...bids, ...asks].map(([price]) => Number(price))
}

/** Levels that an audit sees and the market seldom touches. */
async function deep(rig: ExchangesRig, { exchange, market }: WatchedBook) {
  const { bids, asks } = await rig.worker.book(exchange, market)
  const levels = [bids, asks].flatMap((side) => side.slice(FIRST_DEEP, LAST_DEEP))
  const prices = new Set(levels.map(([price]) => Number(price)))
  return (price: string) => prices.has(Number(price))
}

async function checksumsFailed(rig: ExchangesRig): Promise<number> {
  const samples = await rig.lateness.metrics()
  return sum(samples, 'arb_feed_checksums_total', { exchange: 'kraken', result: 'failed' })
}

/** The newest changes of a market, and then the whole market stands still. */
async function lastChanges(
  rig: ExchangesRig,
  exchange: string,
  market: string,
  count: number,
): Promise<string[]> {
  const seen: string[] = []
  const end = rig.network(exchange).bend((raw, message) => {
    if (message?.symbol === market && !message.whole) seen.push(raw)
    return [raw]
  })
  while (seen.length < count) await sleep(ARRIVED_MS / 10)
  await rig.pause()
  await sleep(ARRIVED_MS)
  end()
  return seen.slice(-count)
}

/** Whether a price is so near to the best ones that every exchange has to notice it missing. */
async function near(rig: ExchangesRig, { exchange, market }: WatchedBook) {
  const { bids, asks } = await rig.worker.book(exchange, market)
  const [bid, ask] = [bids, asks].map((side) => Number(side[SURE_RANK]?.[0] ?? Number.NaN))
  return (price: string | number) =>
    Number(price) >= (bid ?? Number.NaN) && Number(price) <= (ask ?? Number.NaN)
}

/** Whether a change is of a level so near, and is no deletion. */
async function nearChange(rig: ExchangesRig, book: WatchedBook) {
  const isNear = await near(rig, book)
  return ({ bids, asks }: WireMessage) =>
    [...bids, ...asks].some(([price, size]) => isNear(price) && Number(size) > 0)
}

function sameBook(before: ShownBook, after: ShownBook): boolean {
  const content = ({ state, bids, asks }: ShownBook) => JSON.stringify({ state, bids, asks })
  return content(before) === content(after)
}
