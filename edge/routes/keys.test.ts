import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ApiKey, hashKey, isKey } from '../../shared/api-key.ts'
import { KEYS } from '../../shared/keys.ts'
import { eventually, fetchProblem } from '../testing/check.ts'
import { type Stack, startStack } from '../testing/stack.ts'

const ADMIN_TOKEN = 'the-operators-own-token'
const Made = ApiKey.extend({ key: z.string() })

let stack: Stack
beforeAll(async () => {
  stack = await startStack({ ADMIN_TOKEN })
})
afterAll(() => stack?.stop())
beforeEach(() => stack.pool.query('TRUNCATE api_keys CASCADE'))

const at = (path: string) => `${stack.url}${path}`
const as = (token: string, init: RequestInit = {}): RequestInit => ({
  ...init,
  headers: { ...init.headers, authorization: `Bearer ${token}` },
})
const post = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

async function make(asked: object) {
  const response = await fetch(at('/v1/keys'), as(ADMIN_TOKEN, post(asked)))
  const text = await response.text()
  expect(response.status, text).toBe(201)
  return Made.parse(JSON.parse(text))
}

describe('/v1/keys', () => {
  it('shows a key once and stores only its SHA-256', async () => {
    const response = await fetch(
      at('/v1/keys'),
      as(ADMIN_TOKEN, post({ name: ' ours ', scopes: ['read', 'webhooks'] })),
    )
    expect(response.status).toBe(201)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const made = Made.parse(await response.json())
    expect(response.headers.get('location')).toBe(`/v1/keys/${made.id}`)
    expect(await isKey(made.key)).toBe(true)
    expect(made.name).toBe('ours')
    const { rows } = await stack.pool.query('SELECT row_to_json(k)::text AS row FROM api_keys k')
    expect(rows).toHaveLength(1)
    expect(rows[0].row).toContain(await hashKey(made.key))
    expect(rows[0].row).not.toContain(made.key)
    expect((await fetch(at('/v1/opportunities'), as(made.key))).status).toBe(200)
    for (const name of await stack.redis.keys('*')) {
      expect(name).not.toContain(made.key)
      if ((await stack.redis.type(name)) !== 'string') continue
      expect(await stack.redis.get(name)).not.toContain(made.key)
    }

    const { key, ...rest } = made
    const shown = await fetch(at(`/v1/keys/${made.id}`), as(ADMIN_TOKEN))
    expect(ApiKey.strict().parse(await shown.json())).toMatchObject({ id: rest.id, name: 'ours' })
    const list = await (await fetch(at('/v1/keys'), as(ADMIN_TOKEN))).text()
    expect(JSON.parse(list).data).toHaveLength(1)
    expect(list).not.toContain(key)
    expect(stack.lines.join('\n')).not.toContain(key)
  })

  it('is closed to everybody but the operator and keys with the scope admin', async () => {
    const reader = await make({ name: 'reader', scopes: ['read'] })
    const admin = await make({ name: 'admin', scopes: ['admin'] })
    const anonymous = await fetchProblem(at('/v1/keys'))
    expect(anonymous.status).toBe(401)
    expect(anonymous.response.headers.get('www-authenticate')).toBe('Bearer realm="spreadwire"')
    const refused = await fetchProblem(at('/v1/keys'), as(reader.key))
    expect(refused.status).toBe(403)
    expect(refused.detail).toContain('admin')
    expect(refused.response.headers.get('www-authenticate')).toBe(
      'Bearer realm="spreadwire", error="insufficient_scope", scope="admin"',
    )
    expect((await fetch(at('/v1/keys'), as(admin.key))).status).toBe(200)
    expect((await fetchProblem(at('/v1/opportunities'), as(admin.key))).status).toBe(403)
  })

  it('names every field that is wrong', async () => {
    const many = { name: '', scopes: ['root'], streams: 0, colour: 'red' }
    const problem = await fetchProblem(at('/v1/keys'), as(ADMIN_TOKEN, post(many)))
    expect(problem.status).toBe(400)
    expect(problem.errors?.map(({ field }) => field).sort()).toEqual([
      'colour',
      'name',
      'scopes',
      'streams',
    ])
    expect(problem.errors).toContainEqual({
      field: 'scopes',
      value: ['root'],
      expected: 'one of read, webhooks, admin',
    })
    for (const body of ['{', '', '[]', 'null', '"x"']) {
      expect((await fetchProblem(at('/v1/keys'), as(ADMIN_TOKEN, post(body)))).status).toBe(400)
    }
    const text = { method: 'POST', body: JSON.stringify({ name: 'x', scopes: ['read'] }) }
    expect((await fetchProblem(at('/v1/keys'), as(ADMIN_TOKEN, text))).status).toBe(400)
  })

  it('does not know other keys, and refuses other methods by name', async () => {
    for (const id of ['key_0000000000000000000000', 'nope', '%00']) {
      expect((await fetchProblem(at(`/v1/keys/${id}`), as(ADMIN_TOKEN))).status).toBe(404)
      const gone = as(ADMIN_TOKEN, { method: 'DELETE' })
      expect((await fetchProblem(at(`/v1/keys/${id}`), gone)).status).toBe(404)
    }
    const put = await fetchProblem(at('/v1/keys'), as(ADMIN_TOKEN, { method: 'PUT' }))
    expect(put.status).toBe(405)
    expect(put.response.headers.get('allow')).toBe('GET, HEAD, POST, OPTIONS')
  })
})

describe('Idempotency-Key', () => {
  const body = { name: 'once', scopes: ['read'] }
  const send = (key: string, what: unknown = body, token = ADMIN_TOKEN) => {
    const init = post(what)
    return fetch(
      at('/v1/keys'),
      as(token, { ...init, headers: { ...init.headers, 'idempotency-key': key } }),
    )
  }
  const count = async () => (await stack.pool.query('SELECT 1 FROM api_keys')).rowCount

  it('does the same request once and answers it twice, the secret included', async () => {
    const key = crypto.randomUUID()
    const first = await send(key)
    const made = Made.parse(await first.json())
    const again = await send(key)
    expect(again.status).toBe(201)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect(again.headers.get('cache-control')).toBe('no-store')
    expect(await again.json()).toEqual(made)
    expect(await count()).toBe(1)
    const [name = ''] = await stack.redis.keys(`${KEYS.idempotency}*`)
    expect(await stack.redis.get(name)).not.toContain(made.key.slice(4))
    expect(await stack.redis.ttl(name)).toBeGreaterThan(11 * 3_600)
    // another caller's key of the same name is another key
    const admin = await make({ name: 'admin', scopes: ['admin'] })
    expect((await send(key, body, admin.key)).headers.get('idempotent-replayed')).toBeNull()
  })

  it('knows its caller however the scheme is spelled, and says when the credential is another', async () => {
    const key = crypto.randomUUID()
    const made = await (await send(key)).json()
    const init = post(body)
    const authorization = `bearer  ${ADMIN_TOKEN}`
    const headers = { ...init.headers, authorization, 'idempotency-key': key }
    const again = await fetch(at('/v1/keys'), { ...init, headers })
    expect(await again.json()).toEqual(made)
    // the operator has another token now
    const name = `${KEYS.idempotency}operator:${await hashKey(key)}`
    const kept = JSON.parse((await stack.redis.get(name)) ?? '')
    const sealed = btoa('sealed with what that one was made of')
    await stack.redis.set(name, JSON.stringify({ ...kept, sealed }))
    const refused = await send(key)
    expect(refused.status).toBe(422)
    expect(await refused.json()).toMatchObject({ type: '/problems/idempotency_mismatch' })
  })

  it('refuses another body, a request under way, and what is no key', async () => {
    const key = crypto.randomUUID()
    expect((await send(key)).status).toBe(201)
    const other = await send(key, { ...body, name: 'other' })
    expect(other.status).toBe(422)
    expect(await other.json()).toMatchObject({ type: '/problems/idempotency_mismatch' })
    expect(await count()).toBe(1)
    const both = await Promise.all(Array.from({ length: 8 }, () => send('the same moment')))
    expect(both.every(({ status }) => status === 400)).toBe(true)
    const race = await Promise.all(Array.from({ length: 8 }, () => send('the-same-moment')))
    const statuses = new Set(race.map(({ status }) => status))
    expect(statuses.has(201)).toBe(true)
    expect([...statuses].every((status) => status === 201 || status === 409)).toBe(true)
    expect(await count()).toBe(2)
  })

  it('forgets a refusal and a failure, and promises nothing without Redis', async () => {
    const key = crypto.randomUUID()
    for (let i = 0; i < 2; i++) expect((await send(key, { name: 'x' })).status).toBe(400)
    expect((await send(key, { ...body, name: 'mended' })).status).toBe(201)
    const failed = crypto.randomUUID()
    await stack.closeNeon()
    expect((await send(failed)).status).toBe(503)
    await stack.openNeon()
    expect((await send(failed)).status).toBe(201)
    await stack.closeUpstash()
    try {
      expect((await send(crypto.randomUUID())).status).toBe(503)
      expect((await fetch(at('/v1/keys'), as(ADMIN_TOKEN, post(body)))).status).toBe(201)
    } finally {
      await stack.openUpstash()
    }
    expect(await count()).toBe(3)
  })
})

describe('a key', () => {
  it('stops within 5 s of being revoked, however it was revoked', async () => {
    const ours = await make({ name: 'ours', scopes: ['read'] })
    const theirs = await make({ name: 'theirs', scopes: ['read'] })
    for (const { key } of [ours, theirs]) {
      expect((await fetch(at('/v1/exchanges'), as(key))).status).toBe(200)
    }
    const revoked = await fetch(at(`/v1/keys/${ours.id}`), as(ADMIN_TOKEN, { method: 'DELETE' }))
    const { revoked_at } = ApiKey.parse(await revoked.json())
    expect(revoked_at).not.toBeNull()
    await stack.pool.query('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [theirs.id])
    const revoked_ms = Date.now()
    for (const { key } of [ours, theirs]) {
      await eventually(async () => {
        const { status } = await fetch(at('/v1/exchanges'), as(key))
        if (status !== 401) throw new Error(`still ${status}`)
      })
    }
    expect(Date.now() - revoked_ms).toBeLessThan(5_000)
    const again = await fetch(at(`/v1/keys/${ours.id}`), as(ADMIN_TOKEN, { method: 'DELETE' }))
    expect(ApiKey.parse(await again.json()).revoked_at).toBe(revoked_at)
    const problem = await fetchProblem(at('/v1/exchanges'), as(ours.key))
    expect(problem.response.headers.get('www-authenticate')).toContain('invalid_token')
  })

  it('notes that it is used, at most once a minute', async () => {
    const made = await make({ name: 'used', scopes: ['read'] })
    const used = async () => {
      const { rows } = await stack.pool.query('SELECT last_used_at AS at, xmin FROM api_keys')
      return rows[0] as { at: Date | null; xmin: string }
    }
    expect((await used()).at).toBeNull()
    await fetch(at('/v1/exchanges'), as(made.key))
    await eventually(async () => expect((await used()).at).not.toBeNull())
    const noted = await used()
    await stack.redis.del(KEYS.api_key + (await hashKey(made.key)))
    for (let i = 0; i < 5; i++) await fetch(at('/v1/exchanges'), as(made.key))
    expect(await used()).toEqual(noted)
  })

  it('goes on working while PostgreSQL is away, unless nobody knows it', async () => {
    const known = await make({ name: 'known', scopes: ['read'] })
    const unknown = await make({ name: 'unknown', scopes: ['read'] })
    expect((await fetch(at('/v1/exchanges'), as(known.key))).status).toBe(200)
    const remembered = KEYS.api_key + (await hashKey(known.key))
    await eventually(async () => expect(await stack.redis.get(remembered)).not.toBeNull())
    await stack.closeNeon()
    try {
      // older than any answer is trusted without asking
      await new Promise((resolve) => setTimeout(resolve, 4_600))
      expect((await fetch(at('/v1/exchanges'), as(known.key))).status).toBe(200)
      const refused = await fetchProblem(at('/v1/exchanges'), as(unknown.key))
      expect(refused.status).toBe(503)
      expect(refused.detail).toContain('postgres')
    } finally {
      await stack.openNeon()
    }
  })

  it('works without Redis', async () => {
    const made = await make({ name: 'alone', scopes: ['read', 'admin'] })
    await stack.closeUpstash()
    try {
      expect((await fetch(at('/v1/keys'), as(made.key))).status).toBe(200)
    } finally {
      await stack.openUpstash()
    }
  })
})
