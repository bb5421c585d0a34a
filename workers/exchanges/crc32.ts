/**
 * CRC32 of decimal digits without writing them down, and of a text put together from parts whose
 * own CRC is known. A CRC is linear: that of A followed by B is that of A carried on over as many
 * zero bytes as B is long, XOR that of B alone. States here lack zlib's inversions at both ends.
 */

/** zlib's polynomial, bit-reversed */
const POLYNOMIAL = 0xedb88320
const ZERO = 0x30
const FOUR_DIGITS = 10_000
const EIGHT_DIGITS = 100_000_000

/** What becomes of a state over a number of bytes: for each of its four bytes a row of 256. */
type Table = Int32Array

const ONE_BYTE = Int32Array.from({ length: 256 }, (_, byte) => {
  let state = byte
  for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? POLYNOMIAL : 0)
  return state
})

/** "00" to "99" as they stand in memory */
const PAIRS = Int32Array.from({ length: 100 }, (_, pair) => {
  return (ZERO + Math.floor(pair / 10)) | ((ZERO + (pair % 10)) << 8)
})

const FOUR_BYTES = tableOf(4)
const tables: Table[] = []

/** The state after `length` zero bytes more. */
export function advance(state: number, length: number): number {
  let table = tables[length]
  if (table === undefined) {
    table = tableOf(length)
    tables[length] = table
  }
  return look(table, state)
}

/** The state after the decimal digits of a whole number from 0 to 2^53. */
export function addDigits(state: number, whole: number): number {
  if (whole < FOUR_DIGITS) return addLeading(state, whole)
  if (whole < EIGHT_DIGITS) {
    const upper = (whole / FOUR_DIGITS) | 0
    return addFour(addLeading(state, upper), whole - upper * FOUR_DIGITS)
  }
  const rest = Math.floor(whole / EIGHT_DIGITS)
  const eight = whole - rest * EIGHT_DIGITS
  const upper = (eight / FOUR_DIGITS) | 0
  return addFour(addFour(addDigits(state, rest), upper), eight - upper * FOUR_DIGITS)
}

/** The state after one byte more. */
export function addByte(state: number, byte: number): number {
  return (state >>> 8) ^ (ONE_BYTE[(state ^ byte) & 0xff] as number)
}

/** Four digits, zeros included. */
function addFour(state: number, four: number): number {
  const upper = (four / 100) | 0
  const bytes = (PAIRS[upper] as number) | ((PAIRS[four - upper * 100] as number) << 16)
  return look(FOUR_BYTES, state ^ bytes)
}

/** One to four digits, without leading zeros. */
function addLeading(state: number, whole: number): number {
  if (whole >= 1_000) return addFour(state, whole)
  const [hundreds, tens] = [(whole / 100) | 0, (whole / 10) | 0]
  let after = state
  if (hundreds > 0) after = addByte(after, ZERO + hundreds)
  if (tens > 0) after = addByte(after, ZERO + tens - hundreds * 10)
  return addByte(after, ZERO + whole - tens * 10)
}

function look(table: Table, state: number): number {
  return (
    (table[state & 0xff] as number) ^
    (table[256 + ((state >>> 8) & 0xff)] as number) ^
    (table[512 + ((state >>> 16) & 0xff)] as number) ^
    (table[768 + (state >>> 24)] as number)
  )
}

function tableOf(length: number): Table {
  return Int32Array.from({ length: 4 * 256 }, (_, index) => {
    let state = (index & 0xff) << (8 * (index >> 8))
    for (let i = 0; i < length; i++) state = addByte(state, 0)
    return state
  })
}
