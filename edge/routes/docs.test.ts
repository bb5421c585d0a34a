/** Holds the served documents to the app: what is really answered and pushed is what they say. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import specs from '@asyncapi/specs'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Draft, EVENT_TYPES } from '../../shared/event.ts'
import { KEYS, workerKey } from '../../shared/keys.ts'
import type { NearMiss } from '../../shared/near-miss.ts'
import { type TopOfBook, topField } from '../../shared/top.ts'
import type { WatchedMarket } from '../../shared/watched.ts'
import { EndpointEvent } from '../../shared/webhook.ts'
import { exchangeStatus, expired, heartbeat, sample } from '../testing/opportunities.ts'
import { StreamReader } from '../testing/reader.ts'
import { insertHistory, publish, type Stack, setLive, startStack } from '../testing/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
const at = (path: string) => `${stack.url}${path}`

const Operation = z.looseObject({
  summary: z.string(),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })).optional(),
  responses: z.record(
    z.string(),
    z.looseObject({
      content: z.record(z.string(), z.object({ schema: z.looseObject({}) })).optional(),
    }),
  ),
})
const OpenApi = z.looseObject({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
})

/** Also says no to fields that are not described. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed)
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(Object.entries(node).map(([name, one]) => [name, closed(one)]))
  const is_object = copy.type === 'object' && typeof copy.properties === 'object'
  return is_object && !('additionalProperties' in copy)
    ? { ...copy, additionalProperties: false }
    : copy
}

const AT = '2026-10-01T00:00:00.000Z'
const LEVEL = { price: '63388.10', size: '0.5' }
const MARKET_NAME = { exchange: 'kraken', symbol: 'BTC/USDT', market: 'BTC/USDT' }
const TOP: TopOfBook = { ...MARKET_NAME, state: 'live', bid: LEVEL, ask: LEVEL, updated_at: AT }
const MARKET: WatchedMarket = {
  ...{ ...MARKET_NAME, base: 'BTC', quote: 'USDT', price_step: '0.01', size_step: '0.001' },
  ...{ minimum_size: '0', minimum_notional: '5' },
  taker_fee: { percent: '0.1', source: 'schedule' },
}
const NEAR_MISS: Omit<NearMiss, 'id'> = {
  ...{
    key: 'a chain',
    type: 'cross_exchange',
    symbol: 'BTC/USDT',
    guard: 'stale',
    why: 'it is old',
  },
  ...{ buy_exchange: 'bybit', sell_exchange: 'kraken', gross_percent: '0.91', net_percent: null },
  ...{ volume_usd: '31000.00', observed_at: AT, simulated: true, repeated: 3 },
  legs: [{ ...MARKET_NAME, ...LEVEL, side: 'buy', fee_percent: null, book_age_ms: 6_120 }],
}

describe('openapi.json', () => {
  const document = async () => OpenApi.parse(await (await fetch(at('/openapi.json'))).json())

  it('has every route of the app, and no other', async () => {
    const described = Object.keys((await document()).paths)
    const files = (await readdir(import.meta.dirname)).filter((name) => !name.includes('.test.'))
    const sources = await Promise.all(
      files.map((name) => readFile(join(import.meta.dirname, name), 'utf8')),
    )
    // whatever is put into the app, is put there with its description
    for (const source of sources)
      expect(source).not.toMatch(/app\.(get|post|put|patch|delete|on)\(/)
    const PATH = /'(\/(?:v1\/|health|ready|openapi|asyncapi)[^']*)'/g
    const routes = sources.flatMap((source) => [...source.matchAll(PATH)].map(([, path]) => path))
    expect(described.sort()).toEqual([...new Set(routes)].sort())
    expect(described.length).toBeGreaterThan(12)
  })

  it('names every filter of the lists', async () => {
    const { paths } = await document()
    const names = (path: string) => paths[path]?.get?.parameters?.map(({ name }) => name).sort()
    const filters = [
      ...['buy_exchange', 'exchange', 'min_profit_percent', 'min_volume_usd', 'sell_exchange'],
      ...['symbol', 'transfer', 'type'],
    ]
    const expected = {
      '/v1/opportunities': ['limit', 'sort'],
      '/v1/history': ['cursor', 'format', 'from', 'limit', 'to'],
      '/v1/stats': ['by', 'from', 'limit', 'to'],
      '/v1/stream': ['last-event-id', 'last_event_id', 'types'],
    }
    for (const [path, more] of Object.entries(expected)) {
      expect(names(path)).toEqual(expect.arrayContaining([...filters, ...more]))
    }
  })

  it('describes what is really answered', async () => {
    const { redis, pool } = stack
    const live = sample(40, 1)
    await setLive(redis, live)
    const past = sample(60, 2).map((one) => ({
      ...expired(one),
      status: 'expired' as const,
      expired_at: one.detected_at,
      duration_ms: 0,
      markouts: expired().markouts,
    }))
    await insertHistory(pool, past)
    for (const id of ['kraken', 'bybit']) {
      await redis.hset(KEYS.exchanges, id, JSON.stringify(exchangeStatus({ id })))
      const top: TopOfBook = { ...TOP, exchange: id }
      const market: WatchedMarket = { ...MARKET, exchange: id }
      await redis.hset(KEYS.top, topField(id, top.symbol), JSON.stringify(top))
      await redis.hset(KEYS.markets, topField(id, top.symbol), JSON.stringify(market))
    }
    await redis.xadd(KEYS.near_misses, '*', 'data', JSON.stringify(NEAR_MISS))
    await redis.set(workerKey('worker-1'), JSON.stringify(heartbeat()))

    const range = 'from=2026-10-01T00:00:00Z&to=2026-10-02T00:00:00Z'
    const requests: readonly [path: string, request: string, status: number][] = [
      ['/v1/opportunities', '/v1/opportunities?limit=1000', 200],
      ['/v1/opportunities', '/v1/opportunities?type=x', 400],
      ['/v1/opportunities/{id}', `/v1/opportunities/${live[0]?.id}`, 200],
      ['/v1/opportunities/{id}', '/v1/opportunities/opp_nope', 404],
      ['/v1/history', '/v1/history?limit=20', 200],
      ['/v1/history', '/v1/history?limit=0', 400],
      ['/v1/stats', `/v1/stats?${range}&by=symbol,exchanges,type,hour`, 200],
      ['/v1/stats', `/v1/stats?${range}&by=`, 400],
      ['/v1/markets', '/v1/markets', 200],
      ['/v1/spreads', '/v1/spreads', 200],
      ['/v1/spreads', '/v1/spreads?symbol=BTC/USDT', 200],
      ['/v1/spreads', '/v1/spreads?symbol=NOT/THERE', 404],
      ['/v1/near-misses', '/v1/near-misses', 200],
      ['/v1/exchanges', '/v1/exchanges', 200],
      ['/v1/exchanges/{id}', '/v1/exchanges/kraken', 200],
      ['/v1/exchanges/{id}', '/v1/exchanges/nope', 404],
      ['/v1/stream', '/v1/stream?types=nope', 400],
      ['/health', '/health', 200],
      ['/ready', '/ready', 200],
      ['/openapi.json', '/openapi.json', 200],
      ['/asyncapi.json', '/asyncapi.json', 200],
    ]
    const described = await document()
    const validator = new Ajv2020({ strict: false, allErrors: true })
    addFormats.default(validator)
    validator.addSchema({ ...(closed(described) as object), $id: 'openapi' })
    for (const [path, request, status] of requests) {
      const response = await fetch(at(request))
      expect(response.status, request).toBe(status)
      const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? ''
      const content = described.paths[path]?.get?.responses[status]?.content?.[type]
      expect(content, `${request} ${type}`).toBeDefined()
      const pointer = ['paths', path, 'get', 'responses', `${status}`, 'content', type, 'schema']
        .map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')))
        .join('/')
      const validate = validator.compile({ $ref: `openapi#/${pointer}` })
      const body: unknown = await response.json()
      expect(validate(body), `${request}: ${JSON.stringify(validate.errors)}`).toBe(true)
      expect(validate({ another: 'body' }) && !request.endsWith('json'), request).toBe(false)
    }
  })
})

describe('asyncapi.json', () => {
  const Document = z.looseObject({
    channels: z.record(z.string(), z.looseObject({ messages: z.record(z.string(), z.unknown()) })),
    components: z.looseObject({
      messages: z.record(
        z.string(),
        z.looseObject({ name: z.string(), payload: z.object({ $ref: z.string() }) }),
      ),
    }),
  })
  const served = async () => Document.parse(await (await fetch(at('/asyncapi.json'))).json())
  const draft7 = () => {
    const validator = new Ajv({ strict: false, allErrors: true })
    addFormats.default(validator)
    return validator
  }

  it('is what AsyncAPI 3 says a document is', async () => {
    const validate = draft7().compile(specs.schemasWithoutId['3.0.0'] as object)
    const document = await served()
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ ...document, channels: 'none' })).toBe(false)
  })

  it('has every event on the stream and in webhooks, with every reference in place', async () => {
    const document = await served()
    const names = (channel: string) =>
      Object.keys(document.channels[channel]?.messages ?? {})
        .map((name) => document.components.messages[name]?.name)
        .sort()
    expect(names('stream')).toEqual([...EVENT_TYPES, 'reset'].sort())
    const endpoint_types = EndpointEvent.options.map(({ shape }) => shape.type.value)
    expect(names('webhooks')).toEqual([...EVENT_TYPES, ...endpoint_types].sort())
    for (const [, pointer = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = pointer
        .split('/')
        .reduce<unknown>((node, name) => (node as Record<string, unknown>)?.[name], document)
      expect(target, pointer).toBeDefined()
    }
  })

  it('describes what is really pushed, reset included', async () => {
    await stack.redis.del(KEYS.events)
    const one = expired({ id: 'opp_pushed' })
    const drafts = EVENT_TYPES.map((type): Draft => {
      const { timestamp } = { timestamp: one.detected_at }
      return type === 'exchange.status'
        ? { type, timestamp, data: exchangeStatus() }
        : { type, timestamp, data: one }
    })
    let last = ''
    if (drafts[0] !== undefined) await publish(stack.redis, drafts[0])
    const reader = await StreamReader.open(at('/v1/stream?last_event_id=1-0'))
    // what is published before it would be in it, and not follow it
    await expect.poll(() => reader.resets().length, { timeout: 10_000 }).toBe(1)
    for (const draft of drafts) last = await publish(stack.redis, draft)
    await reader.saw(last)
    reader.leave()
    const document = await served()
    const validator = draft7()
    validator.addSchema({ ...(closed(document) as object), $id: 'asyncapi' })
    const seen = new Set<string>()
    for (const { event, data } of reader.frames) {
      const described = Object.values(document.components.messages)
      const message = described.find(({ name }) => name === event)
      const validate = validator.compile({ $ref: `asyncapi${message?.payload.$ref}` })
      expect(validate(JSON.parse(data)), `${event}: ${JSON.stringify(validate.errors)}`).toBe(true)
      expect(validate({}), event).toBe(false)
      seen.add(event)
    }
    expect([...seen].sort()).toEqual([...EVENT_TYPES, 'reset'].sort())
  })
})
