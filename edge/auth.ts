/**
 * Who asks, and whether that caller may: `Authorization: Bearer`, which is an API key or the operator's
 * own token. Only the stream also takes it as `access_token`, because EventSource cannot send headers;
 * there it is cut out of the address before anything else sees it. No credential is ever logged.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { hashKey, isKey, type Scope } from '../shared/api-key.ts'
import { systemClock } from '../shared/clock.ts'
import type { ProblemType } from '../shared/problem.ts'
import { addressOf, anonymous, holderOf, operator } from './caller.ts'
import type { Caller, Edge } from './edge.ts'
import type { Settings } from './environment.ts'
import { KeyRing } from './keys.ts'
import { Meter, type Policy, type Verdict } from './limits.ts'
import { refuse, unavailable } from './problems.ts'
import { refuseTooMany, setRateHeaders } from './rate-headers.ts'
import { apiKeyStore } from './store/keys.ts'

/** What each path asks for; the first that fits. */
const SCOPES: readonly (readonly [path: RegExp, scope: Scope])[] = [
  [/^\/v1\/keys(\/|$)/, 'admin'],
  [/^\/v1\/webhooks(\/|$)/, 'webhooks'],
  [/^\//, 'read'],
]

/** Wrong credentials from one address: enough for mistakes, not for trying. */
const FAILURES: Policy = { name: 'failed-authentication', quota: 20 }
const STREAM = '/v1/stream'
const TOKEN_MAX = 512

const keys = new KeyRing()
const meter = new Meter()

/** Says who asks, or refuses; and counts the request. */
export const authenticate: MiddlewareHandler<Edge> = async (c, next) => {
  const credential = credentialOf(c)
  const caller =
    credential === null
      ? anonymous(c.req.raw.headers, c.var.settings)
      : await callerWith(c, credential)
  if (caller instanceof Response) return caller
  const refusal = refuseUnscoped(c, caller)
  if (refusal !== null) return refusal
  c.set('caller', caller)
  const verdict = await meter.take(requestsOf(caller), caller.id, around(c))
  if (!verdict.allowed) return refuseTooMany(c, verdict)
  await next()
  setRateHeaders(c.res.headers, verdict)
  if (!c.var.settings.PUBLIC_READ) keepPrivate(c.res.headers)
}

/**
 * What `authenticate` would say to a caller without credentials, and counts; null, and nothing is
 * counted, where that needs more than memory, or is a refusal.
 */
export function admitAtOnce(headers: Headers, settings: Settings): Verdict | null {
  const caller = anonymous(headers, settings)
  return meter.takeKnown(requestsOf(caller), caller.id, systemClock)
}

function requestsOf({ requests_per_minute }: Caller): Policy {
  return { name: 'requests', quota: requests_per_minute }
}

/** Null: none was sent. The empty text: something that is no bearer token. */
function credentialOf(c: Context<Edge>): string | null {
  const header = c.req.header('authorization')
  const in_query = c.req.path === STREAM ? takeFromQuery(c) : null
  if (header === undefined) return in_query
  return /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(header)?.[1] ?? ''
}

/** The address without the token is all that whatever comes after this sees. */
function takeFromQuery(c: Context<Edge>): string | null {
  const url = new URL(c.req.url)
  const token = url.searchParams.get('access_token')
  if (token === null) return null
  url.searchParams.delete('access_token')
  c.req.raw = new Request(url, c.req.raw)
  return token
}

async function callerWith(c: Context<Edge>, credential: string): Promise<Caller | Response> {
  const { settings, log } = c.var
  const hash = await hashKey(credential.slice(0, TOKEN_MAX))
  const { ADMIN_TOKEN } = settings
  // hashes are compared: how long that takes says nothing of the token
  if (ADMIN_TOKEN !== undefined && hash === (await hashKey(ADMIN_TOKEN))) return operator(settings)
  if (!keys.holds(hash)) {
    const failures = meter.look(FAILURES, addressOf(c.req.raw.headers), systemClock)
    if (!failures.allowed) return refuseTooMany(c, failures)
    if (!(await isKey(credential))) return refuseCredential(c, 'this is no key of this API')
  }
  const found = await keys.find(hash, { ...around(c), store: apiKeyStore(settings, log) })
  if (!found.ok) return unavailable(c, found.store, `${found.reason}; the key cannot be checked`)
  if (found.value === null) return refuseCredential(c, 'there is no such key')
  if (found.value.revoked_at !== null) return refuseCredential(c, 'the key was revoked')
  return holderOf(found.value, settings)
}

/** Counted for the address it came from. */
async function refuseCredential(c: Context<Edge>, reason: string): Promise<Response> {
  const verdict = await meter.take(FAILURES, addressOf(c.req.raw.headers), around(c))
  if (!verdict.allowed) return refuseTooMany(c, verdict)
  const detail = `${reason}; expected Authorization: Bearer arb_… as it was shown when it was made`
  return challenge(c, 'unauthorized', detail, 'error="invalid_token"')
}

function refuseUnscoped(c: Context<Edge>, caller: Caller): Response | null {
  const needed = SCOPES.find(([path]) => path.test(c.req.path))?.[1] ?? 'admin'
  if (caller.scopes.includes(needed)) return null
  if (caller.kind === 'anonymous') {
    const detail = `${c.req.path} needs a key with the scope ${needed}: Authorization: Bearer arb_…`
    return challenge(c, 'unauthorized', detail)
  }
  const given = caller.scopes.join(', ')
  const detail = `${c.req.path} needs the scope ${needed}; this key has ${given}`
  return challenge(c, 'forbidden', detail, `error="insufficient_scope", scope="${needed}"`)
}

/** https://www.rfc-editor.org/rfc/rfc6750#section-3 */
function challenge(c: Context<Edge>, type: ProblemType, detail: string, error?: string): Response {
  const response = refuse(c, type, detail)
  const realm = 'Bearer realm="spreadwire"'
  response.headers.set('www-authenticate', error === undefined ? realm : `${realm}, ${error}`)
  return response
}

function around(c: Context<Edge>) {
  const { settings, log } = c.var
  const keepAlive = (work: Promise<unknown>) => c.executionCtx.waitUntil(work)
  return { settings, log, clock: systemClock, keepAlive }
}

/** Where reading needs a key, nobody in between may keep what was read. */
function keepPrivate(headers: Headers): void {
  const control = headers.get('cache-control')
  if (control?.startsWith('public'))
    headers.set('cache-control', control.replace('public', 'private'))
}
