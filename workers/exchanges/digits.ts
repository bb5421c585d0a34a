/**
 * Digits in bytes as numbers: the nearest Float64, as Number() of the same text gives. Digits that
 * Float64 arithmetic cannot turn into that number in one rounding are refused: -1.
 */

/** A byte XOR this is the digit that it stands for, or more than 9; so is what is beyond the end. */
const ZERO = 0x30
const POINT = 0x2e
/** So many digits fit an int32, whatever they are: they are added up there, which is quicker. */
const INT_DIGITS = 9
/** so many digits are exact as a Float64, and so are the powers of ten up to 10^22 */
const EXACT_DIGITS = 15
export const POWER_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))
/** longer numbers exist nowhere; the JSON reader refuses them */
const LONGEST = 40

/** What was read beside the position behind it. */
export const found = { integer: Number.NaN }

/** The most digits after a point among the numbers that were read with it. */
export interface Decimals {
  most: number
}

/** The digit at `at`, or -1. */
export function digitAt(bytes: Uint8Array, at: number): number {
  const digit = (bytes[at] as number) ^ ZERO
  return digit <= 9 ? digit : -1
}

/** The number that the two digits at `at` are, or something negative. */
export function pairAt(bytes: Uint8Array, at: number): number {
  const tens = digitAt(bytes, at)
  const ones = digitAt(bytes, at + 1)
  return tens < 0 || ones < 0 ? -1 : tens * 10 + ones
}

/** Reads a JSON integer into `found.integer`. Returns the position behind it, or -1. */
export function integerAt(bytes: Uint8Array, from: number): number {
  let at = from
  let upper = 0
  let lower = 0
  let digit = (bytes[at] as number) ^ ZERO
  while (digit <= 9 && at < from + INT_DIGITS) {
    upper = (Math.imul(upper, 10) + digit) | 0
    digit = (bytes[++at] as number) ^ ZERO
  }
  const middle = at
  while (digit <= 9) {
    lower = (Math.imul(lower, 10) + digit) | 0
    digit = (bytes[++at] as number) ^ ZERO
  }
  const length = at - from
  if (length === 0 || length > EXACT_DIGITS) return -1
  if (length > 1 && bytes[from] === ZERO) return -1
  found.integer = upper * (POWER_OF_TEN[at - middle] as number) + lower
  return at
}

/**
 * Reads `12.340` into `into[index]`: digits on both sides of a point, or no point. Returns the
 * position behind it, or -1 when it is no such number or not exact. Half of all that a scanner does
 * is done here: what is rare is elsewhere.
 */
export function decimalAt(
  bytes: Uint8Array,
  from: number,
  into: Float64Array,
  index: number,
  decimals: Decimals,
): number {
  let at = from
  let whole = 0
  let digit = (bytes[at] as number) ^ ZERO
  while (digit <= 9) {
    whole = (Math.imul(whole, 10) + digit) | 0
    digit = (bytes[++at] as number) ^ ZERO
  }
  const point = at
  if (point === from || point - from > INT_DIGITS) {
    return longDecimalAt(bytes, from, into, index, decimals)
  }
  if (bytes[point] !== POINT) {
    into[index] = whole
    return at
  }
  let fraction = 0
  digit = (bytes[++at] as number) ^ ZERO
  while (digit <= 9) {
    fraction = (Math.imul(fraction, 10) + digit) | 0
    digit = (bytes[++at] as number) ^ ZERO
  }
  const count = at - point - 1
  if (count === 0 || count > INT_DIGITS) {
    return longDecimalAt(bytes, from, into, index, decimals)
  }
  const power = POWER_OF_TEN[count] as number
  const mantissa = whole * power + fraction
  if (mantissa > Number.MAX_SAFE_INTEGER) {
    return longDecimalAt(bytes, from, into, index, decimals)
  }
  if (count > decimals.most) decimals.most = count
  into[index] = mantissa / power
  return at
}

/** The same for many digits, most of which are zeros at an end: 12345678901.50000000. */
function longDecimalAt(
  bytes: Uint8Array,
  from: number,
  into: Float64Array,
  index: number,
  decimals: Decimals,
): number {
  const point = endOfDigits(bytes, from)
  const has_point = bytes[point] === POINT
  const end = has_point ? endOfDigits(bytes, point + 1) : point
  if (point === from || end === point + 1 || end - from > LONGEST) return -1
  let last = end
  while (last > point + 1 && bytes[last - 1] === ZERO) last--
  let mantissa = 0
  let digits = 0
  for (let at = from; at < last; at++) {
    if (at === point) continue
    mantissa = mantissa * 10 + digitAt(bytes, at)
    if (mantissa > 0) digits++
  }
  const scale = Math.max(0, last - point - 1)
  if (digits > EXACT_DIGITS || scale >= POWER_OF_TEN.length) return -1
  into[index] = mantissa / (POWER_OF_TEN[scale] as number)
  decimals.most = Math.max(decimals.most, end - point - 1)
  return end
}

function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from
  while (digitAt(bytes, at) >= 0) at++
  return at
}
