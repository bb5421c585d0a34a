/** From the event stream to the receiver and the records, with everything in between as it runs. */
import { Webhook as Verifier } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Draft, Event } from '../../shared/event.ts'
import { recomputeProfitPercent } from '../../shared/evidence.ts'
import { KEYS, QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import {
  EndpointEvent,
  newMessageId,
  newWebhookSecret,
  type WebhookCommand,
} from '../../shared/webhook.ts'
import * as testing from '../publish/testing.ts'
import {
  hang,
  type Received,
  type Receiver,
  type Room,
  reset,
  startReceiver,
  startRoom,
  status,
} from './testing.ts'

const SOON = { timeout: 15_000, interval: 20 }
/** The shape of the real ones, in a fraction of their time. */
const QUICK = {
  opportunity: { pauses_ms: [300, 900], jitter: 0, lifetime_ms: 2_500 },
  patient: { pauses_ms: [50, 50], jitter: 0.2, lifetime_ms: null },
}

type Replay = Extract<WebhookCommand, { kind: 'replay' }>

let room: Room
let receiver: Receiver
let count = 0

beforeAll(async () => {
  ;[room, receiver] = await Promise.all([startRoom(), startReceiver()])
  room.worker({ schedules: QUICK })
})
afterAll(async () => {
  await room.stop()
  await receiver.stop()
})

/** An endpoint that the worker knows, with a path and a symbol of its own. */
async function newEndpoint(changes: Parameters<Room['endpoint']>[0] = {}) {
  const path = `/${++count}`
  const symbol = `T${count}/USDT`
  const endpoint = await room.endpoint({
    url: receiver.url + path,
    filters: { symbol },
    ...changes,
  })
  const message_id = newMessageId()
  await room.command({ kind: 'test', webhook_id: endpoint.id, message_id })
  await arrived(path, 1)
  receiver.forget(path)
  return { ...endpoint, path, symbol, message_id }
}

const arrived = async (path: string, number: number) => {
  await vi.waitUntil(() => receiver.at(path).length >= number, SOON)
  return receiver.at(path)
}
const about = (draft: Draft, changes: Partial<Opportunity>): Draft =>
  ({ ...draft, data: { ...draft.data, ...changes } }) as Draft
const detected = (symbol: string, changes: Partial<Opportunity> = {}) =>
  about(testing.detected('a'), { symbol, ...changes })

/** What became of events; the sample by which the endpoint was made known is left out. */
async function recorded(endpoint_id: string, number: number) {
  const rows = await room.recorded(endpoint_id, number + 1)
  return rows.filter(({ message_id }) => !message_id.startsWith('msg_'))
}
async function rowOf(id: string) {
  return (await room.pool.query('SELECT * FROM webhook_endpoints WHERE id = $1', [id])).rows[0]
}
async function set(id: string, column: string, value: unknown) {
  await room.pool.query(`UPDATE webhook_endpoints SET ${column} = $2 WHERE id = $1`, [id, value])
}

describe('a delivery', () => {
  it('is the event itself, signed, recorded and counted', async () => {
    const { id, secret, path, symbol } = await newEndpoint()
    const event_id = await room.publish(detected(symbol))
    const [{ headers, body }] = (await arrived(path, 1)) as [Received]
    const verified = new Verifier(secret).verify(body, headers as Record<string, string>)
    const event = Event.parse(verified)
    expect(event).toMatchObject({ id: event_id, type: 'opportunity.detected' })
    expect(event.data).toEqual(detected(symbol).data)
    expect(headers['webhook-id']).toBe(event_id)
    expect(headers['content-type']).toBe('application/json')
    const rows = await recorded(id, 1)
    expect(rows).toMatchObject([
      {
        message_id: event_id,
        attempt: 1,
        result: 'success',
        response_status: 200,
        response_body: 'thanks',
        error: null,
      },
    ])
    const stored = 'SELECT type, body FROM webhook_messages WHERE id = $1'
    const { rows: messages } = await room.pool.query(stored, [event_id])
    expect(messages).toEqual([{ type: 'opportunity.detected', body }])
    await vi.waitUntil(async () => (await room.redis.xlen(KEYS.delivery_log)) === 0, SOON)
  })

  it('is signed by two secrets while one replaces the other, and by one afterwards', async () => {
    const previous_secret = newWebhookSecret()
    const { id, secret, path, symbol } = await newEndpoint({
      previous_secret,
      previous_secret_until: new Date(Date.now() + 60_000),
    })
    await room.publish(detected(symbol))
    const [{ headers, body }] = (await arrived(path, 1)) as [Received]
    for (const one of [secret, previous_secret]) {
      new Verifier(one).verify(body, headers as Record<string, string>)
    }
    await set(id, 'previous_secret_until', new Date(Date.now() - 1))
    await vi.waitUntil(async () => {
      await room.publish(detected(symbol))
      const signatures = receiver.at(path).at(-1)?.headers['webhook-signature']
      return String(signatures).split(' ').length === 1
    }, SOON)
  })

  it('goes to those whose type and filters it passes, and tells them how it goes on', async () => {
    const all = ['opportunity.detected', 'opportunity.updated', 'opportunity.expired'] as const
    const { path, symbol, id } = await newEndpoint({
      event_types: [...all, 'opportunity.measured'],
    })
    await set(id, 'filters', JSON.stringify({ symbol, min_profit_percent: '0.8' }))
    const other = await newEndpoint({
      event_types: ['exchange.status'],
      filters: { exchange: 'kraken' },
    })
    await room.publish(detected(symbol, { profit_percent: '0.7', peak_profit_percent: '0.7' }))
    await room.publish(testing.exchangeStatus('binance', true))
    await room.publish(detected(symbol))
    const fallen = { symbol, profit_percent: '0.1' }
    await room.publish(about(testing.updated('a', '0.1'), fallen))
    await room.publish(about(testing.expired('a'), fallen))
    await room.publish(about(testing.measured('a'), fallen))
    await room.publish(testing.exchangeStatus('kraken', false))
    await arrived(path, 4)
    const types = receiver.at(path).map(({ body }) => JSON.parse(body).type)
    expect(types.toSorted()).toEqual([...all, 'opportunity.measured'].toSorted())
    await arrived(other.path, 1)
    expect(receiver.at(other.path).map(({ body }) => JSON.parse(body).data.id)).toEqual(['kraken'])
  })

  it('of an event longer than 20 kB has its longest lists cut, and says so', async () => {
    const { path, symbol } = await newEndpoint()
    const [leg] = testing.opportunity('a').legs
    const fills = Array.from({ length: 2_000 }, (_, i): [string, string] => [`100.${i}`, '1.5'])
    await room.publish(detected(symbol, { legs: [{ ...leg!, fills }, leg!] }))
    const [{ body }] = (await arrived(path, 1)) as [Received]
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(20_000)
    const [cut, whole] = JSON.parse(body).data.legs
    expect(cut.fills.length + cut.fills_cut).toBe(2_000)
    expect(cut.fills.length).toBeGreaterThan(100)
    expect(whole).toEqual(leg)
  })

  it('is a message for people where the endpoint wants one, without a signature', async () => {
    const { path, symbol } = await newEndpoint({ format: 'slack' })
    await room.publish(detected(symbol))
    const [{ headers, body }] = (await arrived(path, 1)) as [Received]
    expect(JSON.parse(body).text).toContain(symbol)
    expect(headers['webhook-signature']).toBeUndefined()
  })
})

describe('a receiver that fails', () => {
  it.each([
    ['answers 500', status(500), { response_status: 500, response_body: 'said 500' }],
    ['redirects', status(302, { location: 'http://127.0.0.1:1/' }), { response_status: 302 }],
    ['resets the connection', reset, { response_status: null, error: /closed without an answer/ }],
    ['never answers', hang, { response_status: null, error: /no answer within 1 s/ }],
  ] as const)(
    'that %s is tried at its times with one id, then it has expired',
    async (_, behaviour, row) => {
      const { id, path, symbol } = await newEndpoint()
      receiver.behave(path, behaviour)
      const event_id = await room.publish(detected(symbol))
      const is_hanging = behaviour === hang
      const rows = await recorded(id, is_hanging ? 2 : 3)
      const results = rows.map(({ attempt, result }) => `${attempt} ${result}`)
      // the answers that never come outlast the life of the alert
      expect(results).toEqual(
        is_hanging ? ['1 failure', '2 expired'] : ['1 failure', '2 failure', '3 expired'],
      )
      for (const one of rows) {
        expect(one.response_status).toBe(row.response_status)
        if ('error' in row) expect(one.error).toMatch(row.error)
        if ('response_body' in row) expect(one.response_body).toBe(row.response_body)
      }
      const ids = new Set(receiver.at(path).map(({ headers }) => headers['webhook-id']))
      expect([...ids]).toEqual([event_id])
      const [first, second, third] = receiver
        .at(path)
        .filter((_, i) => behaviour !== reset || i % 2 === 0)
        .map(({ at_ms }) => at_ms)
      expect(second! - first!).toBeGreaterThanOrEqual(290)
      if (third !== undefined) expect(third - second!).toBeGreaterThanOrEqual(890)
      await vi.waitUntil(async () => (await rowOf(id)).failing_since !== null, SOON)
    },
  )

  it('and then takes it has taken it, and is no longer failing', async () => {
    const { id, path, symbol } = await newEndpoint({ failing_since: new Date() })
    receiver.behave(path, (response, received) =>
      status(receiver.at(path).indexOf(received) === 0 ? 503 : 204)(response, received),
    )
    await room.publish(detected(symbol))
    const rows = await recorded(id, 2)
    expect(rows.map(({ attempt, result }) => `${attempt} ${result}`)).toEqual([
      '1 failure',
      '2 success',
    ])
    await vi.waitUntil(async () => (await rowOf(id)).failing_since === null, SOON)
  })

  it('is left alone as long as it asks, and what cannot wait has expired', async () => {
    const { id, path, symbol } = await newEndpoint()
    receiver.behave(path, status(429, { 'retry-after': '60' }))
    await room.publish(detected(symbol))
    await recorded(id, 1)
    await room.publish(detected(symbol))
    const rows = await recorded(id, 2)
    expect(rows.map(({ attempt, result }) => `${attempt} ${result}`)).toEqual([
      '1 expired',
      '0 expired',
    ])
    expect(rows[1]?.error).toMatch(/asked to wait/)
    expect(receiver.at(path)).toHaveLength(1)
  })

  it('is tried again when it asked for less than the alert has to live', async () => {
    const { id, path, symbol } = await newEndpoint()
    receiver.behave(path, (response, received) =>
      receiver.at(path).indexOf(received) === 0
        ? status(503, { 'retry-after': '1' })(response, received)
        : response.end(),
    )
    await room.publish(detected(symbol))
    await recorded(id, 2)
    const [first, second] = receiver.at(path)
    expect(second!.at_ms - first!.at_ms).toBeGreaterThanOrEqual(950)
  })

  it('gets other messages than alerts for as long as their own schedule lasts', async () => {
    const { id, path } = await newEndpoint({
      event_types: ['exchange.status'],
      filters: { exchange: 'bybit' },
    })
    receiver.behave(path, status(500))
    await room.publish(
      testing.exchangeStatus('bybit', true),
      new Date(Date.now() - 60_000).toISOString(),
    )
    const rows = await recorded(id, 3)
    expect(rows.map(({ result }) => result)).toEqual(['failure', 'failure', 'expired'])
  })

  it('that says it is gone is switched off at once, and the owner’s others are told', async () => {
    const key_id = `key_${++count}`
    await room.pool.query(
      `INSERT INTO api_keys (id, name, prefix, hash, scopes) VALUES ($1, 'a', 'arb_', $1, '[]')`,
      [key_id],
    )
    const sibling = await newEndpoint({ key_id, format: 'standard' })
    const stranger = await newEndpoint()
    const gone = await newEndpoint({ key_id })
    receiver.behave(gone.path, status(410))
    await room.publish(detected(gone.symbol))
    const [{ body }] = (await arrived(sibling.path, 1)) as [Received]
    const event = EndpointEvent.parse(JSON.parse(body))
    expect(event).toMatchObject({
      type: 'endpoint.disabled',
      data: { webhook_id: gone.id, reason: 'gone', url_host: new URL(receiver.url).host },
    })
    expect(await rowOf(gone.id)).toMatchObject({ enabled: false, disabled_reason: 'gone' })
    await room.publish(detected(gone.symbol))
    const rows = await recorded(gone.id, 2)
    expect(rows.map(({ attempt, result }) => `${attempt} ${result}`)).toEqual([
      '1 expired',
      '0 missed',
    ])
    expect(receiver.at(gone.path)).toHaveLength(1)
    expect(receiver.at(stranger.path)).toHaveLength(0)
  })

  it('delays nobody else', async () => {
    const slow = await Promise.all([newEndpoint(), newEndpoint()])
    const well = await newEndpoint({ filters: {} })
    for (const { path } of slow) receiver.behave(path, hang)
    const events = 60
    for (let i = 0; i < events; i++) {
      for (const { symbol } of slow) await room.publish(detected(symbol))
    }
    await room.publish(detected('WELL/USDT'))
    await vi.waitUntil(
      () => receiver.at(well.path).some(({ body }) => body.includes('WELL/USDT')),
      SOON,
    )
    // it came last, and the others are not through yet
    for (const { id } of slow) expect((await room.attempts(id)).length).toBeLessThan(events)
    await set(well.id, 'enabled', false)
    for (const { id, path } of slow) {
      const rows = await room.recorded(id, events + 1)
      const taken = rows.filter(({ result }) => result === 'success')
      expect(taken.map(({ message_id }) => message_id.slice(0, 4))).toEqual(['msg_'])
      // eight at a time, then one at a time, and what waited has expired without an attempt
      expect(receiver.at(path).length).toBeLessThan(30)
    }
  })
})

describe('an alert that is too old', () => {
  it('is not sent, and recorded as expired', async () => {
    const { id, path, symbol } = await newEndpoint()
    await room.publish(detected(symbol), new Date(Date.now() - 3_000).toISOString())
    const [row] = await recorded(id, 1)
    expect(row).toMatchObject({
      attempt: 0,
      result: 'expired',
      error: expect.stringContaining('too old'),
    })
    expect(receiver.at(path)).toHaveLength(0)
  })
})

describe('min_interval_ms', () => {
  it('lets the first of a chain through, and at the end of its time the newest state', async () => {
    const { path, symbol } = await newEndpoint({ min_interval_ms: 600 })
    const [leg] = testing.opportunity('a').legs
    const elsewhere = [leg!, { ...leg!, exchange: 'kraken', side: 'sell' as const }]
    await room.publish(detected(symbol, { profit_percent: '1' }))
    await arrived(path, 1)
    for (const profit_percent of ['2', '3', '4']) {
      await room.publish(detected(symbol, { profit_percent }))
    }
    await room.publish(detected(symbol, { profit_percent: '9', legs: elsewhere }))
    await arrived(path, 3)
    await room.publish(detected(symbol, { profit_percent: '5' }))
    await arrived(path, 4)
    const profits = receiver.at(path).map(({ body }) => JSON.parse(body).data.profit_percent)
    expect(profits).toEqual(['1', '9', '4', '5'])
    const [first, , third, fourth] = receiver.at(path).map(({ at_ms }) => at_ms)
    expect(third! - first!).toBeGreaterThanOrEqual(590)
    expect(fourth! - third!).toBeGreaterThanOrEqual(590)
  })
})

describe('an endpoint', () => {
  it('that changes, is switched off or deleted is honoured at once', async () => {
    const { id, path, symbol } = await newEndpoint()
    const moved = `/moved-${count}`
    await set(id, 'url', receiver.url + moved)
    await vi.waitUntil(async () => {
      await room.publish(detected(symbol))
      return receiver.at(moved).length > 0
    }, SOON)
    await set(id, 'enabled', false)
    await vi.waitUntil(async () => {
      await room.publish(detected(symbol))
      return (await room.attempts(id)).some(({ result }) => result === 'missed')
    }, SOON)
    receiver.forget(moved)
    await room.publish(detected(symbol))
    await room.pool.query('DELETE FROM webhook_endpoints WHERE id = $1', [id])
    const other = await newEndpoint()
    await room.publish(detected(other.symbol))
    await arrived(other.path, 1)
    expect(receiver.at(moved)).toHaveLength(0)
    expect(receiver.at(path).length).toBeLessThan(50)
  })
})

describe('commands', () => {
  it('send a sample of the first type, also to an endpoint that is off, with evidence that holds', async () => {
    const { secret, path, id } = await newEndpoint({
      enabled: false,
      event_types: ['opportunity.measured', 'exchange.status'],
    })
    const message_id = newMessageId()
    await room.command({ kind: 'test', webhook_id: id, message_id })
    const [{ headers, body }] = (await arrived(path, 1)) as [Received]
    new Verifier(secret).verify(body, headers as Record<string, string>)
    const event = JSON.parse(body)
    expect(event).toMatchObject({ id: message_id, type: 'opportunity.measured' })
    expect(event.data.simulated).toBe(true)
    expect(recomputeProfitPercent(event.data.legs)).toBe(event.data.profit_percent)
    expect(Event.safeParse({ ...event, id: '1-0' }).success).toBe(true)
  })

  it('send a message of its own to an endpoint without subscriptions', async () => {
    const { path, id } = await newEndpoint({ event_types: [] })
    const message_id = newMessageId()
    await room.command({ kind: 'test', webhook_id: id, message_id })
    const [{ body }] = (await arrived(path, 1)) as [Received]
    expect(EndpointEvent.parse(JSON.parse(body))).toMatchObject({
      type: 'endpoint.test',
      id: message_id,
    })
  })

  it('replay what was missed, once, more than a batch, and nothing of anybody else', async () => {
    const { id, path, symbol } = await newEndpoint({ enabled: false })
    const sibling = await newEndpoint()
    const foreign = await room.publish(detected(sibling.symbol))
    const total = 520
    const ids = await Promise.all(
      Array.from({ length: total }, () => room.publish(detected(symbol))),
    )
    await room.recorded(id, total + 1)
    await set(id, 'enabled', true)
    const replay = (replay_id: string, what: Replay['what']) =>
      room.command({ kind: 'replay', webhook_id: id, replay_id, what })
    await vi.waitUntil(async () => {
      await room.publish(detected(symbol, { id: 'opp_new' }))
      return receiver.at(path).length > 0
    }, SOON)
    receiver.forget(path)
    await replay('r1', { kind: 'missed' })
    const told = () => receiver.at(path).map(({ headers }) => String(headers['webhook-id']))
    const taken = async () => {
      const rows = (await room.attempts(id)).filter(({ result }) => result === 'success')
      return new Set(rows.map(({ message_id }) => message_id))
    }
    await vi.waitUntil(async () => {
      const all = await taken()
      return ids.every((one) => all.has(one))
    }, SOON)
    expect(ids.every((one) => told().includes(one))).toBe(true)
    receiver.forget(path)
    await replay('r2', { kind: 'missed' })
    await replay('r3', { kind: 'message', message_id: foreign })
    await replay('r4', { kind: 'message', message_id: ids[3]! })
    await arrived(path, 1)
    expect(told()).toEqual([ids[3]])
    const whole = 'SELECT min(created_at), max(created_at) FROM webhook_messages WHERE id = ANY($1)'
    const { rows } = await room.pool.query(whole, [ids.slice(0, 2)])
    receiver.forget(path)
    await replay('r5', {
      kind: 'range',
      from: rows[0].min.toISOString(),
      to: new Date(rows[0].max.getTime() + 1).toISOString(),
    })
    await arrived(path, 2)
    expect(told()).toEqual(expect.arrayContaining(ids.slice(0, 2)))
  })
})

describe('the queues', () => {
  it('hold no address and no secret', async () => {
    const { path, symbol, secret } = await newEndpoint()
    await room.publish(detected(symbol))
    await arrived(path, 1)
    const texts = async (queue: string) => {
      const keys = await room.redis.keys(`${QUEUE_PREFIX}:${queue}:*-*`)
      const jobs = await Promise.all(keys.map((key) => room.redis.hgetall(key).catch(() => ({}))))
      return JSON.stringify(jobs)
    }
    for (const queue of Object.values(QUEUES)) {
      const text = await texts(queue)
      expect(text).toContain(symbol)
      expect(text).not.toContain(secret.slice('whsec_'.length))
      expect(text).not.toContain(receiver.url)
    }
  })
})
