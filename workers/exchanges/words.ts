/**
 * The steps of a scanner (scan.ts) in words of four bytes: a frame is copied to where such words can
 * be read, which costs a tenth of what reading it byte by byte does. Steps return the position
 * behind what they expect, or -1; begun at -1 they end at -1. What is rare is left to the bytes.
 */
import type { BookUpdate } from '../book/update.ts'
import { digitAt, pairAt } from './digits.ts'
import type { MarketTable } from './exchange.ts'
import { timeOrNaN } from './json.ts'
import { MarketNames } from './names.ts'
import { text, timestamp } from './scan.ts'

/** Longer frames are whole books, which come seldom. */
const LONGEST_FRAME = 64 << 10
/** steps may look so far beyond what they have checked */
const MARGIN = 64
const WORD = 4
const memory = new ArrayBuffer(LONGEST_FRAME + MARGIN)
/** the frame that is being read */
export const bytes = new Uint8Array(memory)
const view = new DataView(memory)

const POINT = 0x2e
const ZULU = 0x5a
const QUOTES = 0x22222222
const ONES = 0x01010101
/** an odd number without a pattern */
const MIXER = 0x9e3779b1
const LENGTH_BITS = 4
const LENGTH = 15
const FEWEST_SLOTS = 64
const HIGHEST_BITS = 0x80808080
const MINUTE_MS = 60_000
/** `44.432087654` */
const MOST_SECOND_DIGITS = 12

/** Takes a frame in for the steps below; false when it is too long for them. */
export function take(frame: Uint8Array): boolean {
  if (frame.length > LONGEST_FRAME) return false
  bytes.set(frame)
  // what a longer frame left behind must not read as more of this one
  view.setInt32(frame.length, 0)
  return true
}

/** A constant part of a skeleton: its words and, so that all its bytes are in one, the last four. */
export interface Phrase {
  readonly length: number
  readonly words: readonly number[]
}

export function phrase(constant: string): Phrase {
  const { length } = constant
  if (length < WORD) throw new Error(`${constant} is shorter than a word`)
  const text = Buffer.from(constant, 'latin1')
  const starts = Array.from({ length: Math.ceil(length / WORD) }, (_, i) => i * WORD)
  return { length, words: starts.map((at) => text.readInt32LE(Math.min(at, length - WORD))) }
}

/** Exactly these bytes. */
export function phraseAt(from: number, expected: Phrase): number {
  if (from < 0) return -1
  const { length, words } = expected
  const last = words.length - 1
  let at = from
  for (let i = 0; i < last; i++, at += WORD) {
    if (view.getInt32(at, true) !== words[i]) return -1
  }
  const end = from + length
  return view.getInt32(end - WORD, true) === words[last] ? end : -1
}

/** A mask of the bytes before the first whose highest bit is set. */
function bytesBefore(word: number): number {
  const marks = (word & HIGHEST_BITS) >>> 7
  return (marks - 1) & ~marks
}

/** The minute that the last timestamp was in: `2021-04-17T16:43:`, and when it began. */
let minute = phrase('1970-01-01T00:00:')
let minute_ms = 0

/** The same as timestamp of scan.ts. */
export function timeAt(from: number, update: BookUpdate): number {
  const second = phraseAt(from, minute)
  if (second < 0) return learnMinute(from, update)
  const seconds = pairAt(bytes, second)
  const hundredths = pairAt(bytes, second + 3)
  const thousandths = digitAt(bytes, second + 5)
  if (seconds < 0 || seconds > 59 || bytes[second + 2] !== POINT) return -1
  if (hundredths < 0 || thousandths < 0) return -1
  let at = second + 6
  while (digitAt(bytes, at) >= 0) at++
  if (at > second + MOST_SECOND_DIGITS || bytes[at] !== ZULU) return -1
  update.exchange_time_ms = minute_ms + seconds * 1_000 + hundredths * 10 + thousandths
  return at + 1
}

function learnMinute(from: number, update: BookUpdate): number {
  const end = timestamp(bytes, from, update)
  const begins_ms = Math.floor(update.exchange_time_ms / MINUTE_MS) * MINUTE_MS
  const is_known = !Number.isNaN(timeOrNaN(begins_ms) + timeOrNaN(begins_ms + MINUTE_MS))
  if (end >= 0 && is_known) {
    minute = phrase(Buffer.from(bytes.slice(from, from + minute.length)).toString('latin1'))
    minute_ms = begins_ms
  }
  return end
}

/** The markets of a connection by their names, as far as these are short: three words. */
export class WordNames {
  /** of the name found last */
  market = -1
  /** three words of a name, zeros behind it, and its market above its length; 0 when free */
  private slots = new Int32Array(4 * FEWEST_SLOTS)
  private length = 0
  private readonly names: MarketNames

  constructor(markets: MarketTable) {
    this.names = new MarketNames(markets)
  }

  /** The rest of a JSON string, closing quote included, that is the name of a market, or -1. */
  find(frame: Uint8Array, from: number): number {
    if (from < 0) return -1
    let first = view.getInt32(from, true)
    let second = view.getInt32(from + WORD, true)
    let third = view.getInt32(from + 2 * WORD, true)
    const in_first = beforeQuote(first)
    // a word counts only when the one before it has no quote: its mask is all ones
    const in_second = beforeQuote(second) & (in_first >> 31)
    const in_third = beforeQuote(third) & (in_second >> 31)
    first &= in_first
    second &= in_second
    third &= in_third
    const missing = Math.clz32(in_first) + Math.clz32(in_second) + Math.clz32(in_third)
    const length = 3 * WORD - (missing >> 3)
    const { slots } = this
    let at = this.home(first, second, third)
    for (let known = slots[at + 3] as number; known !== 0; known = slots[at + 3] as number) {
      const is_same = slots[at] === first && slots[at + 1] === second && slots[at + 2] === third
      if (is_same && (known & LENGTH) === length) {
        this.market = known >> LENGTH_BITS
        return from + length + 1
      }
      at = (at + 4) & (slots.length - 1)
    }
    return this.learn(frame, from)
  }

  private learn(frame: Uint8Array, from: number): number {
    const end = text(frame, from)
    this.market = this.names.find(frame, from, end - 1)
    if (this.market < 0) return -1
    const length = end - from - 1
    if (length > 0 && length < 3 * WORD) {
      if (8 * this.length >= this.slots.length) this.grow()
      this.length++
      const name = new DataView(new ArrayBuffer(3 * WORD))
      for (let at = from; at < from + length; at++) name.setUint8(at - from, frame[at] as number)
      const words = [0, WORD, 2 * WORD].map((at) => name.getInt32(at, true))
      this.put([...words, (this.market << LENGTH_BITS) | length])
    }
    return end
  }

  private put([first = 0, second = 0, third = 0, known = 0]: readonly number[]): void {
    const { slots } = this
    let at = this.home(first, second, third)
    while (slots[at + 3] !== 0) at = (at + 4) & (slots.length - 1)
    slots.set([first, second, third, known], at)
  }

  private grow(): void {
    const { slots } = this
    this.slots = new Int32Array(2 * slots.length)
    for (let at = 0; at < slots.length; at += 4) {
      if (slots[at + 3] !== 0) this.put([...slots.subarray(at, at + 4)])
    }
  }

  private home(first: number, second: number, third: number): number {
    const mixed = Math.imul(first ^ Math.imul(second ^ Math.imul(third, MIXER), MIXER), MIXER)
    return ((mixed >>> 8) * 4) & (this.slots.length - 1)
  }
}

/** A mask of the bytes of a word before its first quote. */
function beforeQuote(word: number): number {
  const unlike = word ^ QUOTES
  return bytesBefore((unlike - ONES) & ~unlike)
}
