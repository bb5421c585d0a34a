/**
 * Opportunity ids: `opp_` and a ULID (48 bits of time, 80 of randomness, Crockford base 32), so that
 * sorting ids as text sorts opportunities by time. https://github.com/ulid/spec
 */

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_DIGITS = 10
const RANDOM_DIGITS = 16

/** `random` gives numbers in [0, 1). Ids made within one millisecond still sort as they were made. */
export function createIds(random: () => number): (wall_ms: number) => string {
  let last_ms = -1
  let digits: number[] = []
  return (wall_ms) => {
    if (wall_ms > last_ms) {
      last_ms = wall_ms
      digits = Array.from({ length: RANDOM_DIGITS }, () => Math.floor(random() * 32))
    } else if (!increment(digits)) {
      last_ms++
    }
    return `opp_${base32(last_ms)}${digits.map((digit) => ALPHABET[digit]).join('')}`
  }
}

function base32(value: number): string {
  let text = ''
  let rest = value
  for (let i = 0; i < TIME_DIGITS; i++) {
    text = ALPHABET[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** The next random part; false when it ran over and started again from zero. */
function increment(digits: number[]): boolean {
  for (let i = digits.length - 1; i >= 0; i--) {
    if ((digits[i] as number) < 31) {
      digits[i] = (digits[i] as number) + 1
      return true
    }
    digits[i] = 0
  }
  return false
}
