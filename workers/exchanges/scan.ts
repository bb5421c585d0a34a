/**
 * The steps of a scanner. A scanner walks through a frame along one known skeleton without making a
 * string or an object of it: each step begins at a position and returns the one behind what it
 * expects there, or -1 at the first byte that differs; begun at -1 it ends at -1. A walk that ends
 * at the frame's end has seen every byte. Any other is no error: the JSON reader decides then.
 */
import type { BookUpdate, Levels } from '../book/update.ts'
import { type Decimals, decimalAt, digitAt, integerAt, pairAt } from './digits.ts'
import { timeOrNaN } from './json.ts'

/** The bytes of a constant part of a skeleton. An array proper: it is read faster than a Uint8Array. */
export const anchor = (text: string): readonly number[] => [...Buffer.from(text)]

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN = 0x5b
const BACKSLASH = 0x5c
const CLOSE = 0x5d
const SPACE = 0x20
const POINT = 0x2e
const ZULU = 0x5a
/** `44.432087654`: more than nine digits after the point nobody sends */
const MOST_SECOND_DIGITS = 12

/** The update that is being filled has prices and sizes of at most so many decimals. */
export const price_decimals: Decimals = { most: 0 }
export const size_decimals: Decimals = { most: 0 }

/** Empties the update for the frame to come. */
export function begin(update: BookUpdate): void {
  update.reset()
  price_decimals.most = 0
  size_decimals.most = 0
}

/** True when the walk has come to the frame's end; the update is then whole. */
export function arrived(frame: Uint8Array, at: number, update: BookUpdate): boolean {
  update.price_decimals = price_decimals.most
  update.size_decimals = size_decimals.most
  return at === frame.length
}

/** Exactly these bytes. */
export function literal(frame: Uint8Array, from: number, expected: readonly number[]): number {
  if (from < 0) return -1
  let at = from
  for (let i = 0; i < expected.length; i++, at++) {
    if (frame[at] !== expected[i]) return -1
  }
  return at
}

/** The rest of a JSON string, closing quote included, whatever it says. */
export function text(frame: Uint8Array, from: number): number {
  if (from < 0) return -1
  for (let at = from; at < frame.length; at++) {
    const byte = frame[at] as number
    if (byte === QUOTE) return at + 1
    if (byte === BACKSLASH || byte < SPACE) return -1
  }
  return -1
}

/** A JSON integer, into `found.integer`. */
export function integer(frame: Uint8Array, from: number): number {
  return from < 0 ? -1 : integerAt(frame, from)
}

/**
 * A clock as `2021-04-17T16:43:44.432087Z`, UTC with three to nine digits of a second, into the
 * update's time. Its minute is nearly always that of the frame before.
 */
export function timestamp(frame: Uint8Array, from: number, update: BookUpdate): number {
  const second = literal(frame, from, minute)
  if (second < 0) return learnMinute(frame, from) ? timestamp(frame, from, update) : -1
  const seconds = pairAt(frame, second)
  const hundredths = pairAt(frame, second + 3)
  const thousandths = digitAt(frame, second + 5)
  if (seconds < 0 || seconds > 59 || frame[second + 2] !== POINT) return -1
  if (hundredths < 0 || thousandths < 0) return -1
  let at = second + 6
  while (digitAt(frame, at) >= 0) at++
  if (at > second + MOST_SECOND_DIGITS || frame[at] !== ZULU) return -1
  update.exchange_time_ms = timeOrNaN(minute_ms + seconds * 1_000 + hundredths * 10 + thousandths)
  return at + 1
}

/** The minute of the last timestamp: `2021-04-17T16:43:`, and when it began. */
let minute = anchor('1970-01-01T00:00:')
let minute_ms = 0

function learnMinute(frame: Uint8Array, from: number): boolean {
  if (from < 0) return false
  const text = Buffer.from(frame.slice(from, from + minute.length)).toString('latin1')
  if (!/^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:$/.test(text)) return false
  const begins_ms = Date.parse(`${text}00.000Z`)
  if (Number.isNaN(begins_ms)) return false
  minute = anchor(text)
  minute_ms = begins_ms
  return true
}

/** `[["61737.63000000","0.00000000"],…]`, added to `side`. */
export function pairs(frame: Uint8Array, from: number, side: Levels): number {
  if (from < 0 || frame[from] !== OPEN) return -1
  if (frame[from + 1] === CLOSE) return from + 2
  let { count, price, size } = side
  let at = from
  for (;;) {
    if (frame[at + 1] !== OPEN || frame[at + 2] !== QUOTE) return -1
    if (count === price.length) ({ price, size } = side.grow())
    at = decimalAt(frame, at + 3, price, count, price_decimals)
    if (at < 0 || price[count] === 0) return -1
    if (frame[at] !== QUOTE || frame[at + 1] !== COMMA || frame[at + 2] !== QUOTE) return -1
    at = decimalAt(frame, at + 3, size, count, size_decimals)
    if (at < 0 || frame[at] !== QUOTE || frame[at + 1] !== CLOSE) return -1
    count++
    at += 2
    if (frame[at] === COMMA) continue
    side.count = count
    return frame[at] === CLOSE ? at + 1 : -1
  }
}

/** `61737.63000000","0.00000000"]`, one level, added to `side`. */
export function pair(frame: Uint8Array, from: number, side: Levels): number {
  if (from < 0) return -1
  const { count } = side
  if (count === side.price.length) side.grow()
  const at = decimalAt(frame, from, side.price, count, price_decimals)
  if (at < 0 || side.price[count] === 0) return -1
  if (frame[at] !== QUOTE || frame[at + 1] !== COMMA || frame[at + 2] !== QUOTE) return -1
  const end = decimalAt(frame, at + 3, side.size, count, size_decimals)
  if (end < 0 || frame[end] !== QUOTE || frame[end + 1] !== CLOSE) return -1
  side.count = count + 1
  return end + 2
}
