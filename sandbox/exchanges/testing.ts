/**
 * What the tests of the sandbox exchanges share: a market source that churns on demand, a WebSocket
 * client that keeps what it received, and books rebuilt from digits as sent.
 */
import { once } from 'node:events'
import { onTestFinished, vi } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { createRandom } from '../market/random.ts'
import { Side } from '../market/side.ts'
import type {
  ChangeListener,
  LevelChange,
  MarketSource,
  SimulatedMarket,
  Snapshot,
} from '../market/source.ts'
import { type ExchangeServer, type Listening, type ListenOptions, listen } from './server.ts'

const MIDDLE = 100_000
/** so narrow that levels leave the windows of fixed depth and come back */
const WIDTH = 60

export function market(
  exchange: string,
  base: string,
  quote: string,
  price_decimals = 2,
  size_decimals = 5,
): SimulatedMarket {
  return {
    exchange,
    base,
    quote,
    symbol: `${base}/${quote}`,
    price_decimals,
    size_decimals,
    minimum_size: '0.001',
    minimum_notional: '5',
    taker_fee_percent: '0.25',
  }
}

/** Books that change when `churn` is called, with the same luck every time. */
export class ChurningSource implements MarketSource {
  readonly markets: readonly SimulatedMarket[]
  private readonly books: { bids: Side; asks: Side; version: number }[]
  private readonly listeners = new Set<ChangeListener>()
  private readonly random = createRandom(7)

  constructor(markets: readonly SimulatedMarket[]) {
    this.markets = markets
    this.books = markets.map(() => ({ bids: new Side('bid'), asks: new Side('ask'), version: 0 }))
    for (let i = 0; i < 80 * markets.length; i++) this.churn()
  }

  snapshot(index: number): Snapshot {
    const { bids, asks, version } = this.book(index)
    return { bids: bids.levels(), asks: asks.levels(), version }
  }

  onChange(listener: ChangeListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** One batch of one to four changes in one market. */
  churn(): void {
    const index = this.random.integer(this.markets.length)
    const changes: LevelChange[] = []
    for (let left = 1 + this.random.integer(4); left > 0; left--) {
      const change = this.change(index)
      this.set(index, change)
      changes.push(change)
    }
    this.tell(index, changes)
  }

  /** A batch of the test's own. */
  apply(index: number, changes: readonly LevelChange[]): void {
    for (const change of changes) this.set(index, change)
    this.tell(index, changes)
  }

  /** Churns until the test ends or the returned function is called. */
  keepChurning(every_ms = 4): () => void {
    const timer = setInterval(() => this.churn(), every_ms)
    const stop = () => clearInterval(timer)
    onTestFinished(stop)
    return stop
  }

  private set(index: number, { side, price, size }: LevelChange): void {
    const { bids, asks } = this.book(index)
    const ladder = side === 'bid' ? bids : asks
    ladder.set(price, size)
  }

  private tell(index: number, changes: readonly LevelChange[]): void {
    const book = this.book(index)
    book.version += changes.length
    for (const listener of this.listeners) listener(index, changes, book.version, Date.now())
  }

  private change(index: number): LevelChange {
    const bid = this.random.chance(0.5)
    const distance = 1 + this.random.integer(WIDTH)
    const price = bid ? MIDDLE - distance : MIDDLE + distance
    const { bids, asks } = this.book(index)
    const exists = (bid ? bids : asks).levels().some((level) => level.price === price)
    const size = exists && this.random.chance(0.5) ? 0 : 1 + this.random.integer(200_000)
    return { side: bid ? 'bid' : 'ask', price, size }
  }

  private book(index: number) {
    const book = this.books[index]
    if (book === undefined) throw new RangeError(`no market ${index}`)
    return book
  }
}

/** Listens until the test ends. */
export async function serve(server: ExchangeServer, options: ListenOptions = {}) {
  const listening: Listening = await listen(server, options)
  onTestFinished(listening.close)
  return listening
}

/** A client that keeps every text frame. */
export class Client {
  readonly frames: string[] = []
  readonly headers: Record<string, unknown> = {}
  readonly socket: WebSocket
  close_code: number | undefined

  private constructor(url: string, options: ClientOptions) {
    this.socket = new WebSocket(url, options)
    this.socket.on('upgrade', (response) => Object.assign(this.headers, response.headers))
    this.socket.on('message', (data) => this.frames.push(data.toString()))
    this.socket.on('close', (code) => {
      this.close_code = code
    })
  }

  /** Rejects when the server refuses. */
  static async connect(url: string, options: ClientOptions = {}): Promise<Client> {
    const client = new Client(url, options)
    onTestFinished(() => client.socket.terminate())
    await once(client.socket, 'open')
    client.socket.on('error', () => {})
    return client
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** The parsed frames that have all these fields. */
  having(fields: Record<string, unknown>): Json[] {
    return this.frames
      .map((frame) => JSON.parse(frame) as Json)
      .filter((frame) => Object.entries(fields).every(([name, value]) => frame[name] === value))
  }

  /** The first frame that has these fields, when it has come. */
  first(fields: Record<string, unknown>): Promise<Json> {
    return until(() => this.having(fields)[0])
  }
}

/** A parsed frame: the test says what is in it. */
export interface Json {
  readonly [name: string]: unknown
}

/** Resolves with what `look` finds, as soon as it is neither undefined nor false. */
export function until<T>(look: () => T | undefined | false): Promise<T> {
  return vi.waitFor(
    () => {
      const found = look()
      if (found === undefined || found === false) throw new Error(`not yet: ${look}`)
      return found
    },
    { timeout: 15_000, interval: 10 },
  )
}

/** price text → size text, from the digits as sent. */
export type TextSide = Map<string, string>
export interface TextBook {
  bids: TextSide
  asks: TextSide
}

export function emptyBook(): TextBook {
  return { bids: new Map(), asks: new Map() }
}

/** Sets absolute sizes; zero deletes. */
export function applyPairs(side: TextSide, pairs: Iterable<readonly [string, string]>): void {
  for (const [price, size] of pairs) {
    if (Number(size) === 0) side.delete(price)
    else side.set(price, size)
  }
}

/** Best first. */
export function sorted(side: TextSide, away: 1 | -1): [string, string][] {
  return [...side].sort(([a], [b]) => (Number(a) - Number(b)) * away)
}

/** What a market's book is, as numbers, best first, at most `depth` levels a side. */
export function truth(source: ChurningSource, index: number, depth = Number.POSITIVE_INFINITY) {
  const { bids, asks } = source.snapshot(index)
  const { price_decimals, size_decimals } = source.markets[index] as SimulatedMarket
  const numbers = (levels: Snapshot['bids']) =>
    levels
      .slice(0, depth)
      .map((l) => [
        Number((l.price / 10 ** price_decimals).toFixed(price_decimals)),
        Number((l.size / 10 ** size_decimals).toFixed(size_decimals)),
      ])
  return { bids: numbers(bids), asks: numbers(asks) }
}

/** A rebuilt book in the same form as `truth`. */
export function asNumbers({ bids, asks }: TextBook) {
  const numbers = (levels: [string, string][]) => levels.map((level) => level.map(Number))
  return { bids: numbers(sorted(bids, -1)), asks: numbers(sorted(asks, 1)) }
}

/** GET as JSON with status and headers. */
export async function get(url: string) {
  const response = await fetch(url)
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Json,
  }
}
