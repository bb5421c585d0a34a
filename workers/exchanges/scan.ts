/**
 * Reads a frame byte by byte without making a string or an object of it: a cursor that expects one
 * known skeleton and stops at the first byte that differs. Stopping is no error: the scanner then
 * says "not mine" and the JSON reader decides what the frame is. What the cursor accepts it reads
 * as the JSON reader would, to the last digit.
 */
import type { BookUpdate, Levels } from '../book/update.ts'
import { decimalAt, digitAt, found, pairAt } from './digits.ts'
import { timeOrNaN } from './json.ts'
import type { MarketNames } from './names.ts'

/** A constant part of a skeleton. */
export const anchor = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

/** What stands around the price and the size of one level. */
export interface LevelShape {
  readonly open: Uint8Array
  readonly middle: Uint8Array
  readonly close: Uint8Array
  /** JSON numbers, where 007 is an error; in quotes it is a 7 */
  readonly bare: boolean
}

/** `["61737.63000000","0.00000000"]` */
export const QUOTED_PAIR: LevelShape = {
  open: anchor('["'),
  middle: anchor('","'),
  close: anchor('"]'),
  bare: false,
}

const NO_FRAME = new Uint8Array(0)
const LIST = anchor('[')
const LIST_END = anchor(']')
const COMMA = anchor(',')
const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20

/** An integer of so many digits is exact as a Float64. */
const MOST_DIGITS = 15
const DAY_MS = 86_400_000

export class Cursor {
  /** what integer(), milliseconds() or time() read */
  value = Number.NaN
  private frame: Uint8Array = NO_FRAME
  private at = 0

  start(frame: Uint8Array): void {
    this.frame = frame
    this.at = 0
  }

  /** True when nothing is left. */
  end(): boolean {
    return this.at === this.frame.length
  }

  /** Steps over exactly these bytes, or stays where it is. */
  literal(expected: Uint8Array): boolean {
    const { frame, at } = this
    const { length } = expected
    if (at + length > frame.length) return false
    for (let i = 0; i < length; i++) {
      if (frame[at + i] !== expected[i]) return false
    }
    this.at = at + length
    return true
  }

  /** Steps over the rest of a JSON string, closing quote included, whatever it says. */
  text(): boolean {
    const { frame } = this
    for (let at = this.at; at < frame.length; at++) {
      const byte = frame[at] as number
      if (byte === QUOTE) {
        this.at = at + 1
        return true
      }
      if (byte === BACKSLASH || byte < SPACE) return false
    }
    return false
  }

  /** The same for a market's name: its index, or -1 when nobody asked for that market. */
  market(names: MarketNames): number {
    const from = this.at
    return this.text() ? names.find(this.frame, from, this.at - 1) : -1
  }

  /** A JSON integer, into `value`. */
  integer(): boolean {
    const { frame, at: from } = this
    let at = from
    let value = 0
    for (let digit = digitAt(frame, at); digit >= 0; digit = digitAt(frame, ++at)) {
      value = value * 10 + digit
    }
    const length = at - from
    const leading_zero = length > 1 && digitAt(frame, from) === 0
    if (length === 0 || length > MOST_DIGITS || leading_zero) return false
    this.at = at
    this.value = value
    return true
  }

  /** An exchange's clock in milliseconds since 1970, into `value`; NaN when it cannot be one. */
  milliseconds(): boolean {
    if (!this.integer()) return false
    this.value = timeOrNaN(this.value)
    return true
  }

  /** `2021-04-17T16:43:44.432087Z`: UTC with three to nine digits of a second, into `value`. */
  time(): boolean {
    const { frame, at } = this
    const year = pairAt(frame, at) * 100 + pairAt(frame, at + 2)
    const [month, day] = [pairAt(frame, at + 5), pairAt(frame, at + 8)]
    const [hour, minute] = [pairAt(frame, at + 11), pairAt(frame, at + 14)]
    const second = pairAt(frame, at + 17)
    const [hundredth, thousandth] = [pairAt(frame, at + 20), digitAt(frame, at + 22)]
    if (frame[at + 4] !== 0x2d || frame[at + 7] !== 0x2d || frame[at + 10] !== 0x54) return false
    if (frame[at + 13] !== 0x3a || frame[at + 16] !== 0x3a || frame[at + 19] !== 0x2e) return false
    // what is no digit made its number negative
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return false
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
      return false
    if (hundredth < 0 || thousandth < 0) return false
    let end = at + 23
    while (digitAt(frame, end) >= 0) end++
    if (end > at + 29 || frame[end] !== 0x5a) return false
    const seconds = (hour * 60 + minute) * 60 + second
    const millisecond = hundredth * 10 + thousandth
    this.value = timeOrNaN(daysSince1970(year, month, day) * DAY_MS + seconds * 1_000 + millisecond)
    this.at = end + 1
    return true
  }

  /** The price, the size and what closes the level, added to `side` of the update. */
  level(update: BookUpdate, side: Levels, shape: LevelShape): boolean {
    const { count } = side
    side.reserve()
    if (!this.decimal(side.price, count, shape.bare)) return false
    if (found.decimals > update.price_decimals) update.price_decimals = found.decimals
    if (side.price[count] === 0 || !this.literal(shape.middle)) return false
    if (!this.decimal(side.size, count, shape.bare)) return false
    if (found.decimals > update.size_decimals) update.size_decimals = found.decimals
    side.count = count + 1
    return this.literal(shape.close)
  }

  /** A list of levels, added to `side` of the update. */
  levels(update: BookUpdate, side: Levels, shape: LevelShape): boolean {
    if (!this.literal(LIST)) return false
    if (this.literal(LIST_END)) return true
    do {
      if (!this.literal(shape.open) || !this.level(update, side, shape)) return false
    } while (this.literal(COMMA))
    return this.literal(LIST_END)
  }

  private decimal(into: Float64Array, index: number, bare: boolean): boolean {
    const { frame, at } = this
    const end = decimalAt(frame, at, into, index)
    if (end < 0) return false
    if (bare && digitAt(frame, at) === 0 && digitAt(frame, at + 1) >= 0) return false
    this.at = end
    return true
  }
}

/** Of the Gregorian calendar, by counting in years that begin in March. */
function daysSince1970(year: number, month: number, day: number): number {
  const from_march = month > 2 ? month - 3 : month + 9
  const y = month > 2 ? year : year - 1
  const leap_days = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400)
  return 365 * y + leap_days + Math.floor((153 * from_march + 2) / 5) + day - 719_469
}
