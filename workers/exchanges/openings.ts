/**
 * How the frames of each market begin: up to a number, and from there to the first byte that differs
 * from frame to frame, all bytes are those of the market's frame before. A hash table that learns
 * as markets come by, from the table of names; it learns no stranger, so what an exchange sends
 * unasked cannot fill it.
 */
import type { MarketTable } from './exchange.ts'
import { bytes, integer, sameText, view } from './window.ts'

/** A frame begins with `head`, an integer, `middle`. */
export interface Opening {
  /** the market's name in it */
  readonly name: string
  readonly head: string
  readonly middle: string
  /** frames that begin so replace the whole book */
  readonly snapshot: boolean
}

/** Bytes of a record: four int32, the head, the middle. */
const RECORD = 192
const MARKET = 0
const SNAPSHOT = 4
const HEAD_LENGTH = 8
const MIDDLE_LENGTH = 12
const HEAD = 16
const MIDDLE = 104
const KEY_BYTES = 12
const FEWEST = 64
/** Spellings of all markets together: a feed has some hundreds of either. */
const MOST = 8_192
/** so much of a frame tells how it begins */
const GLANCE = 320

export class Openings {
  /** of the last match */
  market = -1
  snapshot = false
  private readonly markets: MarketTable
  /** what a frame begins with, or null when it is of another kind */
  private readonly parse: (text: string) => Opening | null
  /** position in a frame of the twelve bytes that tell the markets apart */
  private readonly key: number
  private records = new DataView(new ArrayBuffer(FEWEST * RECORD))
  private mask = FEWEST - 1
  private length = 0

  constructor(markets: MarketTable, key: number, parse: (text: string) => Opening | null) {
    this.markets = markets
    this.parse = parse
    this.key = key
  }

  /**
   * Position behind the opening of the frame in the window, or -1 when it is of a kind or market that
   * is not known. The integer is in `found`.
   */
  match(): number {
    const at = this.find()
    return at < 0 && this.learn() ? this.find() : at
  }

  private find(): number {
    const { records, mask } = this
    for (let slot = hash(view, this.key) & mask; ; slot = (slot + 1) & mask) {
      const record = slot * RECORD
      const head_length = records.getInt32(record + HEAD_LENGTH, true)
      if (head_length === 0) return -1
      const head = sameText(0, records, record + HEAD, head_length)
      if (head < 0) continue
      const middle_length = records.getInt32(record + MIDDLE_LENGTH, true)
      const end = sameText(integer(head), records, record + MIDDLE, middle_length)
      if (end < 0) continue
      this.market = records.getInt32(record + MARKET, true)
      this.snapshot = records.getInt32(record + SNAPSHOT, true) !== 0
      return end
    }
  }

  /** True when the frame in the window begins in a way that is known from now on. */
  private learn(): boolean {
    const opening = this.parse(Buffer.from(bytes.subarray(0, GLANCE)).toString('utf8'))
    if (opening === null || this.length === MOST) return false
    const market = this.markets.find(opening.name)
    const [head, middle] = [Buffer.from(opening.head), Buffer.from(opening.middle)]
    // with this character in it the text is not the bytes
    if (market < 0 || (opening.head + opening.middle).includes('\ufffd')) return false
    if (head.length > MIDDLE - HEAD || middle.length > RECORD - MIDDLE) return false
    if (head.length < this.key + KEY_BYTES) return false
    if (2 * this.length > this.mask) this.grow()
    const record = this.freeRecord(hash(view, this.key))
    record.setInt32(MARKET, market, true)
    record.setInt32(SNAPSHOT, Number(opening.snapshot), true)
    record.setInt32(HEAD_LENGTH, head.length, true)
    record.setInt32(MIDDLE_LENGTH, middle.length, true)
    const memory = new Uint8Array(record.buffer, record.byteOffset)
    memory.set(head, HEAD)
    memory.set(middle, MIDDLE)
    this.length++
    return true
  }

  /** The first that is free from its home on. */
  private freeRecord(hash: number): DataView {
    let at = (hash & this.mask) * RECORD
    while (this.records.getInt32(at + HEAD_LENGTH, true) !== 0) {
      at = (at + RECORD) % this.records.byteLength
    }
    return new DataView(this.records.buffer, at, RECORD)
  }

  private grow(): void {
    const before = new Uint8Array(this.records.buffer)
    this.records = new DataView(new ArrayBuffer(2 * before.length))
    this.mask = 2 * this.mask + 1
    for (let at = 0; at < before.length; at += RECORD) {
      const record = new DataView(before.buffer, at, RECORD)
      if (record.getInt32(HEAD_LENGTH, true) === 0) continue
      const copy = this.freeRecord(hash(record, HEAD + this.key))
      new Uint8Array(copy.buffer, copy.byteOffset, RECORD).set(before.subarray(at, at + RECORD))
    }
  }
}

function hash(text: DataView, at: number): number {
  const sum =
    Math.imul(text.getInt32(at, true), 0x9e3779b1) ^
    Math.imul(text.getInt32(at + 4, true), 0x85ebca6b) ^
    Math.imul(text.getInt32(at + 8, true), 0xc2b2ae35)
  return sum ^ (sum >>> 15)
}
