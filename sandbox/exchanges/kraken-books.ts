/**
 * Kraken's books made from the market source: every change at once, JSON numbers with all digits of
 * the pair, a CRC32 on every message, and silence about levels that better ones push out of the
 * window: the client truncates, and gets them again when they come back.
 * https://docs.kraken.com/api/docs/guides/spot-ws-book-v2
 */
import { crc32 } from 'node:zlib'
import type { Level, LevelChange, MarketSource, SimulatedMarket } from '../market/source.ts'
import {
  difference,
  digits,
  type ListedMarket,
  microTimestamp,
  type ServedBook,
  serveBooks,
  top,
} from './books.ts'
import type { KrakenFeed } from './kraken.ts'
import { Publication } from './topic.ts'

const CHECKSUM_LEVELS = 10

/** One book at one depth: what its subscribers hold. */
class BookWindow {
  readonly publication: Publication
  private readonly book: ServedBook
  private readonly depth: number
  private bids: readonly Level[] = []
  private asks: readonly Level[] = []

  constructor(book: ServedBook, depth: number) {
    this.book = book
    this.depth = depth
    this.publication = new Publication((first) => {
      if (first) this.look()
      return this.frame('snapshot', this.bids, this.asks)
    })
  }

  changed(changes: readonly LevelChange[]): void {
    if (this.publication.idle || !changes.some((change) => this.shows(change))) return
    const { bids, asks } = this
    this.look()
    const [bid_changes, ask_changes] = [
      this.levelsToSend(bids, this.bids, this.book.bids.away),
      this.levelsToSend(asks, this.asks, this.book.asks.away),
    ]
    if (bid_changes.length + ask_changes.length === 0) return
    this.publication.publish(this.frame('update', bid_changes, ask_changes))
  }

  private look(): void {
    this.bids = top(this.book.bids, this.depth)
    this.asks = top(this.book.asks, this.depth)
  }

  /** Whether a change is inside the window; most are not when the window is narrow. */
  private shows({ side, price }: LevelChange): boolean {
    const [window, away] =
      side === 'bid' ? [this.bids, this.book.bids.away] : [this.asks, this.book.asks.away]
    return !this.isBeyond(window, price, away)
  }

  private isBeyond(window: readonly Level[], price: number, away: 1 | -1): boolean {
    const worst = window[this.depth - 1]
    return worst !== undefined && (price - worst.price) * away > 0
  }

  private levelsToSend(before: readonly Level[], after: readonly Level[], away: 1 | -1): Level[] {
    const { set, left } = difference(before, after, away)
    const deleted = left.filter(({ price }) => !this.isBeyond(after, price, away))
    return [...deleted.map(({ price }) => ({ price, size: 0 })), ...set]
  }

  private frame(
    type: 'snapshot' | 'update',
    bids: readonly Level[],
    asks: readonly Level[],
  ): string {
    const { market, time_ms } = this.book
    return (
      `{"channel":"book","type":"${type}","data":[{"symbol":"${market.symbol}",` +
      `"bids":${numbers(bids, market)},"asks":${numbers(asks, market)},` +
      `"checksum":${checksum(this.bids, this.asks)},"timestamp":"${microTimestamp(time_ms)}"}]}`
    )
  }
}

function numbers(levels: readonly Level[], market: SimulatedMarket): string {
  const items = levels.map(
    ({ price, size }) =>
      `{"price":${digits(price, market.price_decimals)},"qty":${digits(size, market.size_decimals)}}`,
  )
  return `[${items.join(',')}]`
}

/**
 * "Ten best asks from low to high, then ten best bids from high to low; of each level the price,
 * then the quantity, without the point and without leading zeros": which is the integer number of
 * ticks and of lots.
 */
export function checksum(bids: readonly Level[], asks: readonly Level[]): number {
  let text = ''
  for (const { price, size } of asks.slice(0, CHECKSUM_LEVELS)) text += `${price}${size}`
  for (const { price, size } of bids.slice(0, CHECKSUM_LEVELS)) text += `${price}${size}`
  return crc32(text)
}

export function simulatedKraken(source: MarketSource): KrakenFeed {
  const windows = new Map<ServedBook, Map<number, BookWindow>>()
  const { books, close } = serveBooks(source, 'kraken', (book, changes) => {
    for (const window of windows.get(book)?.values() ?? []) window.changed(changes)
  })
  const bySymbol = new Map(books.map((book) => [book.market.symbol, book]))
  for (const book of books) windows.set(book, new Map())
  const markets = books.map(({ market }) => market)
  return {
    pairs: Object.fromEntries(markets.map((market) => assetPair(market))),
    instruments: instruments(markets),
    book: (symbol, depth) => {
      const book = bySymbol.get(symbol)
      const depths = book && windows.get(book)
      if (book === undefined || depths === undefined) return undefined
      const window = depths.get(depth) ?? new BookWindow(book, depth)
      depths.set(depth, window)
      return { depth, topic: window.publication }
    },
    close,
  }
}

/** REST keeps the old names, with a class prefix on the oldest assets. */
const OLD_CODES = new Map([
  ['BTC', 'XBT'],
  ['DOGE', 'XDG'],
])
const X_ASSETS = new Set(['XBT', 'XDG', 'ETH', 'ETC', 'LTC', 'XRP', 'XLM', 'XMR', 'ZEC'])
const Z_ASSETS = new Set(['USD', 'EUR', 'GBP', 'CAD', 'JPY', 'AUD'])

/** [name, entry] of AssetPairs. */
export function assetPair(market: ListedMarket): [string, object] {
  const [base, quote] = [oldCode(market.base), oldCode(market.quote)]
  const altname = base + quote
  const { taker_fee_percent } = market
  const prefixed = hasClass(base) && hasClass(quote) && base !== 'XDG'
  const entry = {
    altname,
    wsname: `${base}/${quote}`,
    aclass_base: 'currency',
    base: withClass(base),
    aclass_quote: 'currency',
    quote: withClass(quote),
    cost_decimals: 5,
    pair_decimals: market.price_decimals,
    lot_decimals: market.size_decimals,
    lot_multiplier: 1,
    ...(taker_fee_percent === undefined ? {} : { fees: [[0, Number(taker_fee_percent)]] }),
    fee_volume_currency: 'ZUSD',
    ordermin: market.minimum_size,
    costmin: market.minimum_notional,
    tick_size: digits(1, market.price_decimals),
    status: 'online',
    execution_venue: 'international',
  }
  return [prefixed ? withClass(base) + withClass(quote) : altname, entry]
}

function oldCode(asset: string): string {
  return OLD_CODES.get(asset) ?? asset
}

function hasClass(code: string): boolean {
  return X_ASSETS.has(code) || Z_ASSETS.has(code)
}

function withClass(code: string): string {
  return X_ASSETS.has(code) ? `X${code}` : Z_ASSETS.has(code) ? `Z${code}` : code
}

export function instruments(markets: readonly ListedMarket[]): string {
  const assets = new Set(markets.flatMap(({ base, quote }) => [base, quote]))
  const pairs = markets.map(
    (market) =>
      `{"symbol":"${market.symbol}","base":"${market.base}","quote":"${market.quote}",` +
      `"status":"online","qty_precision":${market.size_decimals},` +
      `"qty_increment":${digits(1, market.size_decimals)},` +
      `"price_precision":${market.price_decimals},` +
      `"price_increment":${digits(1, market.price_decimals)},"cost_precision":5,` +
      `"cost_min":${market.minimum_notional},"qty_min":${market.minimum_size},` +
      '"marginable":false,"has_index":false}',
  )
  const entries = [...assets].map(
    (id) => `{"id":"${id}","status":"enabled","precision":10,"precision_display":5}`,
  )
  return `{"assets":[${entries.join(',')}],"pairs":[${pairs.join(',')}]}`
}
