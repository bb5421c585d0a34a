/**
 * How much of what a caller sent is said again in a refusal. The address of a webhook is a secret at
 * Slack, Discord and Telegram, and refusals end up in logs: of a URL only the origin is repeated, of
 * a credential nothing, and of what is very long the beginning.
 */

const URL_IN_TEXT = /([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/?#]*@)?([^\s/?#]*)[^\s]*/gi
const OUR_SECRETS = /\b(whsec_|arb_)[\w+/=]+/g
/** So much of an address that is none tells its writer what it was. */
const BEGINNING = 12

const TEXT_MAX = 500
const VALUE_MAX = 2_000
/** No field of ours is nested half as deep; a body of 64 kB can be, thirty thousand times. */
const DEPTH_MAX = 8

/** What was given for a field, as it may be repeated. */
export function shown(field: string, value: unknown): unknown {
  const text = JSON.stringify(concealed(field, value, 0) ?? null)
  return text.length <= VALUE_MAX ? JSON.parse(text) : beginning(text)
}

/** All of a text, or as much as tells its writer what it was. */
export function beginning(text: string, length = TEXT_MAX): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`
}

function concealed(field: string, value: unknown, depth: number): unknown {
  if (field === 'access_token') return null
  if (typeof value === 'string') return beginning(openly(field, value))
  if (typeof value !== 'object' || value === null) return value
  if (depth === DEPTH_MAX) return '…'
  if (Array.isArray(value)) return value.map((one) => concealed(field, one, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, concealed(name, one, depth + 1)]),
  )
}

function openly(field: string, value: string): string {
  if (field === 'url' && !value.includes('://')) return beginning(value, BEGINNING)
  return value
    .replace(URL_IN_TEXT, (whole, scheme: string, host: string) =>
      whole === scheme + host ? whole : `${scheme}${host}/…`,
    )
    .replace(OUR_SECRETS, '$1…')
}
