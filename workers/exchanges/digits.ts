/**
 * Decimal digits in bytes as numbers: the nearest Float64, as Number() of the same text gives, and
 * how many digits follow the point. Digits that Float64 arithmetic cannot turn into that number in
 * one rounding are refused.
 */

const ZERO = 0x30
const POINT = 0x2e
/** So many digits fit an int32, whatever they are; whole part and fraction are read apart. */
const INT_DIGITS = 9
/** so many digits are exact as a Float64, and so are the powers of ten up to 10^22 */
const EXACT_DIGITS = 15
const POWER_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))
/** longer numbers exist nowhere; the JSON reader refuses them */
const LONGEST = 40

/** What decimalAt() found beside the number. */
export const found = { decimals: 0 }

/** The digit at `at`, or -1. */
export function digitAt(bytes: Uint8Array, at: number): number {
  const digit = (bytes[at] as number) - ZERO
  return digit >= 0 && digit <= 9 ? digit : -1
}

/** The two digits at `at` as a number, or something negative. */
export function pairAt(bytes: Uint8Array, at: number): number {
  const [tens, ones] = [digitAt(bytes, at), digitAt(bytes, at + 1)]
  return tens < 0 || ones < 0 ? -10_000 : tens * 10 + ones
}

/**
 * Reads `12.340` from `from` on into `into[index]`, and `found.decimals`: digits on both sides of a
 * point, or no point. Returns where it ends, or -1 when it is no such number or not exact.
 */
export function decimalAt(
  bytes: Uint8Array,
  from: number,
  into: Float64Array,
  index: number,
): number {
  let at = from
  let whole = 0
  let digit = (bytes[at] as number) - ZERO
  while (digit >= 0 && digit <= 9) {
    whole = (Math.imul(whole, 10) + digit) | 0
    digit = (bytes[++at] as number) - ZERO
  }
  const whole_digits = at - from
  if (digit !== POINT - ZERO) {
    if (whole_digits === 0) return -1
    if (whole_digits > INT_DIGITS) return longDecimalAt(bytes, from, into, index)
    into[index] = whole
    found.decimals = 0
    return at
  }
  const point = at
  let fraction = 0
  digit = (bytes[++at] as number) - ZERO
  while (digit >= 0 && digit <= 9) {
    fraction = (Math.imul(fraction, 10) + digit) | 0
    digit = (bytes[++at] as number) - ZERO
  }
  const decimals = at - point - 1
  if (whole_digits === 0 || decimals === 0) return -1
  if (whole_digits > INT_DIGITS || decimals > INT_DIGITS) {
    return longDecimalAt(bytes, from, into, index)
  }
  const power = POWER_OF_TEN[decimals] as number
  const mantissa = whole * power + fraction
  if (mantissa > Number.MAX_SAFE_INTEGER) return longDecimalAt(bytes, from, into, index)
  into[index] = mantissa / power
  found.decimals = decimals
  return at
}

/** The same for many digits, most of which are zeros at an end: 12345678901.50000000. */
function longDecimalAt(bytes: Uint8Array, from: number, into: Float64Array, index: number): number {
  let end = from
  while (digitAt(bytes, end) >= 0) end++
  const point = end
  if (bytes[end] === POINT)
    do end++
    while (digitAt(bytes, end) >= 0)
  if (end - from > LONGEST) return -1
  let last = end
  while (last > point && (bytes[last - 1] === ZERO || last - 1 === point)) last--
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
  found.decimals = Math.max(0, end - point - 1)
  return end
}
