/**
 * The books as they were on the wire: rebuilt from the frames that the sandbox recorded, moment by
 * moment, with a reader of its own. It shares nothing with the worker but what the exchanges
 * document, and it does not check what they send: other tests do.
 */
import { readFileSync } from 'node:fs'
import { SANDBOX_EXCHANGES } from '../../sandbox/exchanges/index.ts'
import type { WireLine, WireMessage } from '../../sandbox/exchanges/wire.ts'
import { Side } from '../../sandbox/market/side.ts'
import type { SimulatedMarket } from '../../sandbox/market/source.ts'
import type { Books } from '../../sandbox/market/walk.ts'

export interface WireEvent extends WireMessage {
  readonly exchange: string
  readonly ts: number
}

/** What a frame of that exchange says of a book; undefined: it is about something else. */
export function readFrame(exchange: string, raw: string): WireMessage | undefined {
  const owner = SANDBOX_EXCHANGES.find(({ profile }) => profile.id === exchange)
  if (owner === undefined) throw new Error(`no exchange ${exchange}`)
  return owner.readWire({ url: '', dir: 'in', raw })
}

/** Every book message of a recording, in the order in which it was sent. */
export function readWire(file: string): WireEvent[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.flatMap((text) => {
    const line = JSON.parse(text) as WireLine & { readonly ts: number }
    const { profile, readWire: read } = ownerOf(line.url)
    const message = read(line)
    return message === undefined ? [] : [{ ...message, exchange: profile.id, ts: line.ts }]
  })
}

function ownerOf(url: string) {
  const { hostname } = new URL(url)
  const owner = SANDBOX_EXCHANGES.find(({ hosts }) => hosts.includes(hostname))
  if (owner === undefined) throw new Error(`whose address is ${url}?`)
  return owner
}

interface Book {
  bid: Side
  ask: Side
  /** the newest id that is in the book, where there are any; NaN: no snapshot yet */
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
      if (event.depth !== undefined) cut(side, event.depth)
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
