/**
 * How much of what a caller sent is said again in a refusal. The address of a webhook is a secret at
 * Slack, Discord and Telegram, and refusals end up in logs: of a URL only the origin is repeated.
 */

const URL_IN_TEXT = /([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/?#]*@)?([^\s/?#]*)[^\s]*/gi
const OUR_SECRETS = /\b(whsec_|arb_)[\w+/=]+/g
/** So much of an address that is none tells its writer what it was. */
const BEGINNING = 12

export function shown(field: string, value: unknown): unknown {
  if (typeof value === 'string') {
    const is_url = value.includes('://')
    if (field === 'url' && !is_url && value.length > BEGINNING) {
      return `${value.slice(0, BEGINNING)}…`
    }
    return value
      .replace(URL_IN_TEXT, (whole, scheme: string, host: string) =>
        whole === scheme + host ? whole : `${scheme}${host}/…`,
      )
      .replace(OUR_SECRETS, '$1…')
  }
  if (Array.isArray(value)) return value.map((one) => shown(field, one))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shown(name, one)]))
}
