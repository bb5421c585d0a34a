/**
 * For tests: a true book that changes, and one dialect per exchange that puts it into that
 * exchange's frames. Written from the protocols and sharing no code with the readers.
 */
import { crc32 } from 'node:zlib'
import type { Market } from '../../shared/market.ts'
import type { Exchange } from './exchange.ts'

export type Change = readonly ['bid' | 'ask', string, string]

/** What an exchange knows: every level with the digits that it prints. */
export class TrueBook {
  readonly bids = new Map<string, string>()
  readonly asks = new Map<string, string>()
  id = 100
  time_ms = Date.UTC(2026, 0, 1)

  constructor(levels: readonly Change[] = []) {
    this.set(levels)
  }

  /** Applies changes as one batch: the id grows by the number of changes. */
  change(changes: readonly Change[]): readonly Change[] {
    this.set(changes)
    this.id += changes.length
    this.time_ms += 100
    return changes
  }

  /** Best first. */
  levels(side: 'bids' | 'asks', depth = Number.POSITIVE_INFINITY): [string, string][] {
    const sign = side === 'bids' ? -1 : 1
    const sorted = [...this[side]].sort(([a], [b]) => sign * (Number(a) - Number(b)))
    return sorted.slice(0, depth)
  }

  private set(levels: readonly Change[]): void {
    for (const [side, price, size] of levels) {
      const book = side === 'bid' ? this.bids : this.asks
      if (Number(size) === 0) book.delete(price)
      else book.set(price, size)
    }
  }
}

export interface Dialect {
  /** a market's name as the exchange spells it */
  readonly market: string
  /** one more, that the connection did not ask for */
  readonly stranger: string
  /** a size without digits deletes the level, as zero does */
  readonly empty_deletes?: boolean
  /** where snapshots come from */
  readonly snapshots: 'socket' | 'rest'
  snapshot(book: TrueBook, market?: string): string
  /** `batch` counts deltas since the snapshot, from 1 */
  delta(book: TrueBook, changes: readonly Change[], batch: number, market?: string): string
  /** levels a side that the exchange keeps for a subscriber, where it deletes none that leave */
  readonly window?: number
  /** frames that close and open the market, where the stream tells */
  readonly halting?: { readonly closed: string; readonly open: string }
  /** frames that the exchange sends and that carry no book */
  readonly others: readonly string[]
}

const sideOf = (changes: readonly Change[], side: 'bid' | 'ask') =>
  changes.filter(([which]) => which === side).map(([, price, size]) => [price, size])

const binance: Dialect = {
  market: 'BTCUSDT',
  stranger: 'ETHUSDT',
  snapshots: 'rest',
  snapshot: (book) =>
    JSON.stringify({
      lastUpdateId: book.id,
      bids: book.levels('bids', 1000),
      asks: book.levels('asks', 1000),
    }),
  delta: (book, changes, _batch, market = 'BTCUSDT') =>
    JSON.stringify({
      stream: `${market.toLowerCase()}@depth@100ms`,
      data: {
        e: 'depthUpdate',
        E: book.time_ms,
        s: market,
        U: book.id - changes.length + 1,
        u: book.id,
        b: sideOf(changes, 'bid'),
        a: sideOf(changes, 'ask'),
      },
    }),
  others: [
    '{"result":null,"id":1}',
    '{"stream":"btcusdt@bookTicker","data":{"u":400900217,"s":"BTCUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}}',
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}',
    '{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1634000000000,"s":"BTCUSDT","k":{}}}',
  ],
}

const bybitFrame = (
  type: 'snapshot' | 'delta',
  market: string,
  u: number,
  time_ms: number,
  b: unknown,
  a: unknown,
) =>
  JSON.stringify({
    topic: `orderbook.50.${market}`,
    ts: time_ms + 2,
    type,
    data: { s: market, b, a, u, seq: 66544703342 },
    cts: time_ms,
  })

const bybit: Dialect = {
  market: 'BTCUSDT',
  stranger: 'ETHUSDT',
  snapshots: 'socket',
  snapshot: (book, market = 'BTCUSDT') =>
    bybitFrame(
      'snapshot',
      market,
      500,
      book.time_ms,
      book.levels('bids', 50),
      book.levels('asks', 50),
    ),
  delta: (book, changes, batch, market = 'BTCUSDT') =>
    bybitFrame(
      'delta',
      market,
      500 + batch,
      book.time_ms,
      sideOf(changes, 'bid'),
      sideOf(changes, 'ask'),
    ),
  others: [
    '{"success":true,"ret_msg":"subscribe","conn_id":"2324d924","req_id":"s1","op":"subscribe"}',
    '{"success":true,"ret_msg":"pong","conn_id":"0970e817","op":"ping"}',
    '{"topic":"publicTrade.BTCUSDT","ts":1672304486868,"type":"snapshot","data":[]}',
    '{"topic":"orderbook.1.BTCUSDT","ts":1,"type":"snapshot","data":{"s":"BTCUSDT","b":[["1","1"]],"a":[["2","1"]],"u":1,"seq":1},"cts":1}',
  ],
}

const coinbase: Dialect = {
  market: 'BTC-USD',
  halting: {
    closed:
      '{"type":"status","currencies":[],"products":[{"id":"BTC-USD","status":"online","cancel_only":true}]}',
    open: '{"type":"status","currencies":[],"products":[{"id":"BTC-USD","status":"online","cancel_only":false}]}',
  },
  stranger: 'ETH-USD',
  snapshots: 'socket',
  snapshot: (book, market = 'BTC-USD') =>
    JSON.stringify({
      type: 'snapshot',
      product_id: market,
      asks: book.levels('asks'),
      bids: book.levels('bids'),
      time: new Date(book.time_ms).toISOString(),
    }),
  delta: (book, changes, _batch, market = 'BTC-USD') =>
    JSON.stringify({
      type: 'l2update',
      product_id: market,
      changes: changes.map(([side, ...level]) => [side === 'bid' ? 'buy' : 'sell', ...level]),
      time: new Date(book.time_ms).toISOString(),
    }),
  others: [
    '{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28.464459Z"}',
    '{"type":"subscriptions","channels":[{"name":"level2_batch","product_ids":["BTC-USD"]},{"name":"heartbeat","product_ids":["BTC-USD"]}]}',
    '{"type":"ticker","sequence":50978628538,"product_id":"BTC-USD","price":"17165.16","best_bid":"17165.15","best_ask":"17167.76"}',
    '{"type":"last_match","trade_id":1,"product_id":"BTC-USD","size":"1","price":"2"}',
  ],
}

/** The exchange keeps this many levels a side for a subscriber. */
const KRAKEN_WINDOW = 25

/** From the digits as printed: no numbers, so no rounding to agree on by accident. */
function krakenChecksum(book: TrueBook): number {
  const digits = (text: string) => text.replace('.', '').replace(/^0+/, '')
  const side = (levels: [string, string][]) =>
    levels.map(([price, size]) => digits(price) + digits(size)).join('')
  return crc32(side(book.levels('asks', 10)) + side(book.levels('bids', 10)))
}

const krakenLevels = (levels: readonly (readonly (string | undefined)[])[]) =>
  `[${levels.map(([price, qty]) => `{"price":${price},"qty":${qty}}`).join(',')}]`

function krakenFrame(type: string, market: string, bids: string, asks: string, book: TrueBook) {
  const time = new Date(book.time_ms).toISOString()
  return `{"channel":"book","type":"${type}","data":[{"symbol":"${market}","bids":${bids},"asks":${asks},"checksum":${krakenChecksum(book)},"timestamp":"${time}"}]}`
}

const kraken: Dialect = {
  market: 'BTC/USD',
  window: KRAKEN_WINDOW,
  halting: {
    closed: '{"channel":"status","type":"update","data":[{"system":"post_only"}]}',
    open: '{"channel":"status","type":"update","data":[{"system":"online"}]}',
  },
  stranger: 'ETH/USD',
  snapshots: 'socket',
  snapshot: (book, market = 'BTC/USD') =>
    krakenFrame(
      'snapshot',
      market,
      krakenLevels(book.levels('bids', KRAKEN_WINDOW)),
      krakenLevels(book.levels('asks', KRAKEN_WINDOW)),
      book,
    ),
  delta: (book, changes, _batch, market = 'BTC/USD') =>
    krakenFrame(
      'update',
      market,
      krakenLevels(sideOf(changes, 'bid')),
      krakenLevels(sideOf(changes, 'ask')),
      book,
    ),
  others: [
    '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2","connection_id":6447481662169813000}]}',
    '{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"BTC/USD"},"success":true,"time_in":"2023-09-25T09:04:31.742599Z","time_out":"2023-09-25T09:04:31.742648Z","req_id":2}',
    '{"channel":"heartbeat"}',
    '{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_increment":1e-8}]}}',
    '{"method":"pong","req_id":123,"time_in":"2026-07-26T12:00:00.123456Z","time_out":"2026-07-26T12:00:00.123556Z"}',
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":105944.20}]}',
  ],
}

/** One counter over all frames of a connection; tests have one connection at a time. */
let advanced_sequence = 0

function advancedFrame(type: string, market: string, time_ms: number, changes: readonly Change[]) {
  const timestamp = new Date(time_ms).toISOString()
  return JSON.stringify({
    channel: 'l2_data',
    client_id: '',
    timestamp,
    sequence_num: advanced_sequence++,
    events: [
      {
        type,
        product_id: market,
        updates: changes.map(([side, price_level, new_quantity]) => ({
          side: side === 'bid' ? 'bid' : 'offer',
          event_time: timestamp,
          price_level,
          new_quantity,
        })),
      },
    ],
  })
}

const advanced: Dialect = {
  market: 'BTC-USD',
  empty_deletes: true,
  stranger: 'ETH-USD',
  snapshots: 'socket',
  snapshot: (book, market = 'BTC-USD') =>
    advancedFrame('snapshot', market, book.time_ms, [
      ...book.levels('bids').map(([price, size]): Change => ['bid', price, size]),
      ...book.levels('asks').map(([price, size]): Change => ['ask', price, size]),
    ]),
  delta: (book, changes, _batch, market = 'BTC-USD') =>
    advancedFrame('update', market, book.time_ms, changes),
  others: [
    '{"channel":"subscriptions","client_id":"","timestamp":"2026-04-07T14:30:00.000000Z","sequence_num":0,"events":[{"subscriptions":{"level2":["BTC-USD"]}}]}',
    '{"channel":"subscriptions","timestamp":"2026-04-07T14:30:00.000000Z","sequence_num":1,"events":[{"subscriptions":{"heartbeats":["heartbeats"]}}]}',
    '{"channel":"heartbeats","client_id":"","timestamp":"2026-04-07T14:30:10.000000Z","sequence_num":0,"events":[{"current_time":"2026-04-07 14:30:10.000000000+00:00","heartbeat_counter":42}]}',
    '{"channel":"ticker","timestamp":"2026-04-07T14:30:10.000000Z","sequence_num":3,"events":[]}',
  ],
}

export const dialects: Readonly<Record<string, Dialect>> = {
  binance,
  bybit,
  coinbase,
  kraken,
  'coinbase at advanced-trade-ws.coinbase.com': advanced,
}

/** Every protocol that is spoken: each exchange's own and those of its alternatives, by name. */
export function protocolsOf(exchange: Exchange): (readonly [string, Exchange])[] {
  const others = (exchange.alternatives ?? []).flatMap(({ websocket_url, protocol }) => {
    if (websocket_url === undefined || protocol === undefined) return []
    const name = `${exchange.id} at ${new URL(websocket_url).hostname}`
    return [[name, { ...exchange, ...protocol }] as const]
  })
  return [[exchange.id, exchange], ...others]
}

export function testMarket(exchange: string, market: string): Market {
  const [base = '', quote = ''] = market.includes('/')
    ? market.split('/')
    : market.includes('-')
      ? market.split('-')
      : [market.slice(0, -4), market.slice(-4)]
  return {
    exchange,
    symbol: `${base}/${quote}`,
    market,
    base,
    quote,
    price_step: '0.01',
    size_step: '0.0001',
    minimum_size: '0',
    minimum_notional: '0',
    taker_fee_percent: '0.1',
    trading: true,
  }
}
