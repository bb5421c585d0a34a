/**
 * Binance's streams and depth snapshots made from the market source: update ids are the books'
 * versions shifted to a high number, so `U`..`u` ranges join exactly and REST bridges into them.
 * https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
 */
import type { Level, LevelChange, MarketSource } from '../market/source.ts'
import type { BinanceFeed } from './binance.ts'
import { digits, type ListedMarket, type ServedBook, serveBooks, top } from './books.ts'
import { pushEvery } from './cadence.ts'
import { Operations } from './operations.ts'
import { Publication, type Topic } from './topic.ts'

const FIRST_UPDATE_ID = 50_000_000_000
const UPDATE_IDS_APART = 1_000_000_007
/** every price and size has eight digits after the point, whatever the steps are */
const PRINTED_DECIMALS = 8
const NOTHING = digits(0, PRINTED_DECIMALS)
const CADENCES_MS: readonly number[] = [100, 1_000]
const PARTIAL_DEPTHS: readonly number[] = [5, 10, 20]

class MarketStreams {
  readonly book: ServedBook
  readonly name: string
  private readonly ticker = new Publication(() => undefined)
  private readonly diffs = CADENCES_MS.map(() => new DiffStream(this))
  private readonly partials = CADENCES_MS.map(() =>
    PARTIAL_DEPTHS.map((depth) => new PartialStream(this, depth)),
  )
  /** what was published last: price and size of the best bid, then of the best ask */
  private readonly best = new Float64Array(4)

  constructor(book: ServedBook) {
    this.book = book
    this.name = symbolOf(book.market)
    this.isNewBest()
  }

  get update_id(): number {
    return FIRST_UPDATE_ID + this.book.index * UPDATE_IDS_APART + this.book.version
  }

  changed(changes: readonly LevelChange[]): void {
    for (const diff of this.diffs) diff.take(changes)
    if (this.ticker.idle || !this.isNewBest()) return
    this.ticker.publish(`{"u":${this.update_id},"s":"${this.name}",${this.bestQuote()}}`)
  }

  flush(cadence: number, now_ms: number): void {
    this.diffs[cadence]?.flush(now_ms)
    for (const partial of this.partials[cadence] ?? []) partial.flush()
  }

  /** `kind` is what follows the first @ of a stream name. */
  topic(kind: string): Topic | undefined {
    if (kind === 'bookTicker') return this.ticker
    const match = /^depth(5|10|20)?(?:@(100|1000)ms)?$/.exec(kind)
    if (match === null) return undefined
    const [, depth, every = '1000'] = match
    const cadence = CADENCES_MS.indexOf(Number(every))
    if (depth === undefined) return this.diffs[cadence]?.publication
    const partials = this.partials[cadence] ?? []
    return partials.find((partial) => partial.depth === Number(depth))?.publication
  }

  levels(levels: readonly Level[]): string {
    return `[${levels.map((level) => this.level(level.price, level.size)).join(',')}]`
  }

  level(price: number, size: number): string {
    const { price_decimals, size_decimals } = this.book.market
    return `["${printed(price, price_decimals)}","${printed(size, size_decimals)}"]`
  }

  snapshot(limit: number): string {
    const bids = this.levels(top(this.book.bids, limit))
    const asks = this.levels(top(this.book.asks, limit))
    return `{"lastUpdateId":${this.update_id},"bids":${bids},"asks":${asks}}`
  }

  /** Compares numbers, because most changes are behind the best prices. 0 where a side is empty. */
  private isNewBest(): boolean {
    const { bids, asks } = this.book
    let different = false
    let slot = 0
    for (const side of [bids, asks]) {
      const price = side.length === 0 ? 0 : side.price(0)
      const size = side.length === 0 ? 0 : side.size(0)
      different ||= this.best[slot] !== price || this.best[slot + 1] !== size
      this.best[slot++] = price
      this.best[slot++] = size
    }
    return different
  }

  private bestQuote(): string {
    const { bids, asks, market } = this.book
    const { price_decimals, size_decimals } = market
    const of = (side: typeof bids, price: string, size: string) =>
      side.length === 0
        ? `"${price}":"${NOTHING}","${size}":"${NOTHING}"`
        : `"${price}":"${printed(side.price(0), price_decimals)}",` +
          `"${size}":"${printed(side.size(0), size_decimals)}"`
    return `${of(bids, 'b', 'B')},${of(asks, 'a', 'A')}`
  }
}

/** `<symbol>@depth[@100ms]`: what changed since the last push, each price once. */
class DiffStream {
  readonly publication = new Publication((first) => {
    if (first) this.restart()
    return undefined
  })
  private readonly bids = new Map<number, number>()
  private readonly asks = new Map<number, number>()
  private readonly streams: MarketStreams
  private first_id = 0

  constructor(streams: MarketStreams) {
    this.streams = streams
  }

  take(changes: readonly LevelChange[]): void {
    if (this.publication.idle) return
    for (const { side, price, size } of changes) {
      const pending = side === 'bid' ? this.bids : this.asks
      pending.set(price, size)
    }
  }

  flush(now_ms: number): void {
    if (this.publication.idle || this.bids.size + this.asks.size === 0) return
    const { update_id, name } = this.streams
    const [b, a] = [this.side(this.bids), this.side(this.asks)]
    this.publication.publish(
      `{"e":"depthUpdate","E":${Math.floor(now_ms)},"s":"${name}",` +
        `"U":${this.first_id},"u":${update_id},"b":${b},"a":${a}}`,
    )
    this.restart()
  }

  private side(pending: Map<number, number>): string {
    const levels = [...pending].map(([price, size]) => this.streams.level(price, size))
    return `[${levels.join(',')}]`
  }

  private restart(): void {
    this.bids.clear()
    this.asks.clear()
    this.first_id = this.streams.update_id + 1
  }
}

/** `<symbol>@depth<levels>[@100ms]`: the best levels whole, when they changed. */
class PartialStream {
  readonly depth: number
  readonly publication = new Publication((first) => {
    if (first) this.last = ''
    return undefined
  })
  private readonly streams: MarketStreams
  private last = ''

  constructor(streams: MarketStreams, depth: number) {
    this.streams = streams
    this.depth = depth
  }

  flush(): void {
    if (this.publication.idle) return
    const snapshot = this.streams.snapshot(this.depth)
    const levels = snapshot.slice(snapshot.indexOf(','))
    if (levels === this.last) return
    this.last = levels
    this.publication.publish(snapshot)
  }
}

export function simulatedBinance(source: MarketSource, operations = new Operations()): BinanceFeed {
  const streams: MarketStreams[] = []
  const { books, close } = serveBooks(source, 'binance', (book, changes) =>
    streams[book.index]?.changed(changes),
  )
  for (const book of books) streams.push(new MarketStreams(book))
  const byName = new Map(streams.map((market) => [market.name, market]))
  const byStream = new Map(streams.map((market) => [market.name.toLowerCase(), market]))
  const pushes = CADENCES_MS.map((every_ms, cadence) =>
    pushEvery(source, every_ms, (now_ms) => {
      for (const market of streams) market.flush(cadence, now_ms)
    }),
  )
  return {
    operations,
    get symbols() {
      return books.map(({ market }) => instrument(market, operations.isHalted(market.symbol)))
    },
    topic: (stream) => {
      const at = stream.indexOf('@')
      return byStream.get(stream.slice(0, at))?.topic(stream.slice(at + 1))
    },
    depth: (symbol, limit) => byName.get(symbol)?.snapshot(limit),
    close: () => {
      close()
      for (const end of pushes) end()
    },
  }
}

function symbolOf(market: ListedMarket): string {
  return `${market.base}${market.quote}`
}

function printed(value: number, decimals: number): string {
  if (decimals >= PRINTED_DECIMALS) return digits(value, decimals)
  const text = decimals === 0 ? `${value}.` : digits(value, decimals)
  return text + '0'.repeat(PRINTED_DECIMALS - decimals)
}

export function instrument(market: ListedMarket, halted = false): { readonly symbol: string } {
  const tick = printed(1, market.price_decimals)
  const lot = printed(1, market.size_decimals)
  const entry = {
    symbol: symbolOf(market),
    status: halted ? 'BREAK' : 'TRADING',
    baseAsset: market.base,
    baseAssetPrecision: PRINTED_DECIMALS,
    quoteAsset: market.quote,
    quotePrecision: PRINTED_DECIMALS,
    quoteAssetPrecision: PRINTED_DECIMALS,
    orderTypes: ['LIMIT', 'LIMIT_MAKER', 'MARKET'],
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: [
      {
        filterType: 'PRICE_FILTER',
        minPrice: tick,
        maxPrice: '1000000000.00000000',
        tickSize: tick,
      },
      {
        filterType: 'LOT_SIZE',
        minQty: market.minimum_size,
        maxQty: '9000000000.00000000',
        stepSize: lot,
      },
      {
        filterType: 'NOTIONAL',
        minNotional: market.minimum_notional,
        applyMinToMarket: true,
        maxNotional: '9000000.00000000',
        applyMaxToMarket: false,
        avgPriceMins: 5,
      },
    ],
    permissions: [],
    permissionSets: [['SPOT']],
  }
  return entry
}
