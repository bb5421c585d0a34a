/**
 * The books as they were on the wire: rebuilt from the frames that the sandbox recorded, moment by
 * moment, with a reader of its own. It shares nothing with the worker but what the exchanges
 * document, and it does not check what they send: other tests do.
 */
import { readFileSync } from 'node:fs'
import { Side } from '../../sandbox/market/side.ts'
import type { SandboxExchange, SimulatedMarket } from '../../sandbox/market/source.ts'
import type { Books } from '../../sandbox/market/walk.ts'

interface Line extends Said {
  readonly ts: number
}

interface Said {
  readonly url: string
  readonly dir: 'open' | 'out' | 'in' | 'http'
  readonly raw: string
}

type Pair = readonly [price: string | number, size: string | number]

/** What one frame says of one book. */
export interface Message {
  readonly symbol: string
  readonly whole: boolean
  readonly bids: readonly Pair[]
  readonly asks: readonly Pair[]
  /** Binance: the ids that this covers */
  readonly ids?: readonly [first: number, last: number]
}

export interface WireEvent extends Message {
  readonly exchange: SandboxExchange
  readonly ts: number
}

/** "keep the books at the depth that was subscribed": https://docs.kraken.com/api/docs/guides/spot-ws-book-v2 */
const KRAKEN_DEPTH = 25

/** What a frame of that exchange says of a book; undefined: it is about something else. */
export function readFrame(exchange: SandboxExchange, raw: string): Message | undefined {
  return READERS[exchange]({ url: '', dir: 'in', raw })
}

/** Every book message of a recording, in the order in which it was sent. */
export function readWire(file: string): WireEvent[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.flatMap((text) => {
    const line = JSON.parse(text) as Line
    const exchange = exchangeOf(line.url)
    const message = READERS[exchange](line)
    return message === undefined ? [] : [{ ...message, exchange, ts: line.ts }]
  })
}

function exchangeOf(url: string): SandboxExchange {
  const host = new URL(url).hostname
  for (const id of ['binance', 'bybit', 'coinbase', 'kraken'] as const) {
    if (host.includes(id)) return id
  }
  throw new Error(`whose address is ${url}?`)
}

const READERS: Readonly<Record<SandboxExchange, (said: Said) => Message | undefined>> = {
  binance: readBinance,
  bybit: readBybit,
  coinbase: readCoinbase,
  kraken: readKraken,
}

function readBinance({ url, dir, raw }: Said): Message | undefined {
  if (dir === 'http') {
    const { pathname, searchParams } = new URL(url)
    if (!pathname.endsWith('/depth')) return undefined
    const { lastUpdateId, bids, asks } = JSON.parse(raw)
    const symbol = searchParams.get('symbol') ?? ''
    return { symbol, whole: true, bids, asks, ids: [lastUpdateId, lastUpdateId] }
  }
  if (dir !== 'in' || !raw.includes('"depthUpdate"')) return undefined
  const frame = JSON.parse(raw)
  const { s, U, u, b, a } = frame.data ?? frame
  return { symbol: s, whole: false, bids: b, asks: a, ids: [U, u] }
}

function readBybit({ dir, raw }: Said): Message | undefined {
  if (dir !== 'in' || !raw.includes('"topic":"orderbook.')) return undefined
  const { type, data } = JSON.parse(raw)
  return { symbol: data.s, whole: type === 'snapshot', bids: data.b, asks: data.a }
}

function readCoinbase({ dir, raw }: Said): Message | undefined {
  if (dir !== 'in') return undefined
  const { type, product_id, bids, asks, changes = [] } = JSON.parse(raw)
  if (type === 'snapshot') return { symbol: product_id, whole: true, bids, asks }
  if (type !== 'l2update') return undefined
  const of = (side: string): Pair[] =>
    changes.flatMap(([name, price, size]: string[]) => (name === side ? [[price, size]] : []))
  return { symbol: product_id, whole: false, bids: of('buy'), asks: of('sell') }
}

function readKraken({ dir, raw }: Said): Message | undefined {
  if (dir !== 'in' || !raw.startsWith('{"channel":"book"')) return undefined
  const { type, data } = JSON.parse(raw)
  const [{ symbol, bids, asks }] = data
  const pairs = (levels: { price: number; qty: number }[]): Pair[] =>
    levels.map(({ price, qty }) => [price, qty])
  return { symbol, whole: type === 'snapshot', bids: pairs(bids), asks: pairs(asks) }
}

interface Book {
  bid: Side
  ask: Side
  /** Binance: the newest id that is in the book; NaN: no snapshot yet */
  last_id: number
  live: boolean
}

export class WireBooks implements Books {
  readonly markets: readonly SimulatedMarket[]
  private readonly books: readonly Book[]
  private readonly byName = new Map<string, number>()

  constructor(markets: readonly SimulatedMarket[]) {
    this.markets = markets
    this.books = markets.map(() => ({
      bid: new Side('bid'),
      ask: new Side('ask'),
      last_id: Number.NaN,
      live: false,
    }))
    for (const [index, market] of markets.entries()) {
      this.byName.set(`${market.exchange} ${market.base}${market.quote}`, index)
    }
  }

  side(market: number, name: 'bid' | 'ask'): Side {
    return this.book(market)[name]
  }

  isLive(market: number): boolean {
    return this.book(market).live
  }

  /** The market that changed; undefined: the message says nothing new. */
  apply(event: WireEvent): number | undefined {
    const index = this.byName.get(`${event.exchange} ${event.symbol.replace(/[-/]/, '')}`)
    const market = this.markets[index ?? -1]
    if (index === undefined || market === undefined) {
      throw new Error(`nobody lists ${event.exchange} ${event.symbol}`)
    }
    const book = this.book(index)
    if (event.ids && !joins(book, event.ids, event.whole)) return undefined
    if (event.whole) {
      book.bid = new Side('bid')
      book.ask = new Side('ask')
      book.live = true
    }
    if (!book.live) return undefined
    if (event.ids) book.last_id = event.ids[1]
    for (const [side, pairs] of [
      [book.bid, event.bids],
      [book.ask, event.asks],
    ] as const) {
      for (const [price, size] of pairs) set(side, market, Number(price), Number(size))
      if (event.exchange === 'kraken') cut(side, KRAKEN_DEPTH)
    }
    return index
  }

  private book(market: number): Book {
    const book = this.books[market]
    if (book === undefined) throw new RangeError(`no market ${market}`)
    return book
  }
}

/**
 * "If U > the last update id + 1, something went wrong": the book waits for the next snapshot.
 * https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
 */
function joins(book: Book, [first, last]: readonly [number, number], whole: boolean): boolean {
  // a later snapshot may know what the stream has not said yet
  if (whole) return !book.live
  if (!book.live || last <= book.last_id) return false
  if (first > book.last_id + 1) book.live = false
  return book.live
}

function set(side: Side, market: SimulatedMarket, price: number, size: number): void {
  const ticks = Math.round(price * 10 ** market.price_decimals)
  const lots = Math.round(size * 10 ** market.size_decimals)
  // an exchange may delete what its client never had
  if (lots > 0 || side.has(ticks)) side.set(ticks, lots)
}

function cut(side: Side, depth: number): void {
  while (side.length > depth) side.set(side.price(side.length - 1), 0)
}
