/**
 * Keeps secrets out of everything that people read: credentials in URLs, webhook secrets, API keys
 * and authorization values, in text and in nested fields. It errs on the side of hiding.
 */

const HIDDEN = '***'

/** Fields whose value is a secret whatever it looks like. */
const SECRET_FIELD =
  /^(authorization|cookie|set-cookie|passw(or)?d|.*secret|.*token|.*api_?key|.*private_?key)$/i

const RULES: readonly (readonly [RegExp, string])[] = [
  // scheme://user:password@host: greedy to the last @ before the path, a password may hold an @
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"']*@/gi, `$1${HIDDEN}@`],
  [/([?&](?:[a-z_-]*(?:token|secret|password|signature|key)))=[^&\s"']+/gi, `$1=${HIDDEN}`],
  [/\b(whsec|whsk)_[A-Za-z0-9+/=_-]+/g, `$1_${HIDDEN}`],
  [/\barb_((?:live|test)_)?[A-Za-z0-9]{16,}/g, `arb_${HIDDEN}`],
  [/\b(authorization["']?\s*[:=]\s*["']?)(?:(?:bearer|basic)\s+)?[^\s"',}]+/gi, `$1${HIDDEN}`],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${HIDDEN}`],
]

export function redactText(text: string): string {
  let clean = text
  for (const [pattern, replacement] of RULES) clean = clean.replace(pattern, replacement)
  return clean
}

/** Deeper than any of our log fields; what lies below is cut. */
const DEPTH_MAX = 8

/** A copy without secrets that JSON can print: errors become objects, cycles end at the depth. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) return '[deeper]'
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Error) return redactError(value, depth)
  if (Array.isArray(value)) return value.map((member) => redact(member, depth + 1))
  return redactFields(value, depth)
}

function redactFields(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      redactText(name),
      SECRET_FIELD.test(name) && value !== null && value !== undefined
        ? HIDDEN
        : redact(value, depth + 1),
    ]),
  )
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  return {
    ...redactFields(error, depth),
    name: error.name,
    message: redactText(error.message),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  }
}
