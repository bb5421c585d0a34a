/**
 * The frame that is being scanned, copied to where the compiler knows the address: four and eight
 * bytes are then compared, and four digits added up, at the price of one. Steps are those of scan.ts:
 * each begins at a position and returns the one behind what it expects there, or -1.
 */
import type { BookUpdate, Levels } from '../book/update.ts'
import { type Decimals, decimalAt, found, POWER_OF_TEN } from './digits.ts'

/** Longer frames are whole books, which are rare. */
const MOST_BYTES = 1 << 16
/** what a step may look at behind the end */
const SLACK = 512
/** A frame ends with so many bytes that no step expects: what lies behind is of frames before. */
const END_BYTES = 8

export const bytes = new Uint8Array(MOST_BYTES + SLACK)
export const view = new DataView(bytes.buffer)

/** A byte XOR this is the digit that it stands for, or more than 9; of four bytes at once. */
const ZEROS = 0x30303030
/** added to a digit it stays below 0x80, added to any other byte it does not */
const BELOW_TEN = 0x76767676
const HIGH_BITS = 0x80808080 | 0
/** that many are exact as a Float64 */
const EXACT_DIGITS = 15
const price_decimals: Decimals = { most: 0 }
const size_decimals: Decimals = { most: 0 }
const ZERO = 0x30
const POINT = 0x2e
const QUOTE = 0x22
const OPEN = 0x5b
const CLOSE = 0x5d
const THREE_BYTES = 0xffffff

/** Four bytes as they stand in memory. */
const word = (text: string) => Buffer.from(text.padEnd(4, '\0')).readInt32LE()
const BETWEEN = word('","')
const NEXT = word('"],[')
const LAST = word('"]]')

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
  bytes.set(frame)
  view.setInt32(length, 0)
  view.setInt32(length + END_BYTES - 4, 0)
  return length
}

/** Exactly these bytes. */
export function literal(at: number, { length, first, last, behind }: Literal): number {
  if (at < 0 || view.getInt32(at, true) !== first) return -1
  return view.getInt32(at + behind, true) === last ? at + length : -1
}

/** The same bytes as `expected[from, from + length)`, at least eight, none of them 0. */
export function sameText(at: number, expected: DataView, from: number, length: number): number {
  if (at < 0) return -1
  // eight at once, as Float64: equal bytes that are no equal numbers are no text
  const last = length - 8
  for (let i = 0; i < last; i += 8) {
    if (view.getFloat64(at + i, true) !== expected.getFloat64(from + i, true)) return -1
  }
  if (view.getFloat64(at + last, true) !== expected.getFloat64(from + last, true)) return -1
  return at + length
}

/** A JSON integer, into `found.integer`. */
export function integer(from: number): number {
  if (from < 0) return -1
  let at = from
  let value = 0
  let digits = view.getInt32(at, true) ^ ZEROS
  let others = othersAmong(digits)
  while (others === 0) {
    value = value * 10_000 + fourDigits(digits)
    at += 4
    digits = view.getInt32(at, true) ^ ZEROS
    others = othersAmong(digits)
  }
  const count = digitsBefore(others)
  at += count
  const length = at - from
  if (length === 0 || length > EXACT_DIGITS) return -1
  if (length > 1 && bytes[from] === ZERO) return -1
  found.integer = value * (POWER_OF_TEN[count] as number) + firstDigits(digits, count)
  return at
}

/** `["61737.63000000","0.00000000"],…]`, what is behind the `[` of a side, added to it. */
export function levels(from: number, update: BookUpdate, side: Levels): number {
  if (from < 0) return -1
  if (bytes[from] === CLOSE) return from + 1
  if (bytes[from] !== OPEN || bytes[from + 1] !== QUOTE) return -1
  let { count, price, size } = side
  price_decimals.most = update.price_decimals
  size_decimals.most = update.size_decimals
  let at = from + 2
  for (;;) {
    if (count === price.length) ({ price, size } = side.grow())
    at = decimal(at, price, count, price_decimals)
    if (at < 0 || price[count] === 0) return -1
    if ((view.getInt32(at, true) & THREE_BYTES) !== BETWEEN) return -1
    at = decimal(at + 3, size, count, size_decimals)
    if (at < 0) return -1
    count++
    const behind = view.getInt32(at, true)
    if (behind === NEXT && bytes[at + 4] === QUOTE) {
      at += 5
      continue
    }
    side.count = count
    update.price_decimals = price_decimals.most
    update.size_decimals = size_decimals.most
    return (behind & THREE_BYTES) === LAST ? at + 3 : -1
  }
}

/** `12.340` as decimalAt reads it. What has many digits is left to that. */
function decimal(from: number, into: Float64Array, index: number, decimals: Decimals): number {
  let at = from
  let digits = view.getInt32(at, true) ^ ZEROS
  let others = othersAmong(digits)
  let whole = 0
  if (others === 0) {
    whole = fourDigits(digits)
    at += 4
    digits = view.getInt32(at, true) ^ ZEROS
    others = othersAmong(digits)
    if (others === 0) return decimalAt(bytes, from, into, index, decimals)
  }
  let count = digitsBefore(others)
  whole = whole * (POWER_OF_TEN[count] as number) + firstDigits(digits, count)
  at += count
  if (at === from) return -1
  if (bytes[at] !== POINT) {
    into[index] = whole
    return at
  }
  const point = at++
  digits = view.getInt32(at, true) ^ ZEROS
  others = othersAmong(digits)
  let fraction = 0
  if (others === 0) {
    fraction = fourDigits(digits)
    at += 4
    digits = view.getInt32(at, true) ^ ZEROS
    others = othersAmong(digits)
    if (others === 0) {
      fraction = fraction * 10_000 + fourDigits(digits)
      at += 4
      if (((bytes[at] as number) ^ ZERO) <= 9) return decimalAt(bytes, from, into, index, decimals)
      others = HIGH_BITS
    }
  }
  count = digitsBefore(others)
  fraction = fraction * (POWER_OF_TEN[count] as number) + firstDigits(digits, count)
  at += count
  count = at - point - 1
  if (count === 0) return -1
  const power = POWER_OF_TEN[count] as number
  const mantissa = whole * power + fraction
  if (mantissa > Number.MAX_SAFE_INTEGER) return decimalAt(bytes, from, into, index, decimals)
  if (count > decimals.most) decimals.most = count
  into[index] = mantissa / power
  return at
}

/** Of four bytes XOR ZEROS: the high bit of the first that is no digit; of those behind it, maybe. */
function othersAmong(digits: number): number {
  return (digits | (digits + BELOW_TEN)) & HIGH_BITS
}

/** How many digits stand before the first other byte, there being one. */
function digitsBefore(others: number): number {
  return (31 - Math.clz32(others & -others)) >> 3
}

/** Four digits, the first in the lowest byte, as a number. */
function fourDigits(digits: number): number {
  const twos = (Math.imul(digits, 10) + (digits >>> 8)) & 0x00ff00ff
  return (Math.imul(twos, 100) + (twos >>> 16)) & 0xffff
}

/** The first `count` of them, which are less than four. */
function firstDigits(digits: number, count: number): number {
  return fourDigits((digits << (31 - 8 * count)) << 1)
}
