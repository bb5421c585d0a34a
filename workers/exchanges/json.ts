/**
 * What every JSON reader needs: a frame's text as checked values, and levels whose digits are
 * counted as sent. Whatever is not what the exchange documents becomes a FrameError here, so that a
 * reader holds no doubtful value by the time it calls a handler.
 */
import type { BookUpdate, Levels } from '../book/update.ts'
import { FrameError, type MarketTable } from './exchange.ts'

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}

/** Longer numbers exist nowhere; Number() of 400 digits is Infinity. */
const LONGEST_NUMBER = 40
const DECIMAL = /^\d+(?:\.\d+)?$/
/** Bitcoin's first block and a century: clocks outside are garbage, such as 0001-01-01. */
const EARLIEST_TIME_MS = Date.UTC(2009, 0, 3)
const LATEST_TIME_MS = Date.UTC(2109, 0, 3)

type Reviver = (key: string, value: unknown, context: { readonly source: string }) => unknown

export function parseJson(body: Buffer | string, reviver?: Reviver): JsonValue {
  const text = typeof body === 'string' ? body : body.toString('utf8')
  try {
    return JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]) as JsonValue
  } catch {
    throw new FrameError(`not JSON: ${excerpt(text)}`)
  }
}

export function object(value: JsonValue | undefined, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new FrameError(`${what}: expected an object, got ${describe(value)}`)
}

export function array(value: JsonValue | undefined, what: string): readonly JsonValue[] {
  if (Array.isArray(value)) return value
  throw new FrameError(`${what}: expected an array, got ${describe(value)}`)
}

export function text(value: JsonValue | undefined, what: string): string {
  if (typeof value === 'string') return value
  throw new FrameError(`${what}: expected text, got ${describe(value)}`)
}

/** A sequence number or checksum: exact or refused. */
export function integer(value: JsonValue | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new FrameError(`${what}: expected a whole number, got ${describe(value)}`)
}

/** Milliseconds since 1970, or NaN: a clock is a hint, a bad one does not spoil the frame. */
export function timeOrNaN(value: JsonValue | undefined): number {
  const time_ms = typeof value === 'string' ? Date.parse(value) : value
  if (typeof time_ms !== 'number') return Number.NaN
  return time_ms >= EARLIEST_TIME_MS && time_ms <= LATEST_TIME_MS ? time_ms : Number.NaN
}

/** Milliseconds since 1970 where a clock is all that was asked for. */
export function time(value: JsonValue | undefined, what: string): number {
  const time_ms = timeOrNaN(value)
  if (Number.isNaN(time_ms))
    throw new FrameError(`${what}: expected a time, got ${describe(value)}`)
  return time_ms
}

/** Adds one level and widens the update's digits. @throws FrameError on a broken number. */
export function pushLevel(
  update: BookUpdate,
  side: Levels,
  price_text: JsonValue | undefined,
  size_text: JsonValue | undefined,
): void {
  const price = decimalNumber(price_text, 'price')
  if (price === 0) throw new FrameError('price: zero')
  const size = decimalNumber(size_text, 'size')
  const price_decimals = decimalsOf(price_text as string)
  const size_decimals = decimalsOf(size_text as string)
  if (price_decimals > update.price_decimals) update.price_decimals = price_decimals
  if (size_decimals > update.size_decimals) update.size_decimals = size_decimals
  side.push(price, size)
}

/** `[["price","size", …], …]`, the commonest shape of one side. */
export function pushPairs(update: BookUpdate, side: Levels, value: JsonValue | undefined): void {
  for (const level of array(value, 'levels')) {
    const pair = array(level, 'level')
    pushLevel(update, side, pair[0], pair[1])
  }
}

/** The first word of an exchange's complaint that names a market of this connection. */
export function marketNamedIn(reason: string, markets: MarketTable): string | null {
  for (const word of reason.split(/[\s,;:"'()[\]]+/u)) {
    const name = word.slice(word.lastIndexOf('.') + 1)
    if (name !== '' && markets.find(name) >= 0) return name
  }
  return null
}

/** Runs a decoder and says in its FrameError which market's levels were lost. */
export function located<Result>(market: number, decode: () => Result): Result {
  try {
    return decode()
  } catch (error) {
    if (error instanceof FrameError) throw new FrameError(error.message, market)
    throw error
  }
}

function decimalNumber(value: JsonValue | undefined, what: string): number {
  if (typeof value === 'string' && value.length <= LONGEST_NUMBER && DECIMAL.test(value)) {
    return Number(value)
  }
  throw new FrameError(`${what}: expected a decimal number, got ${describe(value)}`)
}

function decimalsOf(digits: string): number {
  const dot = digits.indexOf('.')
  return dot < 0 ? 0 : digits.length - dot - 1
}

/** For messages: whatever was sent, as JSON. */
export function describe(value: JsonValue | undefined): string {
  return value === undefined ? 'nothing' : excerpt(written(value))
}

/** For messages: text as it is, anything else as JSON. `String` calls whatever `toString` was sent. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? value : excerpt(written(value))
}

/** A frame of a megabyte may be nested deeper than can be written: that is read without complaint. */
function written(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'nothing'
  } catch {
    return 'something deeply nested'
  }
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
