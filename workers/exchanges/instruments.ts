/**
 * Helpers for reading lists of markets: step texts normalised the same way for every exchange.
 * A market whose rules cannot be read exactly is an error of the list, never a guess.
 */
import { decimal, format } from '../../shared/decimal.ts'
import { SYMBOL_PATTERN } from '../../shared/market.ts'
import { FrameError } from './exchange.ts'
import { describe, type JsonValue } from './json.ts'

/** "0.01000000" → "0.01"; also takes JSON numbers, which some exchanges print as 1e-8. */
export function stepText(value: JsonValue | undefined, what: string): string {
  try {
    const text = typeof value === 'number' ? shortest(value) : value
    return format(decimal(text as string))
  } catch {
    throw new FrameError(`${what}: expected a decimal number, got ${describe(value)}`)
  }
}

/** BASE/QUOTE in capitals. @throws FrameError when one of them is no name of an asset */
export function symbolOf(base: string, quote: string): string {
  const symbol = `${base}/${quote}`.toUpperCase()
  if (SYMBOL_PATTERN.test(symbol)) return symbol
  throw new FrameError(`base and quote: expected two assets, got ${JSON.stringify([base, quote])}`)
}

/** More digits after a point exist nowhere. */
const DECIMALS_MAX = 40

/** The step of numbers with so many digits after the point: 2 → "0.01". */
export function stepOfDecimals(decimals: number): string {
  if (decimals > DECIMALS_MAX) throw new FrameError(`${decimals} digits after the point`)
  return decimals === 0 ? '1' : `0.${'0'.repeat(decimals - 1)}1`
}

/** The fewest digits that stand for the number, never with an exponent. @throws RangeError below 1e-100 */
function shortest(value: number): string {
  const [digits = '', exponent] = String(value).split('e-')
  if (exponent === undefined) return digits
  return value.toFixed(Number(exponent) + (digits.split('.')[1]?.length ?? 0))
}
