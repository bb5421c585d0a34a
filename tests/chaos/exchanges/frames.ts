/**
 * Changes to the text of the exchanges' frames, digit by digit: what is not meant to change stays as
 * it was sent, because checksums are made of digits.
 */

interface Level {
  readonly price: string
  readonly size: string
}

/** ["1.5","2"], ["1.5","2","0","4"], ["buy","1.5","2"] and {"price":1.5,"qty":2} */
const LEVEL =
  /(\["(?:(?:buy|sell)",")?)([\d.]+)(",")([\d.]+)("(?:,"[\d.]+")*\])|(\{"price":)([\d.]+)(,"qty":)([\d.]+)(\})/g
/** stands where a level was */
const REMOVED = '\0'
const MILLISECONDS = /("(?:E|ts|cts|serverTime|time)":"?)(\d{13})/g
const ISO = /"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z"/g

/** Every level as `change` makes it; null: it is left out. */
export function withLevels(raw: string, change: (level: Level, index: number) => Level | null) {
  let index = 0
  const changed = raw.replace(LEVEL, (_, ...parts: string[]) => {
    const [start, price = '', middle, size = '', end] = parts[0]
      ? parts.slice(0, 5)
      : parts.slice(5, 10)
    const level = change({ price, size }, index++)
    return level === null ? REMOVED : `${start}${level.price}${middle}${level.size}${end}`
  })
  return changed.replace(/\0,|,\0|\0/g, '')
}

/** The exchange says that levels changed and never that they went. */
export function withoutDeletions(raw: string): string {
  return withLevels(raw, (level) => (Number(level.size) === 0 ? null : level))
}

/** One digit is another one, and never a zero, which would be a deletion. */
export function wrongDigit(number: string): string {
  return number.replace(/[1-9]/, (digit) => (digit === '9' ? '8' : `${Number(digit) + 1}`))
}

/** The size of the first level is that text. */
export function withSize(raw: string, size: string): string {
  return withLevels(raw, (level, index) => (index === 0 ? { ...level, size } : level))
}

/** The exchange's clock is wrong by so much. */
export function shifted(raw: string, by_ms: number): string {
  return raw
    .replace(MILLISECONDS, (_, name: string, ms: string) => `${name}${Number(ms) + by_ms}`)
    .replace(ISO, (_, seconds: string, fraction = '') => {
      const moved = new Date(Date.parse(`${seconds}Z`) + by_ms).toISOString().slice(0, 19)
      return `"${moved}${fraction}Z"`
    })
}
