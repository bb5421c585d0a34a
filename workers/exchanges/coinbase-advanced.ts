/**
 * Coinbase Advanced Trade `level2`: the same books as Coinbase Exchange over another door, with one
 * counter over all frames of a connection. Its channel `heartbeats` keeps the connection open.
 * It is spoken only while the Exchange feed cannot be had.
 * https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
 */
import { BookUpdate } from '../book/update.ts'
import {
  FrameError,
  type FrameHandler,
  type FrameReader,
  type MarketTable,
  type Protocol,
  SequenceError,
} from './exchange.ts'
import {
  array,
  integer,
  type JsonObject,
  located,
  marketNamedIn,
  object,
  parseJson,
  pushLevel,
  shown,
  text,
  timeOrNaN,
} from './json.ts'

const NUMBERED = new Set<unknown>(['l2_data', 'subscriptions', 'heartbeats'])

class AdvancedReader implements FrameReader {
  /** one per event: nothing is handed over before the whole frame is known to be good */
  private readonly updates = [new BookUpdate()]
  private readonly markets: MarketTable
  private last_sequence = Number.NaN

  constructor(markets: MarketTable) {
    this.markets = markets
  }

  read(frame: Buffer, handler: FrameHandler): 'book' | 'control' | 'ignored' {
    const message = object(parseJson(frame), 'frame')
    if (message.type === 'error') return refuse(message, this.markets, handler)
    const { channel } = message
    if (message.sequence_num === undefined && !NUMBERED.has(channel)) return 'ignored'
    if (!this.follows(integer(message.sequence_num, 'sequence_num'))) return 'ignored'
    if (channel === 'l2_data') return this.books(message, handler)
    if (channel === 'subscriptions') return this.subscriptions(message, handler)
    return channel === 'heartbeats' ? 'control' : 'ignored'
  }

  /**
   * "sequence_num increases by one with every message of the connection": acknowledgements and
   * heartbeats count too. False for a frame that was there already.
   */
  private follows(sequence: number): boolean {
    const last = this.last_sequence
    this.last_sequence = sequence
    if (sequence === last) return false
    if (!Number.isNaN(last) && sequence !== last + 1) {
      throw new SequenceError(`sequence_num ${sequence} after ${last}`)
    }
    return true
  }

  private books(message: JsonObject, handler: FrameHandler): 'book' | 'ignored' {
    const time_ms = timeOrNaN(message.timestamp)
    let count = 0
    for (const item of array(message.events, 'events')) {
      const event = object(item, 'event')
      const market = this.find(text(event.product_id, 'product_id'))
      if (market < 0) continue
      const update = this.updates[count] ?? new BookUpdate()
      this.updates[count++] = update
      located(market, () => decode(update, event, market, time_ms))
    }
    for (let i = 0; i < count; i++) handler.book(this.updates[i] as BookUpdate)
    return count > 0 ? 'book' : 'ignored'
  }

  /** "Subscribing to a -USDC product returns the data of the corresponding -USD product." */
  private find(product: string): number {
    const market = this.markets.find(product)
    return market < 0 && product.endsWith('-USD') ? this.markets.find(`${product}C`) : market
  }

  /** The frame lists every subscription of the connection, not only the last change. */
  private subscriptions(message: JsonObject, handler: FrameHandler): 'control' {
    const products = array(message.events, 'events')
      .map((event) => object(object(event, 'event').subscriptions, 'subscriptions'))
      .flatMap(({ level2 }) => (level2 === undefined ? [] : array(level2, 'level2')))
      .map((product) => text(product, 'product_id'))
    for (const product of products) {
      if (this.markets.find(product) >= 0) handler.subscribed(product)
    }
    return 'control'
  }
}

/** Both doors refuse alike: `{"type":"error","message":"Failed to subscribe","reason":"…"}`. */
export function refuse(
  message: JsonObject,
  markets: MarketTable,
  handler: FrameHandler,
): 'control' {
  const reason = [message.message, message.reason].filter(Boolean).map(shown).join(': ')
  handler.refused(marketNamedIn(reason, markets), reason)
  return 'control'
}

function decode(update: BookUpdate, event: JsonObject, market: number, time_ms: number): void {
  update.reset()
  update.market = market
  update.snapshot = isSnapshot(event.type)
  update.exchange_time_ms = time_ms
  for (const item of array(event.updates, 'updates')) {
    const level = object(item, 'update')
    // an empty quantity deletes the level as zero does
    const quantity = level.new_quantity === '' ? '0' : level.new_quantity
    if (level.side === 'bid') pushLevel(update, update.bids, level.price_level, quantity)
    else if (level.side === 'offer') pushLevel(update, update.asks, level.price_level, quantity)
    else throw new FrameError(`side: ${shown(level.side)}`)
  }
}

function isSnapshot(type: unknown): boolean {
  if (type === 'snapshot') return true
  if (type === 'update') return false
  throw new FrameError(`type: ${shown(type)}`)
}

const request = (type: string, markets: readonly string[]) => [
  JSON.stringify({ type, product_ids: markets, channel: 'level2' }),
]

export const advancedTrade: Protocol = {
  limits: {
    // 8 a second without a key
    frames_per_second: 4,
    // each snapshot is a whole book, some of several MB: they come in small groups
    markets_per_frame: 10,
    markets_per_connection: 60,
    // 8 a second per address: half is left to a standby
    connects: { count: 4, window_ms: 1_000 },
    rest: { weight: 5, window_ms: 1_000 },
    largest_frame_bytes: 32 << 20,
  },
  // a heartbeat comes each second
  keepalive: { idle_ms: 6_000, answer_ms: 10_000, quiet_ms: 120_000 },
  hello: () => ['{"type":"subscribe","channel":"heartbeats"}'],
  subscribe: (markets) => request('subscribe', markets),
  unsubscribe: (markets) => request('unsubscribe', markets),
  reader: (markets) => new AdvancedReader(markets),
}
