/**
 * Exact decimal arithmetic on strings: money enters and leaves JSON as text, never as a float.
 * A Decimal is `mantissa / 10^scale`. Every result here is exact except `divide`, which says how it
 * rounds. It refuses exponents, NaN and infinities: no exchange quotes them and no API should.
 */
import { z } from 'zod'

export interface Decimal {
  readonly mantissa: bigint
  readonly scale: number
}

export const DECIMAL_PATTERN = /^-?\d+(\.\d+)?$/

/**
 * A decimal number as text, such as "63388.10" or "-0.5".
 * Marked pure so that a page which only calculates is not sent zod.
 */
export const DecimalString = /* @__PURE__ */ z
  .string()
  .regex(DECIMAL_PATTERN, 'expected a decimal number as text, such as "63388.10"')

export const ZERO: Decimal = { mantissa: 0n, scale: 0 }
export const ONE: Decimal = { mantissa: 1n, scale: 0 }
export const HUNDRED: Decimal = { mantissa: 100n, scale: 0 }

const powers: bigint[] = []
function powerOfTen(exponent: number): bigint {
  powers[exponent] ??= 10n ** BigInt(exponent)
  return powers[exponent]
}

/** @throws RangeError when `text` is not a plain decimal number. */
export function decimal(text: string): Decimal {
  if (!DECIMAL_PATTERN.test(text)) throw new RangeError(`not a decimal number: ${text}`)
  const dot = text.indexOf('.')
  if (dot < 0) return { mantissa: BigInt(text), scale: 0 }
  return {
    mantissa: BigInt(text.slice(0, dot) + text.slice(dot + 1)),
    scale: text.length - dot - 1,
  }
}

/**
 * The decimal with `decimals` digits that a Float64 stands for. Exact for any number that was
 * parsed from at most 15 significant digits, which is how books hold the digits of an exchange.
 */
export function fromNumber(value: number, decimals: number): Decimal {
  if (!Number.isFinite(value)) throw new RangeError(`not a finite number: ${value}`)
  const scaled = value * (FLOAT_POWERS[decimals] ?? Number.NaN)
  const mantissa = Math.round(scaled)
  // the product is off by less than an eighth: so near to an integer, `toFixed` would say the same
  if (Math.abs(scaled) < ALL_BUT_EXACT && Math.abs(scaled - mantissa) < 0.25) {
    return { mantissa: BigInt(mantissa), scale: decimals }
  }
  return decimal(fixed(value, decimals))
}

/** The powers of ten that a Float64 holds exactly. */
const FLOAT_POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent)
const ALL_BUT_EXACT = 2 ** 50

/** Like `Number.prototype.toFixed`, but never in exponent form. */
export function fixed(value: number, decimals: number): string {
  return Math.abs(value) < 1e21 ? value.toFixed(decimals) : BigInt(Math.round(value)).toString()
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return { mantissa: at(a, scale) + at(b, scale), scale }
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return { mantissa: at(a, scale) - at(b, scale), scale }
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { mantissa: a.mantissa * b.mantissa, scale: a.scale + b.scale }
}

/** a / b with `scale` digits, rounded towards minus infinity (a profit is never overstated). */
export function divide(a: Decimal, b: Decimal, scale: number): Decimal {
  if (b.mantissa === 0n) throw new RangeError('division by zero')
  const sign = b.mantissa < 0n ? -1n : 1n
  const numerator = sign * a.mantissa * powerOfTen(scale + b.scale)
  const denominator = sign * b.mantissa * powerOfTen(a.scale)
  return { mantissa: floorDivide(numerator, denominator), scale }
}

/** The largest multiple of `step` that is not above `value`. */
export function floorToStep(value: Decimal, step: Decimal): Decimal {
  return multiply(divide(value, step, 0), step)
}

/** Drops digits beyond `scale`, rounding towards minus infinity. */
export function floorToScale(value: Decimal, scale: number): Decimal {
  if (value.scale <= scale) return value
  return { mantissa: floorDivide(value.mantissa, powerOfTen(value.scale - scale)), scale }
}

export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale)
  const [x, y] = [at(a, scale), at(b, scale)]
  return x < y ? -1 : x > y ? 1 : 0
}

/** Plain text with at least `minimumScale` digits and no other trailing zeros. */
export function format(value: Decimal, minimumScale = 0): string {
  let { mantissa, scale } = value
  if (scale < minimumScale) {
    mantissa *= powerOfTen(minimumScale - scale)
    scale = minimumScale
  }
  const digits = (mantissa < 0n ? -mantissa : mantissa).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  let fraction = digits.slice(digits.length - scale)
  while (fraction.length > minimumScale && fraction.endsWith('0')) fraction = fraction.slice(0, -1)
  return `${mantissa < 0n ? '-' : ''}${whole}${fraction ? `.${fraction}` : ''}`
}

/** (out / in - 1) x 100 with four digits, rounded down: how `profit_percent` is defined. */
export function profitPercent(amountIn: Decimal, amountOut: Decimal): string {
  const gain = multiply(subtract(amountOut, amountIn), HUNDRED)
  return format(divide(gain, amountIn, 4), 4)
}

/** The number of digits after the point in a step such as "0.00001000" (5) or "1e-8" (8). */
export function decimalsOfStep(step: string): number {
  const exponent = /e-(\d+)$/i.exec(step)
  if (exponent) return Number(exponent[1])
  const dot = step.indexOf('.')
  if (dot < 0) return 0
  return step.slice(dot + 1).replace(/0+$/, '').length
}

function at(value: Decimal, scale: number): bigint {
  return value.mantissa * powerOfTen(scale - value.scale)
}

function floorDivide(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator
  return numerator % denominator < 0n ? quotient - 1n : quotient
}
