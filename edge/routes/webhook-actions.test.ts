import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { KEYS } from '../../shared/keys.ts'
import {
  type MadeWebhook,
  MESSAGE_ID,
  REPLAY_MESSAGES_MAX,
  WebhookCommand,
} from '../../shared/webhook.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { type Caller, errorsOf, webhookCallers } from '../testing/webhooks.ts'

const PATH = '/v1/webhooks'

let stack: Stack
let one: Caller
let ours: MadeWebhook
let path: string
beforeAll(async () => {
  stack = await startStack({ WEBHOOKS_ALLOW_LOCAL: 'true' })
  one = await (await webhookCallers(stack))()
})
afterAll(() => stack?.stop())
beforeEach(async () => {
  await stack.pool.query('TRUNCATE webhook_endpoints, webhook_messages CASCADE')
  await stack.redis.flushall()
  ours = await one.subscribe({ url: 'http://127.0.0.1:9/hooks' })
  path = `${PATH}/${ours.id}`
})

async function commands(): Promise<WebhookCommand[]> {
  const entries = await stack.redis.xrange(KEYS.webhook_commands, '-', '+')
  return entries.map(([, [, data = '']]) => WebhookCommand.parse(JSON.parse(data)))
}

/** As the workers write them; message `i-0` happened `i` minutes after `AT`. */
const AT = Date.parse('2026-11-01T00:00:00.000Z')
const at = (minutes: number) => new Date(AT + minutes * 60_000).toISOString()
let written = 0
async function write(message: number, result: string, endpoint_id = ours.id) {
  await stack.pool.query(
    `INSERT INTO webhook_messages (id, type, body, created_at) VALUES ($1, $2, '{}', $3)
     ON CONFLICT DO NOTHING`,
    [`${message}-0`, 'opportunity.detected', at(message)],
  )
  const failed = result !== 'success'
  await stack.pool.query(
    `INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result,
       response_status, response_body, error, duration_ms, attempted_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      ...[endpoint_id, `${message}-0`, result === 'missed' ? 0 : 1, `${++written}-0`, result],
      ...[failed ? null : 204, failed ? null : '', failed ? 'it was refused' : null, 12],
      at(message + 1),
    ],
  )
}

it('goes to this machine where the operator allows it', () => {
  expect(ours.url).toBe('http://127.0.0.1:9/hooks')
})

describe('a test', () => {
  it('asks the workers for a sample, once for each Idempotency-Key', async () => {
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const said = await one.ask('POST', `${path}/test`, undefined, headers)
    expect(said.status).toBe(202)
    const { message_id } = said.body
    expect(message_id).toMatch(/^msg_/)
    expect(message_id).toMatch(MESSAGE_ID)
    const again = await one.ask('POST', `${path}/test`, undefined, headers)
    expect(again.body).toEqual({ message_id })
    expect(await commands()).toEqual([{ kind: 'test', webhook_id: ours.id, message_id }])
    await one.ask('PATCH', path, { enabled: false })
    expect((await one.ask('POST', `${path}/test`)).body.message_id).not.toBe(message_id)
    expect(await commands()).toHaveLength(2)
  })

  it('leaves what nobody takes behind', async () => {
    const batch = stack.redis.pipeline()
    for (let i = 0; i < 11_000; i++) batch.xadd(KEYS.webhook_commands, '*', 'data', '{}')
    await batch.exec()
    await one.ask('POST', `${path}/test`)
    expect(await stack.redis.xlen(KEYS.webhook_commands)).toBeLessThan(10_200)
  })
})

describe('a new secret', () => {
  const row = async () =>
    (await stack.pool.query('SELECT * FROM webhook_endpoints WHERE id = $1', [ours.id])).rows[0]

  it('is shown once, and the one before it stays valid for a day', async () => {
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const said = await one.ask('POST', `${path}/rotate-secret`, undefined, headers)
    expect([said.status, said.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const { secret, previous_secret_until } = said.body
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(secret).not.toBe(ours.secret)
    const left_ms = Date.parse(previous_secret_until ?? '') - Date.now()
    expect(Math.abs(left_ms - 86_400_000)).toBeLessThan(60_000)
    expect(await row()).toMatchObject({ secret, previous_secret: ours.secret })
    // a retry rotates nothing: it would end the secret that is in use
    const again = await one.ask('POST', `${path}/rotate-secret`, undefined, headers)
    expect(again.body.secret).toBe(secret)
    expect(await row()).toMatchObject({ secret, previous_secret: ours.secret })
    const shown = await one.ask('GET', path)
    expect(shown.text).not.toContain('whsec_')
    expect(shown.body.previous_secret_until).toBe(previous_secret_until)
  })

  it('takes the place of the older one when it comes within that day', async () => {
    const first = await one.ask('POST', `${path}/rotate-secret`)
    const second = await one.ask('POST', `${path}/rotate-secret`)
    const { secret } = second.body
    expect(await row()).toMatchObject({ secret, previous_secret: first.body.secret })
    const day_over = `UPDATE webhook_endpoints SET previous_secret_until = now() - interval '1 s'`
    await stack.pool.query(day_over)
    expect((await one.ask('GET', path)).body.previous_secret_until).toBeNull()
  })
})

describe('attempts', () => {
  const ids = async (query: string) => {
    const { body } = await one.ask('GET', `${path}/attempts${query}`)
    return { ids: body.data.map(({ message_id }) => message_id), next: body.next_cursor }
  }

  it('are told newest first with what the receiver said', async () => {
    await write(1, 'failure')
    await write(1, 'success')
    const theirs = await one.subscribe()
    await write(2, 'success', theirs.id)
    const said = await one.ask('GET', `${path}/attempts`)
    const same = { message_id: '1-0', event_type: 'opportunity.detected', duration_ms: 12 }
    expect(said.headers.get('cache-control')).toBe('no-store')
    expect(said.body).toEqual({
      data: [
        {
          ...{ ...same, attempt: 1, result: 'success', response_status: 204 },
          ...{ response_excerpt: '', error: null, attempted_at: at(2) },
        },
        {
          ...{ ...same, attempt: 1, result: 'failure', response_status: null },
          ...{ response_excerpt: null, error: 'it was refused', attempted_at: at(2) },
        },
      ],
      next_cursor: null,
    })
  })

  it('are paged and filtered, whatever is written in between', async () => {
    const results = ['success', 'failure', 'expired', 'missed']
    for (let i = 1; i <= 21; i++) await write(i, results[i % 4] ?? '')
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const page = await ids(`?limit=5${cursor}`)
      seen.push(...page.ids)
      await write(100 + seen.length, 'success')
      if (page.next === null) break
      cursor = `&cursor=${page.next}`
    }
    expect(seen).toEqual(Array.from({ length: 21 }, (_, i) => `${21 - i}-0`))
    const { ids: failed } = await ids('?result=failure')
    expect(failed).toEqual(['21-0', '17-0', '13-0', '9-0', '5-0', '1-0'])
    expect((await ids('?message_id=7-0')).ids).toEqual(['7-0'])
    expect((await ids('?message_id=7-0&result=success')).ids).toEqual([])
    expect((await ids('?limit=27')).next).toBeNull()
  })

  it.each([
    ['result=ok', 'result', 'ok', 'one of success, failure, expired, missed'],
    ['message_id=x', 'message_id', 'x', 'a webhook-id, such as 1700000000000-0'],
    ['cursor=x', 'cursor', 'x', 'a next_cursor as it was given'],
    ['limit=501', 'limit', '501', 'a whole number from 1 to 500'],
    ['since=1', 'since', '1', 'no such parameter here'],
  ])('refuse %s', async (query, field, value, expected) => {
    const said = await one.ask('GET', `${path}/attempts?${query}`)
    expect(said.status).toBe(400)
    expect(errorsOf(said)).toEqual([{ field, value, expected }])
  })
})

describe('a replay', () => {
  const replay = (body: unknown, headers = {}) => one.ask('POST', `${path}/replay`, body, headers)
  const WAYS = 'exactly one of message_id, from and to, or missed: true'

  it.each([
    [{}, 'message_id', null, WAYS],
    [{ message_id: '1-0', missed: true }, 'missed', true, WAYS],
    [{ message_id: '1-0', from: at(0), to: at(1) }, 'from', at(0), WAYS],
    [{ from: at(0), to: at(1), missed: true }, 'missed', true, WAYS],
    [{ message_id: 'x' }, 'message_id', 'x', 'a webhook-id, such as 1700000000000-0'],
    [{ message_id: 1 }, 'message_id', 1, 'a webhook-id, such as 1700000000000-0'],
    [{ missed: false }, 'missed', false, 'true, or not to be given'],
    [{ from: at(0) }, 'to', null, 'a moment, together with from'],
    [{ to: at(0) }, 'from', null, 'a moment, together with to'],
    [{ from: at(1), to: at(1) }, 'to', at(1), 'a moment after from'],
    [
      { from: at(0), to: at(7 * 1_440 + 1) },
      ...(['to', at(7 * 1_440 + 1), 'a moment at most 7 days after from'] as const),
    ],
    [
      { from: 'monday', to: at(1) },
      ...(['from', 'monday', 'an RFC 3339 time, such as 2026-01-31T12:00:00.000Z'] as const),
    ],
    [{ message_id: '1-0', since: at(0) }, 'since', at(0), 'no such field here'],
  ])('refuses %j', async (asked, field, value, expected) => {
    const said = await replay(asked)
    expect(said.status).toBe(400)
    expect(errorsOf(said)).toEqual([{ field, value, expected }])
    expect(await commands()).toEqual([])
  })

  it('sends one message again, as often as one likes, if it was meant for this webhook', async () => {
    await write(1, 'success')
    const theirs = await one.subscribe()
    await write(2, 'success', theirs.id)
    for (let i = 0; i < 2; i++) {
      const said = await replay({ message_id: '1-0' })
      expect(said.status).toBe(202)
      expect(said.body).toEqual({
        replay_id: expect.stringMatching(/^rpl_/),
        message_count: 1,
      })
    }
    for (const message_id of ['2-0', '3-0', 'msg_0000000000000000000000']) {
      const said = await replay({ message_id })
      expect([said.status, said.body.detail]).toEqual([
        404,
        `message ${message_id} was never meant for this webhook`,
      ])
    }
    expect(await commands()).toMatchObject([
      { kind: 'replay', webhook_id: ours.id, what: { kind: 'message', message_id: '1-0' } },
      { kind: 'replay', webhook_id: ours.id, what: { kind: 'message', message_id: '1-0' } },
    ])
  })

  it('sends a time again, counting each message once', async () => {
    for (const i of [1, 2, 2, 3]) await write(i, 'failure')
    await write(2, 'success')
    const zoned = at(1).replace('00:01:00.000Z', '01:01:00+01:00')
    const said = await replay({ from: zoned, to: at(3) })
    expect([said.status, said.body.message_count]).toEqual([202, 2])
    const what = { kind: 'range', from: at(1), to: at(3) }
    expect(await commands()).toMatchObject([{ replay_id: said.body.replay_id, what }])
  })

  it('sends what was missed and not delivered since', async () => {
    for (const i of [1, 2, 3]) await write(i, 'missed')
    await write(2, 'success')
    await write(3, 'failure')
    await write(4, 'failure')
    const said = await replay({ missed: true })
    expect([said.status, said.body.message_count]).toEqual([202, 2])
    expect(await commands()).toMatchObject([{ what: { kind: 'missed' } }])
  })

  it('is asked to wait between two of much, and a retry is not', async () => {
    const key = { 'idempotency-key': crypto.randomUUID() }
    const both = await Promise.all([replay({ missed: true }), replay({ from: at(0), to: at(1) })])
    expect(both.map(({ status }) => status).sort()).toEqual([202, 429])
    const refused = await replay({ missed: true }, key)
    const wait_s = Number(refused.headers.get('retry-after'))
    expect([refused.status, wait_s >= 1 && wait_s <= 10]).toEqual([429, true])
    expect(refused.body.detail).toContain(`try again in ${wait_s} s`)
    expect(await commands()).toHaveLength(1)
    const other = await one.subscribe()
    const elsewhere = await one.ask('POST', `${PATH}/${other.id}/replay`, { missed: true })
    expect(elsewhere.status).toBe(202)
    // as if the time had passed
    await stack.redis.del(KEYS.replay_pause + ours.id)
    const first = await replay({ missed: true }, key)
    const again = await replay({ missed: true }, key)
    expect([first.status, again.text]).toEqual([202, first.text])
    expect(await stack.redis.pttl(KEYS.replay_pause + ours.id)).toBeGreaterThan(5_000)
    expect(await commands()).toHaveLength(3)
  })

  it('does not go to a webhook that is off', async () => {
    await one.ask('PATCH', path, { enabled: false })
    const said = await replay({ missed: true })
    expect([said.status, said.body.detail]).toEqual([
      409,
      'the webhook is off; change enabled to true first',
    ])
  })

  it('is refused where it would be too much at once', async () => {
    const fill = (from: number, to: number) =>
      stack.pool.query(
        `WITH written AS (INSERT INTO webhook_messages (id, type, body, created_at)
           SELECT i || '-0', 'exchange.status', '{}', $2::timestamptz
           FROM generate_series($3::integer, $4::integer) i RETURNING id)
         INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result)
         SELECT $1, id, 0, id, 'missed' FROM written`,
        [ours.id, at(1), from, to],
      )
    await fill(1, REPLAY_MESSAGES_MAX)
    expect((await replay({ missed: true })).body.message_count).toBe(REPLAY_MESSAGES_MAX)
    await fill(REPLAY_MESSAGES_MAX + 1, REPLAY_MESSAGES_MAX + 1)
    for (const [asked, field] of [
      [{ missed: true }, 'missed'],
      [{ from: at(0), to: at(2) }, 'to'],
    ] as const) {
      await stack.redis.del(KEYS.replay_pause + ours.id)
      const said = await replay(asked)
      expect(said.status).toBe(400)
      expect(errorsOf(said)[0]).toMatchObject({
        field,
        expected: expect.stringContaining('at most 10000 messages at once'),
      })
    }
    expect(await commands()).toHaveLength(1)
  })
})

it('says which store it needs while that is away', async () => {
  await write(1, 'success')
  const asks = async (name: string) => {
    for (const [action, body] of [
      ['test', undefined],
      ['replay', { message_id: '1-0' }],
      ['replay', { missed: true }],
    ] as const) {
      const said = await one.ask('POST', `${path}/${action}`, body)
      const detail = `${name}: not reachable`
      expect([said.status, said.body.detail], action).toEqual([503, detail])
    }
  }
  await stack.closeUpstash()
  try {
    await asks('redis')
    expect((await one.ask('GET', `${path}/attempts`)).body.data).toHaveLength(1)
    expect((await one.ask('POST', `${path}/rotate-secret`)).status).toBe(200)
  } finally {
    await stack.openUpstash()
  }
  await stack.closeNeon()
  try {
    await asks('postgres')
    for (const [method, action] of [
      ['GET', 'attempts'],
      ['POST', 'rotate-secret'],
    ] as const) {
      expect((await one.ask(method, `${path}/${action}`)).status).toBe(503)
    }
  } finally {
    await stack.openNeon()
  }
  expect(await commands()).toEqual([])
})
