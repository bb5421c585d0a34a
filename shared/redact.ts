/**
 * Keeps secrets out of everything that people read: credentials in URLs, webhook secrets, API keys
 * and authorization values, in text and in nested fields, and whatever this process was told to be a
 * secret, wherever it appears. It errs on the side of hiding.
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

/** Variables whose value, or the end of whose name, says that it is nobody's business. */
const SECRET_VARIABLE = /(_|^)(TOKEN|SECRET|PASSWORD|KEY|WEBHOOK_URL|HEADERS)$/

export function isSecretVariable(name: string): boolean {
  return SECRET_VARIABLE.test(name)
}

/** Shorter ones are words, which a log cannot do without; the rules still hide them in URLs. */
const KNOWN_LENGTH_MIN = 12
/** Of the whole process: what is a secret for one is a secret for all. Longest first. */
let known: readonly string[] = []

/**
 * From now on no text shows what the secret ones of these variables hold, nor a password that stands
 * in the address of any.
 */
export function hideSecretsOf(variables: Readonly<Record<string, unknown>>): void {
  const found = new Set(known)
  for (const [name, value] of Object.entries(variables)) {
    if (typeof value !== 'string') continue
    const secrets = [
      ...(isSecretVariable(name) ? secretsIn(name, value) : []),
      ...passwordsIn(value),
    ]
    for (const secret of secrets) if (secret.length >= KNOWN_LENGTH_MIN) found.add(secret)
  }
  known = [...found].sort((a, b) => b.length - a.length)
}

/** Of headers only their values, and of an address its parts too: neither is always shown whole. */
function secretsIn(name: string, value: string): string[] {
  if (name.endsWith('HEADERS')) {
    const values = value.split(',').map((pair) => pair.slice(pair.indexOf('=') + 1))
    return values.flatMap((one) => [one, decoded(one), decoded(one).replace(/^\w+ /, '')])
  }
  // a webhook's secret is what follows the prefix
  if (!name.endsWith('URL')) return [value, value.replace(/^wh(sec|sk)_/, '')]
  const url = URL.parse(value)
  return [value, ...(url === null ? [] : `${url.pathname}${url.search}`.split(/[/?&=]/))]
}

/** As it is written in the address, and as it is meant. */
function passwordsIn(value: string): string[] {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]*?:([^\s/?#]*)@/i.exec(value)?.[1]
  return password === undefined ? [] : [password, decoded(password)]
}

/** As it is, when it is not valid percent-encoding. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function redactText(text: string): string {
  let clean = text
  for (const secret of known) clean = clean.replaceAll(secret, HIDDEN)
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
  if (value instanceof URL) return redactText(value.href)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
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
    ...(error instanceof AggregateError ? { errors: redact(error.errors, depth + 1) } : {}),
  }
}
