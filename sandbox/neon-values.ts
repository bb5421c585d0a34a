/**
 * Values on their way through Neon's SQL-over-HTTP: JSON parameters become PostgreSQL's text format,
 * and column text becomes JSON for callers that did not ask for raw text. The vendor's own client
 * always asks for raw text and parses by type itself. Arrays are only parsed for the built-in types
 * that Neon's JSON output knows; bounds such as `[0:1]=` are dropped, as there.
 * https://github.com/neondatabase/neon/blob/main/proxy/src/serverless/json.rs
 */

/** A parameter as PostgreSQL reads it, or null. Objects become JSON, arrays become array literals. */
export function parameterText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return Array.isArray(value) ? arrayLiteral(value) : JSON.stringify(value)
}

function arrayLiteral(items: readonly unknown[]): string {
  const parts = items.map((item) => {
    if (item === null) return 'NULL'
    if (Array.isArray(item)) return arrayLiteral(item)
    if (typeof item === 'object') return JSON.stringify(JSON.stringify(item))
    return JSON.stringify(item)
  })
  return `{${parts.join(',')}}`
}

/** Object identifiers of built-in types, from PostgreSQL's pg_type.dat. */
const BOOL = 16
const SMALL_INTEGERS = new Set([21, 23])
const FLOATS = new Set([700, 701])
const JSON_TYPES = new Set([114, 3802])
/** array type → element type */
const ELEMENT_TYPES = new Map([
  [1000, 16],
  [1005, 21],
  [1007, 23],
  [1016, 20],
  [1021, 700],
  [1022, 701],
  [1009, 25],
  [1015, 1043],
  [1231, 1700],
  [1115, 1114],
  [1182, 1082],
  [1185, 1184],
  [2951, 2950],
  [199, 114],
  [3807, 3802],
])

/** Neon's JSON for a column's text: int8, numeric and times stay text, for a float cannot hold them. */
export function jsonValue(text: string | null, type_oid: number): unknown {
  if (text === null) return null
  const element_oid = ELEMENT_TYPES.get(type_oid)
  if (element_oid !== undefined) return new ArrayText(text, element_oid).parse()
  if (type_oid === BOOL) return text === 't'
  if (SMALL_INTEGERS.has(type_oid)) return Number(text)
  if (FLOATS.has(type_oid)) return Number.isFinite(Number(text)) ? Number(text) : text
  if (JSON_TYPES.has(type_oid)) return JSON.parse(text)
  return text
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
class ArrayText {
  readonly #text: string
  readonly #element_oid: number
  #at: number

  constructor(text: string, element_oid: number) {
    this.#text = text
    this.#element_oid = element_oid
    this.#at = text.startsWith('[') ? text.indexOf('=') + 1 : 0
  }

  parse(): unknown[] {
    const items: unknown[] = []
    this.#at += 1
    while (this.#text[this.#at] !== '}') {
      if (this.#at >= this.#text.length) throw new Error(`unbalanced array: ${this.#text}`)
      items.push(this.#item())
      if (this.#text[this.#at] === ',') this.#at += 1
    }
    this.#at += 1
    return items
  }

  #item(): unknown {
    const first = this.#text[this.#at]
    if (first === '{') return this.parse()
    if (first === '"') return jsonValue(this.#quoted(), this.#element_oid)
    const start = this.#at
    while (this.#at < this.#text.length && !',}'.includes(this.#text[this.#at] ?? '')) this.#at += 1
    const word = this.#text.slice(start, this.#at)
    return word === 'NULL' ? null : jsonValue(word, this.#element_oid)
  }

  #quoted(): string {
    let value = ''
    for (this.#at += 1; this.#text[this.#at] !== '"'; this.#at += 1) {
      if (this.#at >= this.#text.length) throw new Error(`unbalanced array: ${this.#text}`)
      if (this.#text[this.#at] === '\\') this.#at += 1
      value += this.#text[this.#at]
    }
    this.#at += 1
    return value
  }
}
