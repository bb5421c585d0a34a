/**
 * Coinbase Advanced Trade's market data feed as its clients meet it: another door to the books of
 * Coinbase Exchange. One channel a request, one counter over all frames of a connection, heartbeats
 * that keep it open, and no key for what is public. It makes no book content and has no REST.
 * https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview
 */
import { z } from 'zod'
import { systemClock } from '../../shared/clock.ts'
import { microTimestamp } from './books.ts'
import { type Limit, quota } from './limit.ts'
import { Operations } from './operations.ts'
import { type Connection, type ExchangeServer, readJson, type Session } from './server.ts'
import type { Topic } from './topic.ts'

export interface AdvancedFeed {
  /** the `events` of a product's book, JSON text of one each; undefined: no such product */
  book(product: string): Topic | undefined
}

export interface AdvancedRules {
  readonly subscribe_within_ms: number
  readonly heartbeat_every_ms: number
  readonly quiet_ms: number
  readonly messages: Limit
  readonly connects: Limit
}

export const ADVANCED_RULES: AdvancedRules = {
  // "you must send a subscribe message within 5 seconds or you are disconnected"
  subscribe_within_ms: 5_000,
  // "heartbeats messages every second"
  heartbeat_every_ms: 1_000,
  // "most channels close within 60-90 seconds if no updates are sent"
  quiet_ms: 90_000,
  // "8 messages per second per IP" without a key
  messages: { count: 8, window_ms: 1_000 },
  // "8 connections per second per IP"
  connects: { count: 8, window_ms: 1_000 },
}

const PRODUCT_CHANNELS = ['level2', 'ticker', 'ticker_batch', 'candles', 'market_trades', 'status']
const PRIVATE_CHANNELS = ['user', 'futures_balance_summary']

const Request = z.object({
  type: z.enum(['subscribe', 'unsubscribe']),
  channel: z.string(),
  product_ids: z.array(z.string()).default([]),
})
type Request = z.infer<typeof Request>

class AdvancedSession implements Session {
  private readonly connection: Connection
  private readonly feed: AdvancedFeed
  private readonly mayTalk: () => boolean
  /** channel → product → end of the subscription; heartbeats have the one "product" heartbeats */
  private readonly channels = new Map<string, Map<string, () => void>>()
  private readonly deadline: NodeJS.Timeout
  private readonly quiet: NodeJS.Timeout
  private readonly beats: NodeJS.Timeout
  private sequence = 0
  private heartbeat_counter = 0

  constructor(connection: Connection, feed: AdvancedFeed, rules: AdvancedRules) {
    this.connection = connection
    this.feed = feed
    this.mayTalk = quota(rules.messages)
    const leave = (reason: string) => () => connection.close(1008, reason)
    this.deadline = setTimeout(leave('no subscription in time'), rules.subscribe_within_ms)
    this.quiet = setTimeout(leave('no updates'), rules.quiet_ms)
    this.beats = setInterval(() => this.beat(), rules.heartbeat_every_ms)
  }

  message(text: string): void {
    if (this.mayTalk()) this.answer(text)
    else this.connection.drop()
  }

  control(): void {}

  closed(): void {
    for (const timer of [this.deadline, this.quiet, this.beats]) clearTimeout(timer)
    for (const products of this.channels.values()) for (const end of products.values()) end()
    this.channels.clear()
  }

  private answer(text: string): void {
    const read = readJson(text)
    const request = read.ok ? Request.safeParse(read.json).data : undefined
    const refusal = request === undefined ? 'failed to read the request' : this.refusal(request)
    if (request === undefined || refusal !== undefined) {
      this.connection.send(JSON.stringify({ type: 'error', message: refusal }))
    } else if (request.type === 'unsubscribe') this.unsubscribe(request)
    else this.subscribe(request)
  }

  private refusal({ type, channel, product_ids }: Request): string | undefined {
    if (channel === 'heartbeats' || type === 'unsubscribe') return undefined
    if (PRIVATE_CHANNELS.includes(channel)) return 'authentication failure'
    if (!PRODUCT_CHANNELS.includes(channel)) return `channel is not supported: ${channel}`
    if (product_ids.length === 0) return `${channel} needs product_ids`
    const unknown = product_ids.find((product) => this.bookOf(product) === undefined)
    return unknown === undefined ? undefined : `invalid product: ${unknown}`
  }

  /** First the answer, then what the new subscriptions bring. */
  private subscribe({ channel, product_ids }: Request): void {
    clearTimeout(this.deadline)
    const current = this.channels.get(channel) ?? new Map<string, () => void>()
    this.channels.set(channel, current)
    const wanted = channel === 'heartbeats' ? [channel] : product_ids
    const added = wanted.filter((product) => !current.has(product))
    for (const product of added) current.set(product, () => {})
    this.sendSubscriptions()
    if (channel !== 'level2') return
    for (const product of added) {
      const end = this.bookOf(product)?.subscribe((event) => this.send('l2_data', event))
      if (end !== undefined) current.set(product, end)
    }
  }

  /** "Subscribing to a -USDC product returns the same data as the corresponding -USD product." */
  private bookOf(product: string): Topic | undefined {
    const dollars = product.endsWith('-USDC') ? product.slice(0, -1) : product
    return this.feed.book(dollars) ?? this.feed.book(product)
  }

  private unsubscribe({ channel, product_ids }: Request): void {
    const current = this.channels.get(channel)
    // without products the whole channel ends
    for (const product of product_ids.length === 0 ? [...(current?.keys() ?? [])] : product_ids) {
      current?.get(product)?.()
      current?.delete(product)
    }
    if (current?.size === 0) this.channels.delete(channel)
    this.sendSubscriptions()
  }

  private sendSubscriptions(): void {
    const lists = [...this.channels].map(([channel, products]) => [channel, [...products.keys()]])
    this.send('subscriptions', JSON.stringify({ subscriptions: Object.fromEntries(lists) }))
  }

  private beat(): void {
    if (!this.channels.has('heartbeats')) return
    const current_time = microTimestamp(systemClock.wall_ms()).replace('T', ' ').replace('Z', '')
    const heartbeat_counter = this.heartbeat_counter++
    const event = { current_time: `${current_time}000+00:00`, heartbeat_counter }
    this.send('heartbeats', JSON.stringify(event))
  }

  /** "sequence_num" counts every frame of the connection, whatever its channel. */
  private send(channel: string, event: string): void {
    this.quiet.refresh()
    const timestamp = microTimestamp(systemClock.wall_ms())
    this.connection.send(
      `{"channel":"${channel}","client_id":"","timestamp":"${timestamp}",` +
        `"sequence_num":${this.sequence++},"events":[${event}]}`,
    )
  }
}

export function advancedServer(
  feed: AdvancedFeed,
  rules: AdvancedRules = ADVANCED_RULES,
): ExchangeServer {
  return {
    id: 'coinbase',
    websocket_path: '/',
    production: {
      websocket_origin: 'wss://advanced-trade-ws.coinbase.com',
      rest_origin: 'https://api.coinbase.com',
    },
    // what is done to the exchange's main door is not done to this one
    operations: new Operations(),
    connects: rules.connects,
    accepts: ({ pathname }) => pathname === '/',
    connect: (connection) => new AdvancedSession(connection, feed, rules),
    request: () => ({ status: 404, body: '{}' }),
    close: () => {},
  }
}
