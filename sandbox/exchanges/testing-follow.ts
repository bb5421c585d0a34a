/**
 * How a careful client follows each protocol, written from the exchanges' documentation and sharing
 * no code with the servers: for tests.
 */
import { expect } from 'vitest'
import { applyPairs, emptyBook, sorted, type TextBook } from './testing.ts'

/** A frame's levels with the digits as sent, which JSON.parse would lose. */
export function levelsOf(frame: string, side: 'bids' | 'asks'): [string, string][] {
  const text = new RegExp(`"${side}":\\[([^\\]]*)\\]`).exec(frame)?.[1] ?? ''
  return [...text.matchAll(/"price":([\d.]+),"qty":([\d.]+)/g)].map((m) => [m[1] ?? '', m[2] ?? ''])
}

const CRC_TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc >>> 0
})

export function crc(text: string): number {
  let value = 0xffffffff
  for (const byte of Buffer.from(text))
    value = (value >>> 8) ^ (CRC_TABLE[(value ^ byte) & 255] ?? 0)
  return (value ^ 0xffffffff) >>> 0
}

function crcOfBook({ bids, asks }: TextBook): number {
  const part = (levels: [string, string][]) =>
    levels
      .slice(0, 10)
      .flat()
      .map((text) => text.replace('.', '').replace(/^0+/, ''))
      .join('')
  return crc(part(sorted(asks, 1)) + part(sorted(bids, -1)))
}

/** Follows a symbol as the documentation tells: apply, delete zeros, truncate, compare. */
export function followKraken(frames: readonly string[], symbol: string, depth: number): TextBook {
  let book = emptyBook()
  for (const frame of frames) {
    if (!frame.startsWith('{"channel":"book"') || !frame.includes(`"symbol":"${symbol}"`)) continue
    if (frame.includes('"type":"snapshot"')) book = emptyBook()
    applyPairs(book.bids, levelsOf(frame, 'bids'))
    applyPairs(book.asks, levelsOf(frame, 'asks'))
    book.bids = new Map(sorted(book.bids, -1).slice(0, depth))
    book.asks = new Map(sorted(book.asks, 1).slice(0, depth))
    expect(crcOfBook(book)).toBe(JSON.parse(frame).data[0].checksum)
  }
  return book
}

export interface BybitFrame {
  topic: string
  type: 'snapshot' | 'delta'
  ts: number
  cts: number
  data: { s: string; b: [string, string][]; a: [string, string][]; u: number; seq: number }
}

/** Follows a topic as documented, and never truncates: the exchange deletes what leaves. */
export function followBybit(frames: readonly BybitFrame[]) {
  let book = emptyBook()
  let last = 0
  for (const { type, data } of frames) {
    if (type === 'snapshot') book = emptyBook()
    else expect(data.u).toBe(last + 1)
    last = data.u
    applyPairs(book.bids, data.b)
    applyPairs(book.asks, data.a)
  }
  return book
}

interface CoinbaseFrame {
  type: string
  product_id: string
  bids: [string, string][]
  asks: [string, string][]
  changes: [string, string, string][]
}

export function followCoinbase(frames: readonly string[], product: string): TextBook {
  let book = emptyBook()
  for (const text of frames) {
    const frame = JSON.parse(text) as CoinbaseFrame
    if (frame.product_id !== product) continue
    if (frame.type === 'snapshot') {
      book = emptyBook()
      applyPairs(book.bids, frame.bids)
      applyPairs(book.asks, frame.asks)
    }
    for (const [side, price, size] of frame.type === 'l2update' ? frame.changes : []) {
      applyPairs(side === 'buy' ? book.bids : book.asks, [[price, size]])
    }
  }
  return book
}

export interface BinanceSnapshot {
  lastUpdateId: number
  bids: [string, string][]
  asks: [string, string][]
}

/** Diffs of one symbol on a combined stream. */
export function binanceDiffs(frames: readonly string[], stream: string) {
  return frames
    .map((frame) => JSON.parse(frame))
    .filter((frame) => frame.stream === stream)
    .map(
      ({ data }) => data as { U: number; u: number; b: [string, string][]; a: [string, string][] },
    )
}

/** From a snapshot on, up to the update `until_id`; expects that every diff joins the last. */
export function followBinance(
  snapshot: BinanceSnapshot,
  diffs: ReturnType<typeof binanceDiffs>,
  until_id = Number.POSITIVE_INFINITY,
): TextBook {
  const book = emptyBook()
  applyPairs(book.bids, snapshot.bids)
  applyPairs(book.asks, snapshot.asks)
  let last = snapshot.lastUpdateId
  let first = true
  for (const { U, u, b, a } of diffs) {
    if (u <= last || u > until_id) continue
    if (first) expect(U).toBeLessThanOrEqual(last + 1)
    else expect(U).toBe(last + 1)
    first = false
    applyPairs(book.bids, b)
    applyPairs(book.asks, a)
    last = u
  }
  return book
}
