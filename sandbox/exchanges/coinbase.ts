/**
 * Coinbase Exchange's feed as its clients meet it: subscribe within five seconds or leave, answers
 * that list every subscription, a heartbeat per product, the status channel; and public REST. It
 * makes no book content. Channels that need a key are refused as the exchange refuses them.
 * https://docs.cdp.coinbase.com/exchange/websocket-feed/overview
 */
import { z } from 'zod'
import { systemClock } from '../../shared/clock.ts'
import { microTimestamp } from './books.ts'
import { type CoinbaseReference, coinbaseRest, failure } from './coinbase-rest.ts'
import { type Limit, quota } from './limit.ts'
import { type Connection, type ExchangeServer, readJson, type Session } from './server.ts'
import type { Topic } from './topic.ts'

export interface CoinbaseFeed extends CoinbaseReference {
  /** the level2_batch frames of a product; undefined: there is no such product */
  book(product: string): Topic | undefined
  /** grows with every change of the product's book; undefined: there is no such product */
  sequence(product: string): number | undefined
  close(): void
}

export interface CoinbaseRules {
  readonly subscribe_within_ms: number
  readonly heartbeat_every_ms: number
  readonly status_every_ms: number
  readonly messages: Limit
  readonly connects: Limit
  readonly requests: Limit
}

export const COINBASE_RULES: CoinbaseRules = {
  // "a subscribe message must be sent within 5 seconds or the connection is closed"
  subscribe_within_ms: 5_000,
  heartbeat_every_ms: 1_000,
  status_every_ms: 5_000,
  messages: { count: 100, window_ms: 1_000 },
  // 8 a second per address, bursts of 20
  connects: { count: 20, window_ms: 2_500 },
  // 10 a second per address, bursts of 15
  requests: { count: 15, window_ms: 1_500 },
}

/** `ticker`, `ticker_batch` and `matches` speak of trades only, and nobody trades here. */
const PRODUCT_CHANNELS = ['level2_batch', 'heartbeat', 'ticker', 'ticker_batch', 'matches']
const PRIVATE_CHANNELS = ['level2', 'level3', 'full', 'user', 'rfq_matches']
const INVALID_REQUEST = 'type must be subscribe or unsubscribe, with channels'
const NEEDS_KEY =
  'level2, level3, and full channels now require authentication. ' +
  'https://docs.cloud.coinbase.com/exchange/docs/websocket-auth'

const Request = z.object({
  type: z.enum(['subscribe', 'unsubscribe']),
  product_ids: z.array(z.string()).optional(),
  channels: z
    .array(
      z.union([
        z.string(),
        z.object({ name: z.string(), product_ids: z.array(z.string()).optional() }),
      ]),
    )
    .min(1),
})
type Request = z.infer<typeof Request>

interface Wanted {
  readonly channel: string
  readonly products: readonly string[]
}

class CoinbaseSession implements Session {
  private readonly connection: Connection
  private readonly feed: CoinbaseFeed
  private readonly mayTalk: () => boolean
  /** channel → product → end of the subscription; `status` has the one product '' */
  private readonly channels = new Map<string, Map<string, () => void>>()
  private readonly timers: NodeJS.Timeout[]
  private readonly forget: () => void
  private readonly deadline: NodeJS.Timeout

  constructor(connection: Connection, feed: CoinbaseFeed, rules: CoinbaseRules) {
    this.connection = connection
    this.feed = feed
    this.mayTalk = quota(rules.messages)
    this.deadline = setTimeout(
      () => connection.close(1008, 'Did not subscribe in time'),
      rules.subscribe_within_ms,
    )
    this.timers = [
      this.deadline,
      setInterval(() => this.beat(), rules.heartbeat_every_ms),
      setInterval(() => this.sendStatus(), rules.status_every_ms),
    ]
    this.forget = feed.operations.onChange(() => this.sendStatus())
  }

  message(text: string): void {
    if (this.mayTalk()) this.answer(text)
    else this.connection.drop()
  }

  control(): void {}

  closed(): void {
    this.forget()
    for (const timer of this.timers) clearTimeout(timer)
    for (const products of this.channels.values()) for (const end of products.values()) end()
    this.channels.clear()
  }

  private answer(text: string): void {
    const read = readJson(text)
    const request = read.ok ? Request.safeParse(read.json).data : undefined
    if (!read.ok) this.fail('Malformed JSON', read.reason)
    else if (request === undefined) this.fail('Failed to subscribe', INVALID_REQUEST)
    else if (request.type === 'unsubscribe') this.unsubscribe(wantedOf(request))
    else this.subscribe(wantedOf(request))
  }

  /** One bad product or channel refuses the whole request. */
  private refusal(wanted: readonly Wanted[]): string | undefined {
    for (const { channel, products } of wanted) {
      if (channel === 'status') continue
      if (PRIVATE_CHANNELS.includes(channel)) return NEEDS_KEY
      if (!PRODUCT_CHANNELS.includes(channel)) return `${channel} is not a valid channel`
      if (products.length === 0) return `${channel} needs product_ids`
      const unknown = products.find((product) => this.feed.book(product) === undefined)
      if (unknown !== undefined) return `${unknown} is not a valid product`
    }
    return undefined
  }

  /** First the answer, then what the new subscriptions bring. */
  private subscribe(wanted: readonly Wanted[]): void {
    const refusal = this.refusal(wanted)
    if (refusal !== undefined) {
      this.fail('Failed to subscribe', refusal)
      return
    }
    clearTimeout(this.deadline)
    const added: (() => void)[] = []
    for (const { channel, products } of wanted) {
      const current = this.channels.get(channel) ?? new Map<string, () => void>()
      this.channels.set(channel, current)
      for (const product of channel === 'status' ? [''] : products) {
        if (current.has(product)) continue
        current.set(product, () => {})
        added.push(() => this.start(channel, product, current))
      }
    }
    this.sendSubscriptions()
    for (const start of added) start()
  }

  private start(channel: string, product: string, current: Map<string, () => void>): void {
    if (channel === 'status') this.sendStatus()
    if (channel !== 'level2_batch') return
    const end = this.feed.book(product)?.subscribe((frame) => this.connection.send(frame))
    if (end !== undefined) current.set(product, end)
  }

  private unsubscribe(wanted: readonly Wanted[]): void {
    for (const { channel, products } of wanted) {
      const current = this.channels.get(channel)
      if (current === undefined) continue
      // without products the whole channel ends
      for (const product of products.length === 0 ? [...current.keys()] : products) {
        current.get(product)?.()
        current.delete(product)
      }
      if (current.size === 0) this.channels.delete(channel)
    }
    this.sendSubscriptions()
  }

  private sendSubscriptions(): void {
    const channels = [...this.channels].map(([name, products]) => ({
      name,
      product_ids: name === 'status' ? [] : [...products.keys()],
    }))
    this.send({ type: 'subscriptions', channels })
  }

  private sendStatus(): void {
    if (!this.channels.has('status')) return
    this.send({ type: 'status', currencies: [], products: this.feed.products })
  }

  private beat(): void {
    const time = microTimestamp(systemClock.wall_ms())
    for (const product_id of this.channels.get('heartbeat')?.keys() ?? []) {
      const sequence = this.feed.sequence(product_id)
      this.send({ type: 'heartbeat', last_trade_id: 0, product_id, sequence, time })
    }
  }

  private fail(message: string, reason: string): void {
    this.send({ type: 'error', message, reason })
  }

  private send(frame: object): void {
    this.connection.send(JSON.stringify(frame))
  }
}

/** Products at the root belong to every channel that names none. */
function wantedOf({ channels, product_ids = [] }: Request): Wanted[] {
  return channels.map((channel) =>
    typeof channel === 'string'
      ? { channel, products: product_ids }
      : { channel: channel.name, products: channel.product_ids ?? product_ids },
  )
}

export function coinbaseServer(
  feed: CoinbaseFeed,
  rules: CoinbaseRules = COINBASE_RULES,
): ExchangeServer {
  const mayAsk = quota(rules.requests)
  return {
    id: 'coinbase',
    websocket_path: '/',
    production: {
      websocket_origin: 'wss://ws-feed.exchange.coinbase.com',
      rest_origin: 'https://api.exchange.coinbase.com',
    },
    operations: feed.operations,
    connects: rules.connects,
    accepts: ({ pathname }) => pathname === '/',
    connect: (connection) => new CoinbaseSession(connection, feed, rules),
    request: (url) =>
      mayAsk() ? coinbaseRest(url, feed) : failure(429, 'Public rate limit exceeded'),
    close: () => feed.close(),
  }
}
