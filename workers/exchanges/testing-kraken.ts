/** For tests: Kraken's frames and checksums, written from the protocol and sharing no code with its reader. */
import { crc32 } from 'node:zlib'
import { type Dialect, type Published, sideOf, type TrueBook } from './testing-dialect.ts'

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

/** by the name of the protocol */
export const dialects: Readonly<Record<string, Dialect>> = { kraken }

export const published: Published = {
  name: (n) => `LONGCOIN${n}/USD`,
  topics: ({ params }) => (params as { symbol?: string[] } | undefined)?.symbol ?? [],
  frames_per_second: 10,
  connects: { count: 150, window_ms: 600_000 },
  connections: 2,
  time: {
    body: '{"error":[],"result":{"unixtime":1762820224,"rfc1123":"Tue, 11 Nov 25 00:17:04 +0000"}}',
    at_ms: 1_762_820_224_000,
  },
}
