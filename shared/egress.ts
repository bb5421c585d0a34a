/**
 * Where a webhook may go: https to the public internet, and nowhere else. It judges the address as it
 * is written; names are judged again at every dial, by each address that they resolve to (`isPublic`).
 * WHATWG's URL parser has already spelt `0x7f.1` and `2130706433` as 127.0.0.1.
 */
import ipaddr from 'ipaddr.js'

const URL_MAX = 2_048
const PORTS = new Set(['', '443', '8443'])
/** Names that only mean something inside somebody's network. */
const INTERNAL = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|arpa|test|invalid)$/

/** 2000::/3, all that is given out for the public; IPv4 that hides inside IPv6 is elsewhere. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

export interface EgressRules {
  /** development: http, any port and this machine itself are allowed too */
  readonly allow_local: boolean
}

/** What is wrong with this address, in words for whoever wrote it; null when nothing is. */
export function urlProblem(text: string, { allow_local }: EgressRules): string | null {
  if (text.length > URL_MAX) return `a URL of at most ${URL_MAX} characters`
  const url = URL.parse(text)
  if (url === null) return 'an absolute URL, such as https://example.com/hooks'
  const is_http = allow_local && url.protocol === 'http:'
  if (url.protocol !== 'https:' && !is_http) return 'a URL that begins with https://'
  if (url.username !== '' || url.password !== '') return 'a URL without a user name or password'
  if (!allow_local && !PORTS.has(url.port)) return 'port 443 or 8443'
  return hostProblem(url.hostname, allow_local)
}

/** Whether this IP address, in any spelling, is one of the public internet's own. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_UNICAST)
}

/** Whether it is this machine itself. */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback'
}

function hostProblem(hostname: string, allow_local: boolean): string | null {
  const host = hostname.toLowerCase().replace(/\.$/, '')
  const literal = host.replace(/^\[|\]$/g, '')
  if (ipaddr.isValid(literal)) {
    if (isPublic(literal) || (allow_local && isLoopback(literal))) return null
    return 'an address of the public internet'
  }
  if (allow_local && host === 'localhost') return null
  if (!host.includes('.') || INTERNAL.test(host)) return 'a host of the public internet'
  return null
}
