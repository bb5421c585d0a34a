/**
 * CRC32 of decimal digits without writing them down, and of a text put together from parts whose
 * own CRC is known. A CRC is linear: that of A followed by B is that of A carried on over as many
 * zero bytes as B is long, XOR that of B alone. States here lack zlib's inversions at both ends.
 */

/** zlib's polynomial, bit-reversed */
const POLYNOMIAL = 0xedb88320
const ZERO = 0x30
/** digits that are looked up at once */
const CHUNK_DIGITS = 3
const CHUNK = 1_000
/** so many digits fit an int32, whatever they are */
const INT_DIGITS = 9
const INT_CHUNK = 1_000_000_000
/** of the greatest whole number, 2^53 */
const MOST_DIGITS = 18
/** four bits of a state are looked up at once: small tables stay near the processor */
const NIBBLES = 8
const TABLE = NIBBLES * 16
/** longer ways are gone in several steps */
const LONGEST_STEP = 255

const ONE_BYTE = Int32Array.from({ length: 256 }, (_, byte) => {
  let state = byte
  for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? POLYNOMIAL : 0)
  return state
})

/** What becomes of each nibble of a state over 0, 1, 2, … zero bytes. */
const STEPS = stepsOf(LONGEST_STEP)

/**
 * The state after a run of digits, less what it would be were all of them zeros: for each chunk of
 * three digits, counted from the end of the number, a row of a thousand.
 */
const CHUNKS = Int32Array.from({ length: (MOST_DIGITS / CHUNK_DIGITS) * CHUNK }, (_, index) => {
  const digits = index % CHUNK
  let state = 0
  for (const unit of [100, 10, 1]) state = addByte(state, Math.floor(digits / unit) % 10)
  return advance(state, CHUNK_DIGITS * Math.floor(index / CHUNK))
})

/** The state after so many zeros as digits. */
const ZEROS = new Int32Array(2 * MOST_DIGITS + 1)
for (let i = 1; i < ZEROS.length; i++) ZEROS[i] = addByte(ZEROS[i - 1] as number, ZERO)

const POWER_OF_TEN = Int32Array.from({ length: INT_DIGITS + 1 }, (_, i) => 10 ** i)
/** log10(2) in 4096ths */
const LOG_2 = 1233

/** The state after `length` zero bytes more. */
export function advance(state: number, length: number): number {
  if (length > LONGEST_STEP) return advance(advance(state, LONGEST_STEP), length - LONGEST_STEP)
  const row = length * TABLE
  return (
    (STEPS[row + (state & 15)] as number) ^
    (STEPS[row + 16 + ((state >>> 4) & 15)] as number) ^
    (STEPS[row + 32 + ((state >>> 8) & 15)] as number) ^
    (STEPS[row + 48 + ((state >>> 12) & 15)] as number) ^
    (STEPS[row + 64 + ((state >>> 16) & 15)] as number) ^
    (STEPS[row + 80 + ((state >>> 20) & 15)] as number) ^
    (STEPS[row + 96 + ((state >>> 24) & 15)] as number) ^
    (STEPS[row + 112 + (state >>> 28)] as number)
  )
}

/** How many digits a whole number from 0 to 2^53 has; zero has none. */
export function countDigits(whole: number): number {
  if (whole < INT_CHUNK) return countIntDigits(whole)
  return INT_DIGITS + countIntDigits(Math.floor(whole / INT_CHUNK))
}

/** State after the digits of two numbers that follow each other, from nothing. */
export function crcOfPair(
  first: number,
  first_count: number,
  second: number,
  second_count: number,
): number {
  const zeros = ZEROS[first_count + second_count] as number
  return advance(differenceOf(first), second_count) ^ differenceOf(second) ^ zeros
}

/** The state after one byte more. */
export function addByte(state: number, byte: number): number {
  return (state >>> 8) ^ (ONE_BYTE[(state ^ byte) & 0xff] as number)
}

/** What the digits make different from as many zeros: nothing, where there are leading zeros. */
function differenceOf(whole: number): number {
  if (whole < INT_CHUNK) return intDifferenceOf(whole | 0, 0)
  const upper = Math.floor(whole / INT_CHUNK)
  const lower = whole - upper * INT_CHUNK
  return intDifferenceOf(lower | 0, 0) ^ intDifferenceOf(upper | 0, 3 * CHUNK)
}

function intDifferenceOf(whole: number, row: number): number {
  const thousands = (whole / CHUNK) | 0
  const millions = (thousands / CHUNK) | 0
  return (
    (CHUNKS[row + whole - thousands * CHUNK] as number) ^
    (CHUNKS[row + CHUNK + thousands - millions * CHUNK] as number) ^
    (CHUNKS[row + 2 * CHUNK + millions] as number)
  )
}

function countIntDigits(whole: number): number {
  // right, or one too few
  const guess = ((32 - Math.clz32(whole)) * LOG_2) >> 12
  return guess + Number(whole >= (POWER_OF_TEN[guess] as number))
}

function stepsOf(longest: number): Int32Array {
  const steps = new Int32Array((longest + 1) * TABLE)
  for (let i = 0; i < TABLE; i++) {
    let state = (i & 15) << (4 * (i >> 4))
    for (let length = 0; length <= longest; length++) {
      steps[length * TABLE + i] = state
      state = addByte(state, 0)
    }
  }
  return steps
}
