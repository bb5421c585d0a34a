/**
 * The two roads of every reader must lead to the same place: what the scanner decodes from bytes,
 * the JSON reader alone decodes to the same calls, updates, books and errors, for good frames,
 * recorded frames and a great many broken ones.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Book, type Side } from '../book/book.ts'
import type { BookUpdate, Levels } from '../book/update.ts'
import { type Exchange, FrameError, type FrameHandler, type FrameReader } from './exchange.ts'
import { FastReader } from './fast.ts'
import { exchanges } from './index.ts'
import { type Change, type Dialect, dialects, TrueBook } from './testing.ts'

const BROKEN_FRAMES = 30_000
const CAPTURES = join(import.meta.dirname, '../../../shared/captures')
const MOST_CAPTURE_LINES = 12_000

const levels = ({ count, price, size }: Levels) =>
  Array.from({ length: count }, (_, i) => [price[i], size[i]])
const ranks = (side: Side) =>
  Array.from({ length: side.length }, (_, rank) => [side.price(rank), side.size(rank)])

/** Reads frames into books and writes down everything that the reader says. */
class Witness {
  readonly books = new Map<number, Book>()
  private said: unknown[] = []
  private readonly reader: FrameReader
  private readonly handler: FrameHandler = {
    book: (update) => {
      this.said.push(this.contentOf(update))
      const book = this.books.get(update.market) ?? new Book()
      this.books.set(update.market, book)
      book.apply(update, 0)
    },
    subscribed: (...words) => this.said.push(['subscribed', ...words]),
    refused: (...words) => this.said.push(['refused', ...words]),
    system: (...words) => this.said.push(['system', ...words]),
    trading: (...words) => this.said.push(['trading', ...words]),
    closing: (...words) => this.said.push(['closing', ...words]),
  }

  constructor(reader: FrameReader) {
    this.reader = reader
  }

  /** What the reader makes of a frame: its kind or its error, and every call. */
  read(frame: Buffer): unknown[] {
    this.said = []
    try {
      this.said.push(this.reader.read(frame, this.handler))
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.said.push(['FrameError', error.message, error.market])
    }
    return this.said
  }

  levels() {
    return [...this.books].map(([market, { bids, asks, price_decimals, size_decimals }]) => ({
      market,
      bids: ranks(bids),
      asks: ranks(asks),
      digits: [price_decimals, size_decimals],
    }))
  }

  private contentOf(update: BookUpdate) {
    return { ...update, bids: levels(update.bids), asks: levels(update.asks) }
  }
}

/** The whole reader and its JSON half alone. */
function both(exchange: Exchange, names: readonly string[]) {
  const markets = { find: (name: string) => names.indexOf(name) }
  const [fast, other] = [exchange.reader(markets), exchange.reader(markets)]
  if (!(fast instanceof FastReader && other instanceof FastReader)) {
    throw new Error(`${exchange.id} has no scanner`)
  }
  return { fast, with_bytes: new Witness(fast), with_json: new Witness(other.json) }
}

/** Numbers in [0, 1) that are the same in every run. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const pick = <T>(random: () => number, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T

/** Frames of one market from its first book on, as the exchange would send them. */
function conversation(dialect: Dialect, market: string, random: () => number, length: number) {
  const digits = Math.floor(random() * 9)
  const change = (): Change => {
    const side = random() < 0.5 ? 'bid' : 'ask'
    const away = (1 + Math.floor(random() * 200)) * (side === 'bid' ? -1 : 1)
    const size = random() < 0.4 ? 0 : random() * 10 ** Math.floor(random() * 8)
    return [side, ((30_000 + away) / 10 ** digits).toFixed(digits), size.toFixed(8)]
  }
  const batch = (most: number) => Array.from({ length: 1 + Math.floor(random() * most) }, change)
  const book = new TrueBook(batch(80))
  const snapshot = dialect.snapshots === 'socket' ? [dialect.snapshot(book, market)] : []
  const deltas = Array.from({ length }, (_, i) => {
    return dialect.delta(book, book.change(batch(6)), i + 1, market)
  })
  return { snapshot, deltas }
}

const SPLINTERS = [
  ...[
    '"',
    '\\',
    '\\u0041',
    ',',
    ':',
    '[',
    ']',
    '{',
    '}',
    '-',
    '.',
    '.0',
    '0',
    '00',
    '9',
    ' ',
    '\n',
  ],
  ...['e5', 'E-7', '999999999', '0.00000001', '12345678901234567890', '"0",', 'null', 'true', '[]'],
  ...['{"a":1}', '"u":', '"b":[],', 'é', '測試', '🚀', '\u0000', '\u0007', '\u2028', '1e999'],
].map((text) => Buffer.from(text))

/** One to three wounds: something cut out, put in, doubled, or a bit that flipped. */
function wound(frame: Buffer, random: () => number): Buffer {
  let bytes = frame
  for (let wounds = 1 + Math.floor(random() * 3); wounds > 0; wounds--) {
    const at = Math.floor(random() * bytes.length)
    const end = at + Math.floor(random() ** 3 * 12)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(end)]
    const kind = random()
    if (kind < 0.5) bytes = Buffer.concat([before, pick(random, SPLINTERS), bytes.subarray(at)])
    else if (kind < 0.7) bytes = Buffer.concat([before, after])
    else if (kind < 0.8) bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
    else if (kind < 0.85) bytes = before
    else
      bytes = Buffer.concat([before, Buffer.of(Math.floor(random() * 256)), bytes.subarray(at + 1)])
  }
  return bytes
}

interface CaptureLine {
  readonly url: string
  readonly dir: string
  readonly raw: string
}

function recorded(file: string, exchange: Exchange): Buffer[] {
  const bytes = readFileSync(join(CAPTURES, file))
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .slice(0, MOST_CAPTURE_LINES)
    .map((line) => JSON.parse(line) as CaptureLine)
    .filter(({ dir, url }) => dir === 'in' && exchange.hosts.some((host) => url.includes(host)))
    .map(({ raw }) => Buffer.from(raw))
}

describe.each(exchanges.map((exchange) => [exchange.id, exchange] as const))(
  '%s',
  (id, exchange) => {
    const dialect = dialects[id]
    if (dialect === undefined) throw new Error(`testing.ts has no dialect for ${id}`)
    const names = [dialect.market, '測試USDT', 'ÉTÉ-USD', '🚀/USD', dialect.market.slice(1)]

    it('decodes every change of a book from its bytes, and to the same book', () => {
      const random = randomOf(1)
      const { fast, with_bytes, with_json } = both(exchange, names)
      for (let turn = 0; turn < 40; turn++) {
        const name = pick(random, names)
        const { snapshot, deltas } = conversation(dialect, name, random, 50)
        for (const frame of snapshot.map((text) => Buffer.from(text))) {
          expect(with_bytes.read(frame)).toEqual(with_json.read(frame))
        }
        const slow_path = fast.slow_path
        for (const frame of deltas.map((text) => Buffer.from(text))) {
          const said = with_bytes.read(frame)
          expect(said).toEqual(with_json.read(frame))
          expect(said.at(-1)).toBe('book')
        }
        expect(fast.slow_path).toBe(slow_path)
        expect(with_bytes.levels()).toEqual(with_json.levels())
      }
    })

    it('leaves what it does not know to the JSON reader', () => {
      const { fast, with_bytes, with_json } = both(exchange, names)
      const stranger = dialect.delta(new TrueBook(), [['bid', '1.00', '2.00']], 1, dialect.stranger)
      for (const text of [stranger, ...dialect.others, '', '{}', 'null']) {
        const frame = Buffer.from(text)
        expect(with_bytes.read(frame)).toEqual(with_json.read(frame))
      }
      expect(fast.slow_path).toBeGreaterThan(3)
    })

    it(`reads ${BROKEN_FRAMES} broken frames as the JSON reader does`, () => {
      const random = randomOf(2)
      const { fast, with_bytes, with_json } = both(exchange, names)
      const { snapshot, deltas } = conversation(dialect, dialect.market, random, 60)
      const whole = [...snapshot, ...deltas, ...dialect.others].map((text) => Buffer.from(text))
      let read_alike = 0
      for (let i = 0; i < BROKEN_FRAMES; i++) {
        const frame = wound(pick(random, whole), random)
        const [said, should_say] = [with_bytes.read(frame), with_json.read(frame)]
        // toEqual is slow: the cheap comparison first
        if (JSON.stringify(said) !== JSON.stringify(should_say)) {
          expect(said, frame.toString()).toEqual(should_say)
        }
        read_alike++
      }
      expect(read_alike).toBe(BROKEN_FRAMES)
      expect(with_bytes.levels()).toEqual(with_json.levels())
      // some wounds leave a frame whole, such as another digit: the bytes must have been tried
      expect(fast.slow_path).toBeLessThan(BROKEN_FRAMES)
    })

    it('survives random bytes', () => {
      const random = randomOf(3)
      const { with_bytes, with_json } = both(exchange, names)
      for (let i = 0; i < 2_000; i++) {
        const length = Math.floor(random() * 200)
        const frame = Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
        expect(with_bytes.read(frame)).toEqual(with_json.read(frame))
      }
    })
  },
)

describe.skipIf(!existsSync(CAPTURES))('recordings', () => {
  it.each([
    ['binance', 'binance-spot-combined-btcusdt.hft20240808.jsonl.gz', ['BTCUSDT']],
    ['binance', 'binance-spot-combined.cf20211012.jsonl.gz', ['BLZETH', 'NKNUSDT']],
    ['coinbase', 'coinbase-spot-level2-ticker-matches.cf20210417.jsonl.gz', ['SKL-USD', 'CRV-EUR']],
    ['kraken', 'kraken-spot-v2-book-btcusd.sample.cb20260802.jsonl', ['BTC/USD']],
    ['kraken', 'kraken-spot-v2-book10-btcusd.pks2023.jsonl', ['BTC/USD']],
    ['bybit', 'bybit-linear-v5-orderbook500-xrpusdt.nt20241201.jsonl', ['XRPUSDT']],
  ])('%s: %s reads alike', (id, file, names) => {
    const exchange = exchanges.find((candidate) => candidate.id === id)!
    const { with_bytes, with_json } = both(exchange, names)
    const frames = recorded(file, id === 'bybit' ? { ...exchange, hosts: ['bybit.com'] } : exchange)
    expect(frames.length).toBeGreaterThan(10)
    for (const frame of frames) expect(with_bytes.read(frame)).toEqual(with_json.read(frame))
    expect(with_bytes.levels()).toEqual(with_json.levels())
    expect(with_bytes.books.size).toBeGreaterThan(0)
  })
})
