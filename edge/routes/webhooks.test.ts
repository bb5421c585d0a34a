import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { KEYS } from '../../shared/keys.ts'
import { WEBHOOKS_MAX, Webhook } from '../../shared/webhook.ts'
import { eventually, fetchProblem } from '../testing/check.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { type Caller, errorsOf, webhookCallers } from '../testing/webhooks.ts'

const ADMIN_TOKEN = 'the-operators-own-token'
const PATH = '/v1/webhooks'
const SLACK = 'https://hooks.slack.com/services/T0123456789/B1001010101/7IsoQTrixdUtE971O1xQTm4T'

let stack: Stack
let newCaller: (scopes?: readonly string[]) => Promise<Caller>
let one: Caller
let other: Caller
beforeAll(async () => {
  stack = await startStack({ ADMIN_TOKEN })
  newCaller = await webhookCallers(stack)
  ;[one, other] = await Promise.all([newCaller(), newCaller()])
})
afterAll(() => stack?.stop())
beforeEach(() => stack.pool.query('DELETE FROM webhook_endpoints'))

const operator = (method: string, path: string, body?: unknown) =>
  fetch(`${stack.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
const rows = async () => (await stack.pool.query('SELECT * FROM webhook_endpoints')).rows

/** Every write takes so long, so that others come in between. */
async function slowly<T>(delay_s: number, work: () => Promise<T>): Promise<T> {
  await stack.pool.query(`
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_sleep(${delay_s}); RETURN NEW; END';
    CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON webhook_endpoints
      FOR EACH ROW EXECUTE FUNCTION slow()`)
  try {
    return await work()
  } finally {
    await stack.pool.query('DROP FUNCTION slow CASCADE')
  }
}
const writing = () =>
  eventually(async () => {
    const sleeping = `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'`
    expect((await stack.pool.query(sleeping)).rowCount).toBe(1)
  })

describe('subscribing', () => {
  it('names a field whose value is nested deeper than anybody reads', async () => {
    const deep = '['.repeat(30_000) + ']'.repeat(30_000)
    const said = await one.ask('POST', PATH, `{"url":${deep}}`)
    expect(said.status).toBe(400)
    const value = [[[[[[[['…']]]]]]]]
    expect(errorsOf(said)).toMatchObject([{ field: 'url', value }])
  })

  it('shows the secret once, and fills in what was not asked', async () => {
    const said = await one.ask('POST', PATH, { url: 'https://EXAMPLE.com:443/hooks?a=b' })
    const { secret, ...webhook } = said.body
    expect(said.headers.get('location')).toBe(`${PATH}/${webhook.id}`)
    expect(said.headers.get('cache-control')).toBe('no-store')
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(Webhook.strict().parse(webhook)).toMatchObject({
      url: 'https://example.com/hooks?a=b',
      event_types: ['opportunity.detected'],
      ...{ filters: {}, format: 'standard', min_interval_ms: 0, enabled: true },
      ...{ disabled_reason: null, failing_since: null, previous_secret_until: null },
    })
    expect(Math.abs(Date.now() - Date.parse(webhook.created_at))).toBeLessThan(60_000)
    expect(await rows()).toMatchObject([{ id: webhook.id, key_id: one.id, secret }])

    const shown = await one.ask('GET', `${PATH}/${webhook.id}`)
    expect(shown.body).toEqual(webhook)
    const listed = await one.ask('GET', PATH)
    expect(listed.body).toEqual({ data: [webhook], next_cursor: null })
    for (const { text } of [shown, listed]) expect(text).not.toContain('whsec_')
  })

  it('keeps every choice as it was made', async () => {
    const asked = {
      event_types: ['exchange.status', 'opportunity.expired'],
      filters: { symbol: 'BTC/USDT', min_profit_percent: '0.80', transfer: 'open' },
      ...{ url: SLACK, format: 'slack', min_interval_ms: 60_000, enabled: false },
    }
    const made = await one.subscribe({
      ...asked,
      filters: { ...asked.filters, symbol: 'btc/usdt' },
    })
    expect(made).toMatchObject({ ...asked, disabled_reason: 'owner' })
    expect((await one.ask('GET', `${PATH}/${made.id}`)).body).toMatchObject(asked)
  })

  it.each([
    [{}, 'url', null, 'an absolute URL, such as https://example.com/hooks'],
    [{ url: 7 }, 'url', 7, 'an absolute URL, such as https://example.com/hooks'],
    [{ event_types: [] }, 'event_types', [], /^one or more of opportunity\.detected/],
    [{ event_types: 'all' }, 'event_types', 'all', /^a list of opportunity\.detected/],
    [{ event_types: ['endpoint.test'] }, 'event_types', ['endpoint.test'], /opportunity\.detected/],
    [
      { event_types: ['exchange.status', 'exchange.status'] },
      ...(['event_types', ['exchange.status', 'exchange.status'], 'each type once'] as const),
    ],
    [{ filters: 'all' }, 'filters', 'all', /object/],
    [{ filters: { symbol: 'BTC' } }, 'filters.symbol', 'BTC', /BASE\/QUOTE/],
    [{ filters: { type: 'x' } }, 'filters.type', 'x', /^one of cross_exchange/],
    [{ filters: { min_profit: '1' } }, 'filters.min_profit', '1', 'no such field here'],
    [
      { filters: { min_volume_usd: 1_000 } },
      ...(['filters.min_volume_usd', 1_000, /decimal|string/] as const),
    ],
    [{ format: 'teams' }, 'format', 'teams', 'one of standard, slack, discord, telegram'],
    [{ min_interval_ms: -1 }, 'min_interval_ms', -1, 'a whole number from 0 to 86400000'],
    [{ min_interval_ms: 0.5 }, 'min_interval_ms', 0.5, 'a whole number from 0 to 86400000'],
    [{ min_interval_ms: '5' }, 'min_interval_ms', '5', 'a whole number from 0 to 86400000'],
    [{ enabled: 'yes' }, 'enabled', 'yes', 'true or false'],
    [{ secret: 'whsec_abc' }, 'secret', 'whsec_…', 'no such field here'],
    [{ URL: SLACK }, 'URL', 'https://hooks.slack.com/…', 'no such field here'],
    [{ url: [SLACK] }, 'url', ['https://hooks.slack.com/…'], /an absolute URL/],
  ])('names what is wrong in %j', async (asked, field, value, expected) => {
    const url = 'url' in asked || field === 'url' ? {} : { url: 'https://example.com' }
    const said = await one.ask('POST', PATH, { ...url, ...asked })
    expect(said.status).toBe(400)
    const error = { field, value, expected }
    expect(errorsOf(said)).toEqual([
      expected instanceof RegExp ? { ...error, expected: expect.stringMatching(expected) } : error,
    ])
    expect(await rows()).toEqual([])
  })

  it.each([
    ['http://example.com/hooks', 'standard', 'http://example.com/…', /begins with https/],
    ['https://localhost/hooks', 'standard', 'https://localhost/…', /public internet/],
    ['https://2130706433/a', 'standard', 'https://2130706433/…', /public internet/],
    ['https://[::ffff:10.0.0.1]/', 'standard', 'https://[::ffff:10.0.0.1]/…', /public internet/],
    ['https://redis.railway.internal/', 'standard', 'https://redis.railway.internal/…', /public/],
    ['https://u:pa55@example.com/x', 'standard', 'https://example.com/…', /without a user name/],
    ['https://example.com:22/x', 'standard', 'https://example.com:22/…', /port 443 or 8443/],
    ['123456:AAabcdefghijklmnop', 'telegram', '123456:AAabc…', /absolute URL|begins with/],
    [SLACK.replace('slack.com', 'slack.dev'), 'slack', 'https://hooks.slack.dev/…', /of Slack/],
    [SLACK, 'discord', 'https://hooks.slack.com/…', /of Discord/],
    [
      'https://api.telegram.org/bot1:pa55/sendMessage',
      'telegram',
      'https://api.telegram.org/…',
      /chat_id/,
    ],
  ])('refuses %s as %s without repeating what may be secret', async (url, format, value, why) => {
    const said = await one.ask('POST', PATH, { url, format })
    expect(said.status).toBe(400)
    expect(errorsOf(said)).toEqual([{ field: 'url', value, expected: expect.stringMatching(why) }])
    for (const secret of ['7IsoQTrixd', 'pa55', 'ghijklmnop'])
      expect(said.text).not.toContain(secret)
  })

  it('says no to what is no JSON, and to other methods', async () => {
    for (const body of ['{', '', '[]', 'null', '"x"']) {
      expect((await one.ask('POST', PATH, body)).status).toBe(400)
    }
    const put = await one.ask('PUT', PATH)
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST, OPTIONS'])
    const { id } = await one.subscribe()
    const post = await one.ask('POST', `${PATH}/${id}`)
    const allowed = 'GET, HEAD, PATCH, DELETE, OPTIONS'
    expect([post.status, post.headers.get('allow')]).toEqual([405, allowed])
    expect((await one.ask('GET', `${PATH}?owner=x`)).status).toBe(400)
  })

  it('logs who did what, and neither addresses nor secrets', async () => {
    const { id, secret } = await one.subscribe({ url: SLACK, format: 'slack' })
    await one.ask('PATCH', `${PATH}/${id}`, { enabled: false })
    const rotated = await one.ask('POST', `${PATH}/${id}/rotate-secret`)
    await one.ask('DELETE', `${PATH}/${id}`)
    await stack.closeNeon()
    try {
      expect((await one.ask('POST', PATH, { url: SLACK, format: 'slack' })).status).toBe(503)
    } finally {
      await stack.openNeon()
    }
    const log = stack.lines.filter((line) => line.includes(id)).map((line) => JSON.parse(line))
    expect(log.map(({ message }) => message)).toEqual(
      ['made', 'changed', 'given a new secret', 'deleted'].map((what) => `a webhook was ${what}`),
    )
    for (const line of log) {
      expect(line).toMatchObject({ by: one.id, url_host: 'hooks.slack.com', level: 'info' })
    }
    const whole = stack.lines.join('\n')
    for (const hidden of ['T0123456789', secret.slice(6), rotated.body.secret.slice(6)]) {
      expect(whole).not.toContain(hidden)
    }
  })
})

describe('the most webhooks of a key', () => {
  const fill = (key_id: string | null, count: number) =>
    stack.pool.query(
      `INSERT INTO webhook_endpoints (id, key_id, url, event_types, filters, secret)
       SELECT 'wh_' || lpad(i::text, 22, '0'), $1, 'https://example.com/' || i,
              '["exchange.status"]', '{}', 'whsec_AAAA' FROM generate_series(1, $2::integer) i`,
      [key_id, count],
    )

  it('holds when several are made at the same moment, and for each key alone', async () => {
    await fill(one.id, WEBHOOKS_MAX - 2)
    const asked = { url: 'https://example.com/hooks' }
    const all = await slowly(0.3, () =>
      Promise.all(Array.from({ length: 8 }, () => one.ask('POST', PATH, asked))),
    )
    const statuses = all.map(({ status }) => status).sort()
    expect(statuses).toEqual([201, 201, 409, 409, 409, 409, 409, 409])
    expect(all.find(({ status }) => status === 409)?.body.detail).toMatch(/100 webhooks already/)
    expect(await rows()).toHaveLength(WEBHOOKS_MAX)
    await other.subscribe()
    expect((await operator('POST', PATH, asked)).status).toBe(201)
    // what was refused for the moment is not refused for ever
    const headers = { 'idempotency-key': crypto.randomUUID() }
    expect((await one.ask('POST', PATH, asked, headers)).status).toBe(409)
    const listed = await one.ask('GET', PATH)
    expect(listed.body.data).toHaveLength(WEBHOOKS_MAX)
    expect(listed.body.next_cursor).toBeNull()
    await one.ask('DELETE', `${PATH}/${listed.body.data[0]?.id}`)
    expect((await one.ask('POST', PATH, asked, headers)).status).toBe(201)
  })

  it('holds for the operator as well', async () => {
    await fill(null, WEBHOOKS_MAX)
    const asked = { url: 'https://example.com/hooks' }
    expect((await operator('POST', PATH, asked)).status).toBe(409)
    await one.subscribe()
  })

  it('are listed page by page, whatever comes in between', async () => {
    await fill(one.id, 25)
    await stack.pool.query(`UPDATE webhook_endpoints SET created_at = created_at -
      (right(id, 2)::integer / 3) * interval '1 second'`)
    const expected = (await one.ask('GET', PATH)).body.data.map(({ id }: Webhook) => id)
    expect(expected).toHaveLength(25)
    const seen: string[] = []
    let query = ''
    do {
      const { body } = await one.ask('GET', `${PATH}?limit=4${query}`)
      seen.push(...body.data.map(({ id }: Webhook) => id))
      await one.subscribe()
      query = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
    } while (query !== '')
    expect(seen).toEqual(expected)
    for (const bad of ['cursor=x', 'limit=0', 'limit=1001']) {
      const said = await one.ask('GET', `${PATH}?${bad}`)
      expect(errorsOf(said)[0]?.field).toBe(bad.split('=')[0])
    }
  })
})

describe('a webhook', () => {
  it('does not exist for anybody but its owner and the operator', async () => {
    const ours = await one.subscribe()
    const theirs = await other.subscribe()
    const operators = Webhook.parse(
      await (await operator('POST', PATH, { url: 'https://example.com' })).json(),
    )
    const attempts: [method: string, path: string, body?: unknown][] = [
      ['GET', ''],
      ['PATCH', '', { enabled: false }],
      ['DELETE', ''],
      ['GET', '/attempts'],
      ['POST', '/test'],
      ['POST', '/rotate-secret'],
      ['POST', '/replay', { missed: true }],
    ]
    for (const id of [theirs.id, operators.id, 'wh_0000000000000000000000', 'nope', '%00']) {
      for (const [method, path, body] of attempts) {
        const said = await one.ask(method, `${PATH}/${id}${path}`, body)
        expect(said.status, `${method} ${path}`).toBe(404)
        expect(said.body.detail).toContain('there is no webhook')
      }
    }
    expect((await one.ask('GET', PATH)).body.data.map(({ id }: Webhook) => id)).toEqual([ours.id])
    const everybody = await (await operator('GET', PATH)).json()
    expect(everybody).toMatchObject({
      data: [{ id: operators.id }, { id: theirs.id }, { id: ours.id }],
    })
    const changed = await operator('PATCH', `${PATH}/${theirs.id}`, { enabled: false })
    expect(await changed.json()).toMatchObject({ id: theirs.id, disabled_reason: 'owner' })
    expect(await stack.redis.xlen(KEYS.webhook_commands)).toBe(0)
    const kept = (await rows()).find(({ id }) => id === theirs.id)
    expect(kept).toMatchObject({ key_id: other.id, secret: theirs.secret, previous_secret: null })
  })

  it('needs a key with the scope webhooks', async () => {
    expect((await fetchProblem(`${stack.url}${PATH}`)).status).toBe(401)
    const reader = await newCaller(['read', 'admin'])
    const said = await reader.ask('GET', PATH)
    expect(said.status).toBe(403)
    expect(said.body.detail).toContain('needs the scope webhooks')
  })

  it('changes in what is given, and in nothing else', async () => {
    const { secret, ...made } = await one.subscribe({
      filters: { symbol: 'BTC/USDT', exchange: 'kraken' },
    })
    const path = `${PATH}/${made.id}`
    const change = async (asked: object) => {
      const said = await one.ask('PATCH', path, asked)
      expect(said.status, said.text).toBe(200)
      expect((await one.ask('GET', path)).body).toEqual(said.body)
      return Webhook.strict().parse(said.body)
    }
    const filtered = await change({ filters: { symbol: 'eth/usdt' } })
    expect(filtered).toEqual({
      ...{ ...made, filters: { symbol: 'ETH/USDT' }, updated_at: filtered.updated_at },
    })
    expect(filtered.updated_at > made.updated_at).toBe(true)
    expect(
      await change({ min_interval_ms: 5_000, event_types: ['exchange.status'] }),
    ).toMatchObject({
      ...{ min_interval_ms: 5_000, event_types: ['exchange.status'], filters: filtered.filters },
    })
    expect(await change({})).toMatchObject({ min_interval_ms: 5_000 })
    for (const asked of [{ id: 'wh_x' }, { secret: 'x' }, { enabled: null }, { url: 'x' }]) {
      const said = await one.ask('PATCH', path, asked)
      expect([said.status, errorsOf(said)[0]?.field]).toEqual([400, Object.keys(asked)[0]])
    }
    expect((await rows())[0]).toMatchObject({ secret, previous_secret: null })
  })

  it('is switched off and on by its owner, who thereby forgets its failures', async () => {
    const { id } = await one.subscribe()
    const change = async (asked: object) => (await one.ask('PATCH', `${PATH}/${id}`, asked)).body
    const fail = (reason: string | null) =>
      stack.pool.query(
        `UPDATE webhook_endpoints SET failing_since = '2026-11-01T00:00:00Z', enabled = $1,
         disabled_reason = $2`,
        [reason === null, reason],
      )
    expect(await change({ enabled: false })).toMatchObject({
      enabled: false,
      disabled_reason: 'owner',
    })
    await fail('failing')
    expect((await one.ask('GET', `${PATH}/${id}`)).body).toMatchObject({
      ...{ enabled: false, disabled_reason: 'failing', failing_since: '2026-11-01T00:00:00.000Z' },
    })
    const on = { enabled: true, disabled_reason: null, failing_since: null }
    expect(await change({ enabled: true })).toMatchObject(on)
    await fail(null)
    expect(await change({ url: 'https://example.com/hooks' })).toMatchObject({
      failing_since: '2026-11-01T00:00:00.000Z',
    })
    expect(await change({ url: 'https://example.com/elsewhere' })).toMatchObject(on)
    await fail('gone')
    expect(await change({ url: 'https://example.com/again' })).toMatchObject({
      ...{ enabled: false, disabled_reason: 'gone', failing_since: null },
    })
  })

  it('never has an address that does not fit its format, whoever changes it when', async () => {
    const { id } = await one.subscribe()
    const path = `${PATH}/${id}`
    const alone = await one.ask('PATCH', path, { format: 'slack' })
    expect([alone.status, errorsOf(alone)[0]?.field]).toEqual([400, 'url'])
    const [first, second] = await slowly(0.8, async () => {
      const first = one.ask('PATCH', path, { format: 'slack', url: SLACK })
      await writing()
      return Promise.all([first, one.ask('PATCH', path, { url: 'https://example.com/other' })])
    })
    expect(first.status).toBe(200)
    // 409, or 400 where it came too late to read what was there before
    expect([400, 409]).toContain(second.status)
    expect((await one.ask('GET', path)).body).toMatchObject({ format: 'slack', url: SLACK })
  })

  it('is gone when it is deleted, with what is known of its deliveries', async () => {
    const { id } = await one.subscribe()
    await stack.pool.query(
      `INSERT INTO webhook_messages (id, type, body) VALUES ('1-0', 'x', '{}')`,
    )
    await stack.pool.query(
      `INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result)
       VALUES ($1, '1-0', 1, '1-0', 'success')`,
      [id],
    )
    const said = await one.ask('DELETE', `${PATH}/${id}`)
    expect([said.status, said.text]).toEqual([204, ''])
    expect((await one.ask('DELETE', `${PATH}/${id}`)).status).toBe(404)
    expect((await one.ask('GET', `${PATH}/${id}`)).status).toBe(404)
    expect((await stack.pool.query('SELECT 1 FROM webhook_attempts')).rowCount).toBe(0)
  })
})

describe('Idempotency-Key', () => {
  it('subscribes once and shows the same secret twice', async () => {
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const asked = { url: 'https://example.com/hooks' }
    const first = await one.ask('POST', PATH, asked, headers)
    const again = await one.ask('POST', PATH, asked, headers)
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text])
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(await rows()).toHaveLength(1)
    expect((await one.ask('POST', PATH, { url: 'https://example.org' }, headers)).status).toBe(422)
    // another caller's key of the same name is another key
    expect((await other.ask('POST', PATH, asked, headers)).body.id).not.toBe(first.body.id)
  })
})

describe('Idempotency-Key of a caller who gave up waiting', () => {
  it('is told what was done when it asks again', async () => {
    const headers = {
      authorization: `Bearer ${one.key}`,
      'content-type': 'application/json',
      'idempotency-key': crypto.randomUUID(),
    }
    const asked = { url: 'https://example.com/hooks' }
    const leaving = new AbortController()
    const { signal } = leaving
    await slowly(0.3, async () => {
      const body = JSON.stringify(asked)
      const first = fetch(`${stack.url}${PATH}`, { method: 'POST', headers, body, signal })
      await writing()
      leaving.abort()
      await expect(first).rejects.toThrow('abort')
      await eventually(async () => expect(await rows()).toHaveLength(1))
    })
    const again = await eventually(async () => {
      const said = await one.ask('POST', PATH, asked, headers)
      expect(said.status).toBe(201)
      return said
    })
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(await rows()).toMatchObject([{ id: again.body.id, secret: again.body.secret }])
  })
})

describe('while a store is away', () => {
  it('goes on without Redis, and says that it needs PostgreSQL', async () => {
    await stack.closeUpstash()
    try {
      const { id } = await one.subscribe()
      expect((await one.ask('PATCH', `${PATH}/${id}`, { enabled: false })).status).toBe(200)
      expect((await one.ask('GET', PATH)).body.data).toHaveLength(1)
      expect((await one.ask('DELETE', `${PATH}/${id}`)).status).toBe(204)
    } finally {
      await stack.openUpstash()
    }
    const { id } = await one.subscribe()
    await stack.closeNeon()
    try {
      for (const [method, path, body] of [
        ['POST', PATH, { url: 'https://example.com' }],
        ['GET', PATH],
        ['GET', `${PATH}/${id}`],
        ['PATCH', `${PATH}/${id}`, { enabled: false }],
        ['DELETE', `${PATH}/${id}`],
      ] as const) {
        const said = await one.ask(method, path, body)
        expect([said.status, said.body.detail], method).toEqual([503, 'postgres: not reachable'])
      }
    } finally {
      await stack.openNeon()
    }
    expect((await one.ask('GET', `${PATH}/${id}`)).body.enabled).toBe(true)
  })
})
