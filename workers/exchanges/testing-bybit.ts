/** For tests: Bybit's frames, written from the protocol and sharing no code with its reader. */
import { type Dialect, type Published, sideOf } from './testing-dialect.ts'

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

/** by the name of the protocol */
export const dialects: Readonly<Record<string, Dialect>> = { bybit }

export const published: Published = {
  name: (n) => `1000LONGCOIN${n}USDT`,
  topics: ({ args }) => (args as string[] | undefined) ?? [],
  topics_per_frame: 10,
  topic_characters: 21_000,
  connects: { count: 500, window_ms: 300_000 },
  connections: 2,
  time: {
    body: '{"retCode":0,"result":{"timeSecond":"1762820224","timeNano":"1762820224123213947"},"time":1762820224123}',
    at_ms: 1_762_820_224_123,
  },
}
