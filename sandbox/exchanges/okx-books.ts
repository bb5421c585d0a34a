/**
 * OKX's order book channels made from the market source: `books` is a snapshot of 400 levels and then
 * changes, each of which names the id before it, and repeats it when nothing changed for a minute;
 * `bbo-tbt` is the best level whole.
 * https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
 */
import { systemClock } from '../../shared/clock.ts'
import type { Level, MarketSource, SimulatedMarket } from '../market/source.ts'
import { BestLevels } from './best-levels.ts'
import {
  digits,
  type ListedMarket,
  type ServedBook,
  serveBooks,
  step,
  top,
  withoutTrailingZeros,
} from './books.ts'
import { pushEvery } from './cadence.ts'
import type { OkxFeed } from './okx.ts'
import { Operations } from './operations.ts'
import { Publication } from './topic.ts'

export const OKX_DEPTH = 400
/** "books: 100 ms", "bbo-tbt: 10 ms" */
export const BOOKS_EVERY_MS = 100
const BEST_EVERY_MS = 10
/** "no update for about 60 seconds: prevSeqId and seqId are the same, asks and bids empty" */
const REPEAT_AFTER_MS = 60_000
const FIRST_ID = 450_000_000
const IDS_APART = 1_000_003

class BookChannel {
  readonly publication: Publication
  private readonly book: ServedBook
  private readonly bids: BestLevels
  private readonly asks: BestLevels
  private first_id: number
  private id = -1
  private pushed_ms = 0

  constructor(book: ServedBook) {
    this.book = book
    this.first_id = FIRST_ID + book.index * IDS_APART
    this.bids = new BestLevels(book.bids, OKX_DEPTH)
    this.asks = new BestLevels(book.asks, OKX_DEPTH)
    this.publication = new Publication((first) => {
      // between pushes the channel is older than the book: the greeting is what the others hold
      if (first) this.look()
      return this.snapshot()
    })
  }

  flush(now_ms: number): void {
    if (this.publication.idle) return
    const before = this.id
    const changed = this.look()
    if (!changed && now_ms - this.pushed_ms < REPEAT_AFTER_MS) return
    this.pushed_ms = now_ms
    const sides = changed ? [this.changesOf(this.asks), this.changesOf(this.bids)] : []
    this.publication.publish(this.frame('update', sides, now_ms, before))
  }

  /** "The sequence may be reset by maintenance": the next update's id is smaller than the last. */
  resetIds(): void {
    this.first_id -= this.id - 3
  }

  /** False: nothing changed that is shown, and the id is still the last one. */
  private look(): boolean {
    const [bids, asks] = [this.bids.look(), this.asks.look()]
    if (bids || asks) this.id = this.first_id + this.book.version
    return bids || asks
  }

  private changesOf(shown: BestLevels): string {
    const { market } = this.book
    let levels = ''
    for (const price of shown.left) levels += level(price, 0, market)
    for (const rank of shown.fresh) {
      const { price, size } = shown.level(rank)
      levels += level(price, size, market)
    }
    return levels
  }

  private snapshot(): string {
    const { market, time_ms } = this.book
    this.pushed_ms = systemClock.wall_ms()
    const sides = [this.asks, this.bids].map((side) => levelsOf(side.levels(), market))
    return this.frame('snapshot', sides, time_ms, -1)
  }

  private frame(
    action: 'snapshot' | 'update',
    [asks = '', bids = '']: readonly string[],
    time_ms: number,
    before: number,
  ): string {
    return (
      `{"arg":{"channel":"books","instId":"${instIdOf(this.book.market)}"},"action":"${action}",` +
      `"data":[{"asks":[${asks.slice(1)}],"bids":[${bids.slice(1)}],` +
      `"ts":"${Math.floor(time_ms)}","checksum":0,"prevSeqId":${before},"seqId":${this.id}}]}`
    )
  }
}

/** The best level of each side, when it changed. */
class BestChannel {
  readonly publication: Publication
  private readonly book: ServedBook
  private last = ''

  constructor(book: ServedBook) {
    this.book = book
    this.publication = new Publication((first) => {
      if (first) this.last = this.best()
      return this.frame(this.last)
    })
  }

  flush(): void {
    if (this.publication.idle) return
    const best = this.best()
    if (best === this.last) return
    this.last = best
    this.publication.publish(this.frame(best))
  }

  private best(): string {
    const { market, asks, bids } = this.book
    const [ask, bid] = [asks, bids].map((side) => levelsOf(top(side, 1), market).slice(1))
    return `"asks":[${ask}],"bids":[${bid}]`
  }

  private frame(best: string): string {
    const { market, time_ms, version, index } = this.book
    return (
      `{"arg":{"channel":"bbo-tbt","instId":"${instIdOf(market)}"},"data":[{${best},` +
      `"ts":"${Math.floor(time_ms)}","seqId":${FIRST_ID + index * IDS_APART + version}}]}`
    )
  }
}

/** Price, size, a field that is no longer used, orders (one each); with a comma before it. */
function level(price: number, size: number, market: SimulatedMarket): string {
  const [px, sz] = [
    withoutTrailingZeros(digits(price, market.price_decimals)),
    withoutTrailingZeros(digits(size, market.size_decimals)),
  ]
  return `,["${px}","${sz}","0","${size === 0 ? 0 : 1}"]`
}

/** each with a comma before it */
function levelsOf(levels: readonly Level[], market: SimulatedMarket): string {
  return levels.map(({ price, size }) => level(price, size, market)).join('')
}

export interface SimulatedOkx extends OkxFeed {
  /** What maintenance may do to the ids of a channel that is read. */
  resetIds(instId: string): void
}

export function simulatedOkx(source: MarketSource, operations = new Operations()): SimulatedOkx {
  const books: BookChannel[] = []
  const best: BestChannel[] = []
  const { books: served, close } = serveBooks(source, 'okx', () => {})
  for (const book of served) {
    books.push(new BookChannel(book))
    best.push(new BestChannel(book))
  }
  const byId = new Map(served.map((book) => [instIdOf(book.market), book]))
  const indexOf = (instId: string) => byId.get(instId)?.index ?? -1
  const pushes = [
    pushEvery(source, BOOKS_EVERY_MS, (now_ms) => {
      for (const channel of books) channel.flush(now_ms)
    }),
    pushEvery(source, BEST_EVERY_MS, () => {
      for (const channel of best) channel.flush()
    }),
  ]
  return {
    operations,
    get instruments() {
      return served.map(({ market }) => instrument(market, operations.isHalted(market.symbol)))
    },
    topic: (channel, instId) => {
      if (channel === 'books') return books[indexOf(instId)]?.publication
      return channel === 'bbo-tbt' ? best[indexOf(instId)]?.publication : undefined
    },
    orderbook: (instId, size) => {
      const book = byId.get(instId)
      return book && orderbook(book, size)
    },
    resetIds: (instId) => books[indexOf(instId)]?.resetIds(),
    close: () => {
      close()
      for (const end of pushes) end()
    },
  }
}

function orderbook({ market, bids, asks, time_ms, index, version }: ServedBook, size: number) {
  const side = (levels: readonly Level[]) => `[${levelsOf(levels, market).slice(1)}]`
  return (
    `{"asks":${side(top(asks, size))},"bids":${side(top(bids, size))},` +
    `"ts":"${Math.floor(time_ms)}","seqId":${FIRST_ID + index * IDS_APART + version}}`
  )
}

function instIdOf(market: ListedMarket): string {
  return `${market.base}-${market.quote}`
}

export function instrument(market: ListedMarket, halted = false): { readonly instId: string } {
  const entry = {
    ...{ instType: 'SPOT', instId: instIdOf(market), instFamily: '', uly: '', settleCcy: '' },
    ...{ baseCcy: market.base, quoteCcy: market.quote, ctVal: '', ctMult: '', ctValCcy: '' },
    ...{ ctType: '', optType: '', stk: '', alias: '', expTime: '', lever: '', category: '1' },
    listTime: '1548133413000',
    tickSz: step(market.price_decimals),
    lotSz: step(market.size_decimals),
    minSz: market.minimum_size,
    maxLmtSz: '9999999999',
    maxMktSz: '1000000',
    maxLmtAmt: '20000000',
    maxMktAmt: '1000000',
    ruleType: 'normal',
    state: halted ? 'suspend' : 'live',
  }
  return entry
}
