/** For tests: the frames of Coinbase Exchange and of Advanced Trade, sharing no code with the readers. */
import type { Change, Dialect, Published } from './testing-dialect.ts'

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

/** by the name of the protocol */
export const dialects: Readonly<Record<string, Dialect>> = {
  coinbase,
  'coinbase at advanced-trade-ws.coinbase.com': advanced,
}

export const published: Published = {
  name: (n) => `LONGCOIN${n}-USD`,
  topics: ({ product_ids }) => (product_ids as string[] | undefined) ?? [],
  frames_per_second: 100,
  first_frame_within_ms: 5_000,
  connects: { count: 8, window_ms: 1_000 },
  connections: 5,
  time: {
    body: '{"iso":"2025-11-11T00:17:04.123Z","epoch":1762820224.123}',
    at_ms: 1_762_820_224_123,
  },
}
