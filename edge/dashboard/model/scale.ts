/** From figures to places of a drawing, and the round figures that stand beside it. Pure. */

export type Scale = (value: number) => number

/** A range of no width gets its middle: a flat line is neither a floor nor a ceiling. */
export function scale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): Scale {
  const span = high - low
  return (value) => (span === 0 ? (from + to) / 2 : from + ((value - low) / span) * (to - from))
}

/** At most about `wanted` round figures from `low` to `high`: 1, 2, 2.5 or 5 times a power of ten apart. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const span = high - low
  if (!(span > 0) || !Number.isFinite(span)) return [low]
  const rough = span / Math.max(wanted, 1)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 2.5, 5].find((one) => one * power >= rough) ?? 10) * power
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step)
}

/** An SVG path through the points, rounded to tenths of a pixel. */
export function pathOf(points: readonly { readonly x: number; readonly y: number }[]): string {
  return points
    .map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${tenth(x)} ${tenth(y)}`)
    .join('')
}

/** As decimal text of at most eight digits, for what formats text: 5e-7 → "0.0000005". */
export function plain(value: number): string {
  const rounded = Number(value.toPrecision(8))
  return rounded.toFixed(12).replace(/\.?0+$/, '')
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
