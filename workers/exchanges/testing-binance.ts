/** For tests: Binance's frames, written from the protocol and sharing no code with its reader. */
import { type Dialect, type Published, sideOf } from './testing-dialect.ts'

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

/** by the name of the protocol */
export const dialects: Readonly<Record<string, Dialect>> = { binance }

export const published: Published = {
  name: (n) => `1000LONGCOIN${n}USDT`,
  topics: ({ params }) => params as string[],
  // PING and PONG frames count too
  frames_per_second: 5,
  frame_bytes: 4_096,
  topics_per_connection: 1_024,
  connects: { count: 300, window_ms: 300_000 },
  connections: 2,
  time: { body: '{"serverTime":1762820224123}', at_ms: 1_762_820_224_123 },
}
