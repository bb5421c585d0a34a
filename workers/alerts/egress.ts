/**
 * The wall between the worker and the addresses that customers give it. A request goes to the public
 * internet by https, or not at all: the address is judged as it is written, and every address that
 * its name resolves to is judged at the dial and is the one that is dialled, so that a name cannot
 * change its mind in between. Redirects are answers; an answer is read to 20 kB; nothing takes longer
 * than 15 s. What goes wrong is a value in words for the endpoint's owner.
 */

import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, type Dispatcher, errors, request } from 'undici'
import type { Clock } from '../../shared/clock.ts'
import { isLoopback, isPublic, urlProblem } from '../../shared/egress.ts'

export interface EgressOptions {
  /** development: http, any port and this machine itself are allowed too */
  readonly allow_local: boolean
  readonly clock: Clock
  /** the addresses of a name; tests have their own */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>
  readonly timeout_ms?: number
  /** an authority besides the usual ones, for tests */
  readonly ca?: string
}

export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Answer =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      /** how it began */
      readonly body: string
      /** until the status was there */
      readonly duration_ms: number
    }
  | {
      /** `refused`: by the wall, before a byte left. `timeout`: nothing came in time */
      readonly kind: 'refused' | 'timeout' | 'unreachable'
      readonly error: string
      readonly duration_ms: number
    }

export interface Egress {
  post(what: Post): Promise<Answer>
  close(): Promise<void>
}

const TIMEOUT_MS = 15_000
const ANSWER_MAX_BYTES = 20_000
/** The status has decided; for the rest of an answer nobody waits long. */
const REST_WITHIN_MS = 2_000
const KEEP_ALIVE_MS = 30_000
const RESOLVE_TIMEOUT_MS = 2_500
const RESOLVE_TRIES = 2

export function createEgress(options: EgressOptions): Egress {
  const { allow_local, clock, timeout_ms = TIMEOUT_MS, ca } = options
  const agent = new Agent({
    connect: {
      lookup: guardedLookup(allow_local, options.resolve ?? createResolve(allow_local)),
      timeout: timeout_ms,
      ...(ca === undefined ? {} : { ca }),
    },
    // one attempt that is given up must not take others on its connection with it
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: timeout_ms,
    bodyTimeout: timeout_ms,
  })

  return {
    async post(what) {
      const started_ms = clock.monotonic_ms()
      const elapsed_ms = () => Math.round(clock.monotonic_ms() - started_ms)
      const problem = urlProblem(what.url, { allow_local })
      if (problem !== null) {
        const error = `the address is not allowed: expected ${problem}`
        return { kind: 'refused', error, duration_ms: elapsed_ms() }
      }
      const abort = new AbortController()
      const timer = setTimeout(() => abort.abort(new TimeUp()), timeout_ms)
      try {
        const { url, headers, body } = what
        const {
          statusCode,
          headers: answered,
          body: rest,
        } = await request(url, {
          method: 'POST',
          headers,
          body,
          dispatcher: agent,
          signal: abort.signal,
        })
        const duration_ms = elapsed_ms()
        const left_ms = Math.min(REST_WITHIN_MS, Math.max(0, timeout_ms - duration_ms))
        return {
          kind: 'answered',
          status: statusCode,
          headers: plainHeaders(answered),
          body: await beginningOf(rest, left_ms),
          duration_ms,
        }
      } catch (error) {
        return { ...describe(error, timeout_ms), duration_ms: elapsed_ms() }
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => agent.destroy(),
  }
}

class TimeUp extends Error {}
class Refused extends Error {}

/** Called for names; Node dials an address that is written as such without asking. */
function guardedLookup(
  allow_local: boolean,
  resolve: (hostname: string) => Promise<readonly string[]>,
): LookupFunction {
  const isAllowed = (address: string) => isPublic(address) || (allow_local && isLoopback(address))
  return (hostname, { all }, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const found: LookupAddress[] = addresses.map((address) => ({
          address,
          family: isIP(address),
        }))
        const [first] = found
        if (first === undefined) return callback(notFound(hostname), [])
        if (!addresses.every(isAllowed)) return callback(new Refused(), [])
        if (all) callback(null, found)
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    )
  }
}

/**
 * Asks the name servers directly. `dns.lookup` would do it on the few threads that also sign and read
 * files, where one customer's slow name server would hold up everybody.
 */
function createResolve(allow_local: boolean): (hostname: string) => Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: RESOLVE_TIMEOUT_MS, tries: RESOLVE_TRIES })
  return async (hostname) => {
    if (allow_local && hostname.replace(/\.$/, '') === 'localhost') return ['127.0.0.1', '::1']
    const [v4, v6] = await Promise.allSettled([
      resolver.resolve4(hostname),
      resolver.resolve6(hostname),
    ])
    const found = [v4, v6].flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    if (found.length === 0 && v4.status === 'rejected') throw v4.reason
    return found
  }
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' })
}

const DISCONNECTED = 'the connection was closed without an answer'
/** By the codes of Node, its resolver and undici. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens at the address',
  ECONNRESET: DISCONNECTED,
  EPIPE: DISCONNECTED,
  UND_ERR_SOCKET: DISCONNECTED,
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the name does not resolve',
  ENODATA: 'the name does not resolve',
  ESERVFAIL: 'the name does not resolve',
  EREFUSED: 'the name does not resolve',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of the answer are too long',
}
const TIMEOUT_CODES = new Set([
  'ETIMEDOUT',
  'ETIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])

/** An error's own text may hold addresses of our network: only its code is passed on. */
function describe(
  error: unknown,
  timeout_ms: number,
): { kind: 'refused' | 'timeout' | 'unreachable'; error: string } {
  if (error instanceof Refused) {
    return { kind: 'refused', error: 'the name resolves to an address that is not public' }
  }
  const code = codeOf(error)
  if (error instanceof TimeUp || TIMEOUT_CODES.has(code)) {
    return { kind: 'timeout', error: `no answer within ${timeout_ms / 1_000} s` }
  }
  if (/CERT|SSL|TLS|SIGNATURE|ALTNAME/.test(code)) {
    return { kind: 'unreachable', error: `the certificate is not valid (${code})` }
  }
  if (error instanceof errors.HTTPParserError || code.startsWith('HPE_')) {
    return { kind: 'unreachable', error: 'the answer is not HTTP' }
  }
  const words = WORDS[code] ?? 'the request failed'
  return { kind: 'unreachable', error: code === '' ? words : `${words} (${code})` }
}

/** Where several addresses were tried, the first one's. */
function codeOf(error: unknown): string {
  const { code, errors: several } = error as { code?: unknown; errors?: unknown[] }
  if (Array.isArray(several) && several.length > 0) return codeOf(several[0])
  return typeof code === 'string' ? code : ''
}

function plainHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return plain
}

/** As much of the answer as comes soon, cut at the limit; its connection is closed when it was cut. */
async function beginningOf(
  body: Dispatcher.ResponseData['body'],
  within_ms: number,
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  const timer = setTimeout(() => body.destroy(), within_ms)
  body.on('error', () => {})
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= ANSWER_MAX_BYTES) break
    }
  } catch {
    // what came until then is what there is
  } finally {
    clearTimeout(timer)
    body.destroy()
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, ANSWER_MAX_BYTES))
}
