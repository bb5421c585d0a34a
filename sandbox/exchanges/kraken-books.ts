/**
 * Kraken's books made from the market source: every change at once, JSON numbers with all digits of
 * the pair, a CRC32 on every message, and silence about levels that better ones push out of the
 * window: the client truncates, and gets them again when they come back.
 * https://docs.kraken.com/api/docs/guides/spot-ws-book-v2
 */
import { crc32 } from 'node:zlib'
import type { Side } from '../market/side.ts'
import type { Level, LevelChange, MarketSource, SimulatedMarket } from '../market/source.ts'
import { BestLevels } from './best-levels.ts'
import { digits, type ListedMarket, microTimestamp, type ServedBook, serveBooks } from './books.ts'
import type { KrakenFeed } from './kraken.ts'
import { Operations } from './operations.ts'
import { Publication } from './topic.ts'

const CHECKSUM_LEVELS = 10
const NOTHING = '[]'

/** One side at one depth: what the subscribers hold of it. */
class SideWindow {
  readonly shown: BestLevels
  private readonly market: SimulatedMarket
  /** the best levels as the checksum reads them */
  private digest = ''

  constructor(side: Side, depth: number, market: SimulatedMarket) {
    this.shown = new BestLevels(side, depth)
    this.market = market
  }

  look(): boolean {
    const changed = this.shown.look()
    if (this.shown.first_different < CHECKSUM_LEVELS) {
      this.digest = digest(this.shown.levels(CHECKSUM_LEVELS))
    }
    return changed
  }

  /** What the last look found, as the client must be told: not what better levels pushed out. */
  changes(): string {
    const { shown, market } = this
    let items = ''
    for (const price of shown.left) if (!shown.isBeyond(price)) items += level(price, 0, market)
    for (const rank of shown.fresh) {
      const { price, size } = shown.level(rank)
      items += level(price, size, market)
    }
    return listOf(items)
  }

  whole(): string {
    const items = this.shown.levels().map(({ price, size }) => level(price, size, this.market))
    return listOf(items.join(''))
  }

  crc(before: number): number {
    return crc32(this.digest, before)
  }
}

/** One book at one depth: what its subscribers hold. */
class BookWindow {
  readonly publication: Publication
  private readonly book: ServedBook
  private readonly bids: SideWindow
  private readonly asks: SideWindow

  constructor(book: ServedBook, depth: number) {
    this.book = book
    this.bids = new SideWindow(book.bids, depth, book.market)
    this.asks = new SideWindow(book.asks, depth, book.market)
    this.publication = new Publication((first) => {
      if (first) {
        this.bids.look()
        this.asks.look()
      }
      return this.frame('snapshot', this.bids.whole(), this.asks.whole())
    })
  }

  /** Most changes are outside of the window when it is narrow, and all on one side. */
  changed(changes: readonly LevelChange[]): void {
    if (this.publication.idle) return
    let bids = false
    let asks = false
    for (const { side, price } of changes) {
      if (side === 'bid') bids ||= !this.bids.shown.isBeyond(price)
      else asks ||= !this.asks.shown.isBeyond(price)
    }
    const b = bids && this.bids.look() ? this.bids.changes() : NOTHING
    const a = asks && this.asks.look() ? this.asks.changes() : NOTHING
    if (b !== NOTHING || a !== NOTHING) this.publication.publish(this.frame('update', b, a))
  }

  private frame(type: 'snapshot' | 'update', bids: string, asks: string): string {
    const { market, time_ms } = this.book
    return (
      `{"channel":"book","type":"${type}","data":[{"symbol":"${market.symbol}",` +
      `"bids":${bids},"asks":${asks},"checksum":${this.bids.crc(this.asks.crc(0))},` +
      `"timestamp":"${microTimestamp(time_ms)}"}]}`
    )
  }
}

/** with a comma before it */
function level(price: number, size: number, market: SimulatedMarket): string {
  const { price_decimals, size_decimals } = market
  return `,{"price":${digits(price, price_decimals)},"qty":${digits(size, size_decimals)}}`
}

function listOf(items: string): string {
  return `[${items.slice(1)}]`
}

/** "of each level the price, then the quantity, without the point and without leading zeros" */
function digest(levels: readonly Level[]): string {
  let text = ''
  for (const { price, size } of levels) text += `${price}${size}`
  return text
}

/**
 * "Ten best asks from low to high, then ten best bids from high to low": of each the integer number
 * of ticks, then of lots.
 */
export function checksum(bids: readonly Level[], asks: readonly Level[]): number {
  return crc32(
    digest(bids.slice(0, CHECKSUM_LEVELS)),
    crc32(digest(asks.slice(0, CHECKSUM_LEVELS))),
  )
}

export function simulatedKraken(source: MarketSource, operations = new Operations()): KrakenFeed {
  const windows = new Map<ServedBook, Map<number, BookWindow>>()
  const { books, close } = serveBooks(source, 'kraken', (book, changes) => {
    for (const window of windows.get(book)?.values() ?? []) window.changed(changes)
  })
  const bySymbol = new Map(books.map((book) => [book.market.symbol, book]))
  for (const book of books) windows.set(book, new Map())
  const markets = books.map(({ market }) => market)
  const isHalted = ({ symbol }: ListedMarket) => operations.isHalted(symbol)
  return {
    operations,
    get pairs() {
      return Object.fromEntries(markets.map((market) => assetPair(market, isHalted(market))))
    },
    get instruments() {
      return instruments(markets, isHalted)
    },
    instrument: (symbol) => {
      const book = bySymbol.get(symbol)
      return book && `{"assets":[],"pairs":[${instrument(book.market, isHalted(book.market))}]}`
    },
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
export function assetPair(market: ListedMarket, halted = false): [string, object] {
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
    status: statusOf(halted),
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

/** In `cancel_only` "no order matching will occur". */
function statusOf(halted: boolean): 'online' | 'cancel_only' {
  return halted ? 'cancel_only' : 'online'
}

/** One entry of the instrument channel's pairs. */
function instrument(market: ListedMarket, halted: boolean): string {
  return (
    `{"symbol":"${market.symbol}","base":"${market.base}","quote":"${market.quote}",` +
    `"status":"${statusOf(halted)}","qty_precision":${market.size_decimals},` +
    `"qty_increment":${digits(1, market.size_decimals)},` +
    `"price_precision":${market.price_decimals},` +
    `"price_increment":${digits(1, market.price_decimals)},"cost_precision":5,` +
    `"cost_min":${market.minimum_notional},"qty_min":${market.minimum_size},` +
    '"marginable":false,"has_index":false}'
  )
}

export function instruments(
  markets: readonly ListedMarket[],
  isHalted = (_market: ListedMarket) => false,
): string {
  const assets = new Set(markets.flatMap(({ base, quote }) => [base, quote]))
  const pairs = markets.map((market) => instrument(market, isHalted(market)))
  const entries = [...assets].map(
    (id) => `{"id":"${id}","status":"enabled","precision":10,"precision_display":5}`,
  )
  return `{"assets":[${entries.join(',')}],"pairs":[${pairs.join(',')}]}`
}
