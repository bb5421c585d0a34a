/**
 * CRC32 of decimal digits without writing them down, and of a text put together from parts whose
 * own CRC is known. A CRC is linear: that of A followed by B is that of A, carried on over as many
 * zero bytes as B has, XOR that of B alone. Values here are without the inversions at either end.
 * https://www.zlib.net/crc_v3.txt
 */

/** the polynomial of zlib, bit-reversed */
const POLYNOMIAL = 0xedb88320
const ZERO = 0x30
const GROUP = 10_000
const TWO_GROUPS = 100_000_000

/** What a state becomes by one more byte, four more, … zero bytes: one row of 256 for each of its bytes. */
type Table = readonly [Int32Array, Int32Array, Int32Array, Int32Array]

const ONE_BYTE = Int32Array.from({ length: 256 }, (_, byte) => {
  let state = byte
  for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? POLYNOMIAL : 0)
  return state
})

/** "00" to "99" as they stand in memory */
const PAIRS = Int32Array.from({ length: 100 }, (_, pair) => {
  return (ZERO + Math.floor(pair / 10)) | ((ZERO + (pair % 10)) << 8)
})

const advances: Table[] = []

/** Carries a state on over `length` zero bytes. */
export function advance(state: number, length: number): number {
  return look(advances[length] ?? makeAdvance(length), state)
}

/** Carries a state on over the decimal digits of a whole number from 0 to 2^53. */
export function addDigits(state: number, whole: number): number {
  if (whole < GROUP) return addLeading(state, whole)
  if (whole < TWO_GROUPS) {
    const upper = (whole / GROUP) | 0
    return addGroup(addLeading(state, upper), whole - upper * GROUP)
  }
  const rest = Math.floor(whole / TWO_GROUPS)
  const lower = whole - rest * TWO_GROUPS
  const upper = (lower / GROUP) | 0
  return addGroup(addGroup(addDigits(state, rest), upper), lower - upper * GROUP)
}

/** How many digits addDigits() adds. */
export function digitsOf(whole: number): number {
  let digits = 1
  for (let rest = whole; rest >= 10; rest = Math.floor(rest / 10)) digits++
  return digits
}

/** Four digits, zeros included. */
function addGroup(state: number, group: number): number {
  const upper = (group / 100) | 0
  const bytes = (PAIRS[upper] as number) | ((PAIRS[group - upper * 100] as number) << 16)
  return look(FOUR_BYTES, state ^ bytes)
}

/** One to four digits, without leading zeros. */
function addLeading(state: number, group: number): number {
  if (group >= 1_000) return addGroup(state, group)
  let after = state
  if (group >= 100) after = addByte(after, ZERO + ((group / 100) | 0))
  if (group >= 10) after = addByte(after, ZERO + (((group / 10) | 0) % 10))
  return addByte(after, ZERO + (group % 10))
}

function addByte(state: number, byte: number): number {
  return (state >>> 8) ^ (ONE_BYTE[(state ^ byte) & 0xff] as number)
}

function look(table: Table, state: number): number {
  return (
    (table[0][state & 0xff] as number) ^
    (table[1][(state >>> 8) & 0xff] as number) ^
    (table[2][(state >>> 16) & 0xff] as number) ^
    (table[3][state >>> 24] as number)
  )
}

function makeAdvance(length: number): Table {
  const row = (place: number) =>
    Int32Array.from({ length: 256 }, (_, byte) => {
      let state = byte << (8 * place)
      for (let i = 0; i < length; i++) state = addByte(state, 0)
      return state
    })
  const table: Table = [row(0), row(1), row(2), row(3)]
  advances[length] = table
  return table
}

const FOUR_BYTES = makeAdvance(4)
