/**
 * The frame that is being scanned, copied to where the compiler knows the address: eight bytes are
 * then compared, and four digits of an id added up, at the price of one. Steps are those of scan.ts:
 * each begins at a position and returns the one behind what it expects there, or -1.
 */
import { found, POWER_OF_TEN } from './digits.ts'

/** Longer frames are whole books, which are rare. */
const MOST_BYTES = 1 << 16
/** what a step may look at behind the end */
const SLACK = 512
/** A frame ends with so many bytes that no step expects: what lies behind is of frames before. */
const END_BYTES = 8

// a Buffer as frames are: the steps of scan.ts then know one kind of bytes only
const memory = Buffer.from(new ArrayBuffer(MOST_BYTES + SLACK))
// what is exported is looked up at every use: the compiler takes only private constants for such
const words = new DataView(memory.buffer)
const TENS = POWER_OF_TEN

export { memory as bytes, words as view }

/** A byte XOR this is the digit that it stands for, or more than 9; of four bytes at once. */
const ZEROS = 0x30303030
/** added to a digit it stays below 0x80, added to any other byte it does not */
const BELOW_TEN = 0x76767676
const HIGH_BITS = 0x80808080 | 0
/** that many are exact as a Float64 */
const EXACT_DIGITS = 15
const ZERO = 0x30

/** Four bytes as they stand in memory. */
const word = (text: string) => Buffer.from(text.padEnd(4, '\0')).readInt32LE()

/** Up to eight bytes as two words, which may overlap. Fewer than four must end the frame. */
export interface Literal {
  readonly length: number
  readonly first: number
  readonly last: number
  /** where the second word begins */
  readonly behind: number
}

export function literalOf(text: string): Literal {
  const behind = Math.max(0, text.length - 4)
  return {
    length: text.length,
    first: word(text.slice(0, 4)),
    last: word(text.slice(behind)),
    behind,
  }
}

/** Takes a frame in and returns its length, or -1 when it is too long. */
export function open(frame: Uint8Array): number {
  const { length } = frame
  if (length > MOST_BYTES) return -1
  memory.set(frame)
  words.setInt32(length, 0)
  words.setInt32(length + END_BYTES - 4, 0)
  return length
}

/** Exactly these bytes. */
export function literal(at: number, { length, first, last, behind }: Literal): number {
  if (at < 0 || words.getInt32(at, true) !== first) return -1
  return words.getInt32(at + behind, true) === last ? at + length : -1
}

/** The same bytes as `expected[from, from + length)`, at least eight, none of them 0. */
export function sameText(at: number, expected: DataView, from: number, length: number): number {
  if (at < 0) return -1
  // eight at once, as Float64: equal bytes that are no equal numbers are no text
  const last = length - 8
  for (let i = 0; i < last; i += 8) {
    if (words.getFloat64(at + i, true) !== expected.getFloat64(from + i, true)) return -1
  }
  if (words.getFloat64(at + last, true) !== expected.getFloat64(from + last, true)) return -1
  return at + length
}

/** Of four bytes XOR ZEROS: the high bit of the first that is no digit; of those behind it, maybe. */
const othersAmong = (digits: number) => (digits | (digits + BELOW_TEN)) & HIGH_BITS

/** How many bits the digits before the first other byte take, there being one. */
const bitsBefore = (others: number) => (31 - Math.clz32(others & -others)) & 0x18

/** Four digits, the first in the lowest byte, as a number. */
const fourDigits = (digits: number) => {
  const twos = (Math.imul(digits, 10) + (digits >>> 8)) & 0x00ff00ff
  return (Math.imul(twos, 100) + (twos >>> 16)) & 0xffff
}

/** The first of them, which take `bits` bits, fewer than all. */
const firstDigits = (digits: number, bits: number) => fourDigits((digits << (31 - bits)) << 1)

/** A JSON integer, into `found.integer`. */
export function integer(from: number): number {
  if (from < 0) return -1
  let at = from
  let value = 0
  let digits = words.getInt32(at, true) ^ ZEROS
  let others = othersAmong(digits)
  while (others === 0) {
    value = value * 10_000 + fourDigits(digits)
    at += 4
    digits = words.getInt32(at, true) ^ ZEROS
    others = othersAmong(digits)
  }
  const bits = bitsBefore(others)
  at += bits >> 3
  const length = at - from
  if (length === 0 || length > EXACT_DIGITS) return -1
  if (length > 1 && words.getUint8(from) === ZERO) return -1
  found.integer = value * (TENS[bits >> 3] as number) + firstDigits(digits, bits)
  return at
}
