/**
 * The contract of the Upstash gateway: the vendor's own clients as anybody makes them, and what the
 * edge asks through them. That they work here says that the edge works there.
 */
import { MultiRegionRatelimit, Ratelimit } from '@upstash/ratelimit'
import { type RedisConfigNodejs, Redis as Upstash } from '@upstash/redis'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Gateway } from './gateway-http.ts'
import { type Redis, startRedis } from './redis.ts'
import { RespClient } from './resp-client.ts'
import { startUpstashGateway } from './upstash.ts'

const TOKEN = 'a token'
const WITHIN = { timeout: 15_000, interval: 20 }

let redis: Redis
let gateway: Gateway
/** another region: the same server, another database */
let elsewhere: Gateway
let direct: RespClient

beforeAll(async () => {
  vi.stubEnv('REDIS_URL', undefined)
  redis = await startRedis()
  gateway = await startUpstashGateway({ redis_url: redis.url, token: TOKEN })
  elsewhere = await startUpstashGateway({ redis_url: `${redis.url}/1`, token: TOKEN })
  direct = new RespClient(redis.url)
}, 120_000)

afterAll(async () => {
  await Promise.all([gateway?.close(), elsewhere?.close(), direct?.close()])
  await redis?.stop()
  vi.unstubAllEnvs()
})

afterEach(async () => {
  vi.restoreAllMocks()
  await direct.send([['FLUSHALL'], ['SCRIPT', 'FLUSH']])
})

/** With every default: telemetry, automatic pipelines, base64, objects, read-your-writes. */
const client = (options: Partial<RedisConfigNodejs> = {}) =>
  new Upstash({ url: gateway.url, token: TOKEN, retry: false, ...options })
/** As the edge makes it: replies as they are. */
const plain = () =>
  client({
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    readYourWrites: false,
  })

const RAW = { authorization: `Bearer ${TOKEN}` }
async function raw(path: string, init: RequestInit = {}) {
  const headers = { ...RAW, ...init.headers }
  const response = await fetch(gateway.url + path, { ...init, headers })
  return { status: response.status, body: (await response.json()) as unknown }
}

describe('@upstash/redis with all its defaults', () => {
  it('sends what is asked in one moment together, and gives each its own answer', async () => {
    const upstash = client()
    const requests = vi.spyOn(globalThis, 'fetch')
    const asked = Array.from({ length: 50 }, async (_, i) => {
      const set = upstash.set(`key${i}`, { i })
      const counted = upstash.incrby('count', 0)
      const got = upstash.get(`key${i}`)
      expect(await Promise.all([set, counted, got])).toEqual(['OK', 0, { i }])
    })
    await Promise.all(asked)
    // what writes and what reads goes apart
    expect(requests.mock.calls.length).toBeLessThanOrEqual(2)
    for (const [url] of requests.mock.calls) expect(url).toBe(`${gateway.url}/pipeline`)
  })

  it('fails the one that is wrong in such a request, and no other', async () => {
    const upstash = client()
    await upstash.set('text', 'x')
    const [good, wrong] = await Promise.allSettled([upstash.get('text'), upstash.incr('text')])
    expect(good).toEqual({ status: 'fulfilled', value: 'x' })
    expect(wrong).toMatchObject({ reason: { message: expect.stringMatching(/not an integer/) } })
  })

  it('takes values without base64 as well', async () => {
    const upstash = client({ responseEncoding: false })
    await upstash.hset('hash', { a: 'OK', b: 'T0s=', c: 15 })
    expect(await upstash.hgetall('hash')).toEqual({ a: 'OK', b: 'T0s=', c: 15 })
    expect(await upstash.get('missing')).toBeNull()
    expect(await upstash.pipeline().get('missing').hlen('hash').ping().exec()).toEqual([
      ...[null, 3, 'PONG'],
    ])
  })

  it('gives every kind of reply in the shape that the client knows', async () => {
    const upstash = client()
    await upstash.zadd('scores', { score: 1.5, member: 'a' }, { score: 2, member: 'b' })
    expect(await upstash.zrange('scores', 0, -1, { withScores: true })).toEqual(['a', 1.5, 'b', 2])
    expect(await upstash.zscore('scores', 'a')).toBe(1.5)
    await upstash.sadd('set', 'x', 'y')
    expect((await upstash.smembers('set')).sort()).toEqual(['x', 'y'])
    expect(await upstash.smismember('set', ['x', 'z'])).toEqual([1, 0])
    await upstash.hset('hash', { f: { deep: [1] } })
    expect(await upstash.hmget('hash', 'f', 'none')).toEqual({ f: { deep: [1] }, none: null })
    expect(await upstash.hincrbyfloat('hash', 'n', 0.5)).toBe(0.5)
    await upstash.rpush<unknown>('list', 1, 'two', { three: 3 })
    expect(await upstash.lrange('list', 0, -1)).toEqual([1, 'two', { three: 3 }])
    expect(await upstash.scan('0', { match: 's*', count: 100 })).toEqual([
      '0',
      expect.arrayContaining(['scores', 'set']),
    ])
    expect(await upstash.hscan('hash', 0)).toEqual(['0', ['f', { deep: [1] }, 'n', 0.5]])
    expect(await upstash.set('key', 'new', { get: true })).toBeNull()
    expect(await upstash.set('key', 'newer', { nx: true })).toBeNull()
    expect(await upstash.getdel('key')).toBe('new')
    expect(await upstash.exists('key', 'list')).toBe(1)
    const id = await upstash.xadd('stream', '*', { a: 1 })
    await upstash.xgroup('stream', { type: 'CREATE', group: 'g', id: '0' })
    expect(await upstash.xreadgroup('g', 'me', 'stream', '>')).toEqual([
      ['stream', [[id, ['a', 1]]]],
    ])
  })

  it('runs a command that it has no method for', async () => {
    expect(await client().exec(['OBJECT', 'HELP'])).toEqual(expect.arrayContaining(['HELP']))
  })
})

describe('what the edge asks', () => {
  it('comes back as Redis said it', async () => {
    const upstash = plain()
    expect(await upstash.set('lock', '{"a":1}', { nx: true, get: true, px: 5_000 })).toBeNull()
    expect(await upstash.set('lock', 'other', { nx: true, get: true, px: 5_000 })).toBe('{"a":1}')
    expect(await upstash.hgetall('nothing')).toEqual([])
    await upstash.hset('live', { opp_1: '{"id":"opp_1"}' })
    expect(await upstash.hgetall('live')).toEqual(['opp_1', '{"id":"opp_1"}'])
    expect(await upstash.hget('live', 'none')).toBeNull()
    expect(await upstash.mget('lock', 'none')).toEqual(['{"a":1}', null])
    expect(await upstash.scan('0', { match: 'lo*', count: 1_000 })).toEqual(['0', ['lock']])
    const first = await upstash.xadd('events', '1-1', { type: 'x', data: '{"n":1}' })
    await upstash.xadd('events', '1-2', { type: 'y', data: '12' })
    const [page, oldest, newest] = await upstash
      .pipeline()
      .xrange('events', `(${first}`, '+', 10)
      .xrange('events', '-', '+', 1)
      .xrevrange('events', '+', '-', 1)
      .exec()
    expect(page).toEqual([['1-2', ['type', 'y', 'data', '12']]])
    expect(oldest).toEqual([['1-1', ['type', 'x', 'data', '{"n":1}']]])
    expect(newest).toEqual(page)
    const script = 'return {redis.call("HSET", KEYS[1], "f", ARGV[1]), redis.call("TTL", KEYS[1])}'
    expect(await upstash.eval(script, ['hash'], ['1'])).toEqual([1, -1])
  })
})

describe('refusals', () => {
  it.each([
    [['NOSUCH', 'x'], /^ERR unknown command 'NOSUCH'/],
    [['SET', 'key', 'value', 'NONSENSE'], /^ERR syntax error/],
    [['GET'], /^ERR wrong number of arguments/],
    [['LPUSH', 'text', 'x'], /^WRONGTYPE /],
    [['EVALSHA', '0'.repeat(40), '0'], /^NOSCRIPT /],
    [['EVAL', 'return nonsense(', '0'], /^ERR Error compiling script/],
    [['EVAL', 'return redis.error_reply("MINE what I say")', '0'], /^MINE what I say/],
    [['XADD', 'stream', '0-0', 'a', 'b'], /^ERR The ID specified in XADD/],
  ] as const)('of %j are words of Redis, readable with base64 too', async (command, words) => {
    await client().set('text', 'x')
    for (const encoding of [{}, { 'upstash-encoding': 'base64' }]) {
      const init = { method: 'POST', body: JSON.stringify(command), headers: encoding }
      const body = { error: expect.stringMatching(words) }
      expect(await raw('/', init)).toEqual({ status: 400, body })
      const several = { ...init, body: JSON.stringify([command, ['GET', 'text']]) }
      const result = 'upstash-encoding' in encoding ? 'eA==' : 'x'
      expect(await raw('/pipeline', several)).toEqual({ status: 200, body: [body, { result }] })
    }
    await expect(client().exec([...command] as [string, ...string[]])).rejects.toThrow(
      new RegExp(words.source.replace('^', '')),
    )
  })

  it('come with the vendor’s words for a wrong token, wherever it is used', async () => {
    const upstash = client({ token: 'wrong', enableAutoPipelining: false })
    const error = /WRONGPASS invalid or missing auth token/
    await expect(upstash.get('key')).rejects.toThrow(error)
    await expect(upstash.pipeline().get('key').exec()).rejects.toThrow(error)
    await expect(upstash.multi().get('key').exec()).rejects.toThrow(error)
    for (const path of ['/pipeline', '/multi-exec', '/subscribe/chat', '/get/key']) {
      const response = await fetch(`${gateway.url}${path}`, { method: 'POST' })
      expect(response.status, path).toBe(401)
    }
  })

  it('are given to a transaction as a whole, or to the command that failed in it', async () => {
    const upstash = client()
    await expect(upstash.multi().set('a', 1).exec()).resolves.toEqual(['OK'])
    await expect(upstash.multi().set('a', 'x').incr('a').exec()).rejects.toThrow(/not an integer/)
    const kept = upstash.multi().set('a', 'y').incr('a').get('a')
    expect(await kept.exec({ keepErrors: true })).toEqual([
      { result: 'OK' },
      { error: expect.stringMatching(/not an integer/) },
      { result: 'y' },
    ])
    const init = { method: 'POST', headers: { 'upstash-encoding': 'base64' } }
    const body = JSON.stringify([
      ['SET', 'b', 'x'],
      ['GET', 'b'],
      ['INCR', 'b'],
    ])
    expect(await raw('/multi-exec', { ...init, body })).toEqual({
      status: 200,
      body: [
        { result: 'OK' },
        { result: 'eA==' },
        { error: expect.stringMatching(/not an integer/) },
      ],
    })
  })

  it('are given for a format that is not served, instead of another one', async () => {
    for (const format of ['resp2', 'xml']) {
      const headers = { 'upstash-response-format': format }
      const body = { error: expect.stringContaining(format) }
      expect(await raw('/ping', { headers })).toEqual({ status: 400, body })
    }
    const json = { headers: { 'upstash-response-format': 'json' } }
    expect(await raw('/ping', json)).toEqual({ status: 200, body: { result: 'PONG' } })
  })
})

describe('subscriptions through the client', () => {
  const heard = async (channel: string) =>
    Number(
      ((await direct.send([['PUBSUB', 'NUMSUB', channel]])) as { replies: number[][] })
        .replies[0]?.[1],
    )

  it('carry several channels, each until it is left', async () => {
    const subscription = client().subscribe(['chat', 'news'])
    const messages: unknown[] = []
    subscription.on('message', ({ channel, message }) => messages.push([channel, message]))
    await expect.poll(() => heard('chat'), WITHIN).toBe(1)
    await expect.poll(() => heard('news'), WITHIN).toBe(1)
    await client().publish('news', 'a "quoted", text')
    await client().publish('chat', { n: 1 })
    await expect.poll(() => messages.length, WITHIN).toBe(2)
    expect(messages).toEqual(
      expect.arrayContaining([
        ['news', 'a "quoted", text'],
        ['chat', { n: 1 }],
      ]),
    )
    await subscription.unsubscribe(['chat'])
    await expect.poll(() => heard('chat'), WITHIN).toBe(0)
    expect(await heard('news')).toBe(1)
    await subscription.unsubscribe()
    await expect.poll(() => heard('news'), WITHIN).toBe(0)
  })

  it('follow a pattern', async () => {
    const subscription = client().psubscribe('ch*')
    const messages: unknown[] = []
    subscription.on('pmessage', (message) => messages.push(message))
    const patterns = async () => JSON.stringify(await direct.send([['PUBSUB', 'NUMPAT']]))
    await expect.poll(patterns, WITHIN).toContain('[1]')
    await client().publish('chat', { n: 1 })
    await expect
      .poll(() => messages, WITHIN)
      .toEqual([{ pattern: 'ch*', channel: 'chat', message: { n: 1 } }])
    await subscription.unsubscribe()
  })
})

type Regions = ConstructorParameters<typeof MultiRegionRatelimit>[0]['redis']

describe('@upstash/ratelimit', () => {
  /** So long that no test meets the end of one. */
  const WINDOW = '10 d'
  const limits = {
    'a fixed window': Ratelimit.fixedWindow(3, WINDOW),
    'a sliding window': Ratelimit.slidingWindow(3, WINDOW),
    'a token bucket': Ratelimit.tokenBucket(3, WINDOW, 3),
  }
  const common = () => ({ redis: plain(), ephemeralCache: false as const, timeout: 0 })

  it.each(Object.entries(limits))('counts by %s, and forgets on demand', async (_name, limiter) => {
    const ratelimit = new Ratelimit({ ...common(), limiter, prefix: 'test' })
    const took: unknown[] = []
    for (let i = 0; i < 5; i++) {
      const { success, remaining, limit, reset } = await ratelimit.limit('somebody')
      expect(reset).toBeGreaterThan(Date.now())
      took.push([success, remaining, limit])
    }
    expect(took).toEqual([
      ...[
        [true, 2, 3],
        [true, 1, 3],
        [true, 0, 3],
      ],
      ...[
        [false, 0, 3],
        [false, 0, 3],
      ],
    ])
    expect(await ratelimit.limit('another')).toMatchObject({ success: true, remaining: 2 })
    expect(await ratelimit.getRemaining('somebody')).toMatchObject({ remaining: 0, limit: 3 })
    await ratelimit.resetUsedTokens('somebody')
    expect(await ratelimit.getRemaining('somebody')).toMatchObject({ remaining: 3 })
    expect(await ratelimit.limit('somebody', { rate: 3 })).toMatchObject({
      success: true,
      remaining: 0,
    })
    // what the edge does after a restart of Redis: scripts are gone, counts are not
    await direct.send([['SCRIPT', 'FLUSH']])
    expect(await ratelimit.limit('somebody')).toMatchObject({ success: false })
  })

  it('counts exactly when many ask at once', async () => {
    const limiter = Ratelimit.slidingWindow(30, WINDOW)
    const ratelimit = new Ratelimit({ ...common(), limiter, prefix: 'test' })
    const asked = Array.from({ length: 80 }, () => ratelimit.limit('somebody'))
    const answers = await Promise.all(asked)
    expect(answers.filter(({ success }) => success)).toHaveLength(30)
  })

  it('keeps a window in memory, takes another limit on the way, and denies who is listed', async () => {
    const cached = new Ratelimit({
      ...common(),
      ephemeralCache: new Map(),
      limiter: Ratelimit.cachedFixedWindow(2, WINDOW),
      prefix: 'cached',
    })
    const { pending } = await cached.limit('somebody')
    await pending
    expect(await cached.limit('somebody')).toMatchObject({ success: true, remaining: 0 })
    expect(await cached.limit('somebody')).toMatchObject({ success: false })

    const dynamic = new Ratelimit({
      ...common(),
      limiter: Ratelimit.fixedWindow(1, WINDOW),
      prefix: 'dynamic',
      dynamicLimits: true,
    })
    await dynamic.setDynamicLimit({ limit: 7 })
    expect(await dynamic.limit('somebody')).toMatchObject({ limit: 7, remaining: 6 })

    const upstash = client()
    // a list that is not due: its update would be fetched from afar
    await upstash.set('guarded:ipDenyListStatus', 'valid', { ex: 1_000 })
    await upstash.sadd('guarded:denyList:all', '198.51.100.7')
    const guarded = new Ratelimit({
      redis: upstash,
      limiter: Ratelimit.fixedWindow(5, WINDOW),
      prefix: 'guarded',
      enableProtection: true,
      ephemeralCache: false,
    })
    expect(await guarded.limit('somebody', { ip: '198.51.100.8' })).toMatchObject({ success: true })
    expect(await guarded.limit('somebody', { ip: '198.51.100.7' })).toMatchObject({
      ...{ success: false, reason: 'denyList', deniedValue: '198.51.100.7' },
    })
  })

  it('adds up what several regions counted', async () => {
    const regions = [gateway, elsewhere].map(({ url }) =>
      client({ url, enableAutoPipelining: false }),
    )
    const ratelimit = new MultiRegionRatelimit({
      // the package declares its own copy of the client's type
      redis: regions as unknown as Regions,
      limiter: MultiRegionRatelimit.slidingWindow(3, WINDOW),
      prefix: 'regions',
      ephemeralCache: false,
    })
    const took: boolean[] = []
    for (let i = 0; i < 5; i++) {
      const { success, pending } = await ratelimit.limit('somebody')
      await pending
      took.push(success)
    }
    expect(took.slice(0, 3)).toEqual([true, true, true])
    expect(took.at(-1)).toBe(false)
    for (const region of regions) expect((await region.keys('regions:*')).length).toBeGreaterThan(0)
  })
})
