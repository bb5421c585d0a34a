import http from 'node:http'
import { Redis as Upstash } from '@upstash/redis'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Gateway } from './gateway-http.ts'
import { freePort } from './ports.ts'
import { type Redis, startRedis } from './redis.ts'
import type { Argument, Reply } from './resp.ts'
import { RespClient } from './resp-client.ts'
import { startUpstashGateway } from './upstash.ts'

const TOKEN = 'a token'
const WITHIN = { timeout: 15_000, interval: 20 }

let redis: Redis
let gateway: Gateway
/** past the gateway, for what it should not have changed */
let direct: RespClient

beforeAll(async () => {
  vi.stubEnv('REDIS_URL', undefined)
  redis = await startRedis()
  gateway = await startUpstashGateway({ redis_url: redis.url, token: TOKEN })
  direct = new RespClient(redis.url)
}, 120_000)

afterAll(async () => {
  await gateway?.close()
  await direct?.close()
  await redis?.stop()
  vi.unstubAllEnvs()
})

afterEach(async () => {
  await ask('FLUSHALL')
})

function client(options: { token?: string; plain?: boolean; url?: string } = {}): Upstash {
  return new Upstash({
    url: options.url ?? gateway.url,
    token: options.token ?? TOKEN,
    automaticDeserialization: !options.plain,
    enableAutoPipelining: false,
    retry: false,
  })
}

async function ask(...command: Argument[]): Promise<Reply | undefined> {
  const outcome = await direct.send([command])
  if ('unreachable' in outcome) throw new Error(outcome.unreachable)
  return outcome.replies[0]
}

interface RawAnswer {
  status: number
  body: unknown
}

async function raw(path: string, init: RequestInit = {}): Promise<RawAnswer> {
  const headers = { authorization: `Bearer ${TOKEN}`, ...init.headers }
  const response = await fetch(gateway.url + path, { ...init, headers })
  return { status: response.status, body: await response.json() }
}

const post = (path: string, body: unknown) =>
  raw(path, { method: 'POST', body: JSON.stringify(body) })

describe('values through @upstash/redis', () => {
  it('brings any text back as it was, in a string, a hash and a stream', async () => {
    const plain = client({ plain: true })
    const text = fc
      .string({ unit: 'binary', maxLength: 60 })
      .filter((value) => value.isWellFormed())
    const awkward = ['OK', '', 'T0s=', 'null', '12', 'a\r\nb', '\u0000\u0001', '日本 🚀', '"{']
    const example: [string, string][] = awkward.map((value) => [value, `${value}.`])
    await fc.assert(
      fc.asyncProperty(text, text, async (value, other) => {
        await plain.set('text', value)
        expect(await plain.get('text')).toBe(value)
        await plain.del('stream', 'hash')
        await plain.hset('hash', { [`f${value}`]: other })
        expect(await plain.hgetall('hash')).toEqual([`f${value}`, other])
        await plain.xadd('stream', '*', { [`f${value}`]: other })
        const [[, fields]] = (await plain.xrange('stream', '-', '+')) as unknown as [
          [string, string[]],
        ]
        expect(fields).toEqual([`f${value}`, other])
      }),
      { numRuns: 40, examples: example },
    )
  })

  it('gives numbers, missing keys, JSON and statuses as the vendor does', async () => {
    const upstash = client()
    expect(await upstash.set('json', { a: [1, null] })).toBe('OK')
    expect(await upstash.get('json')).toEqual({ a: [1, null] })
    expect(await upstash.get('missing')).toBeNull()
    expect(await upstash.incrby('count', 41)).toBe(41)
    expect(await upstash.ping()).toBe('PONG')
    expect(await upstash.type('count')).toBe('string')
    expect(await upstash.mget('count', 'missing')).toEqual([41, null])
  })

  it('keeps hashes and streams in the shapes that the client turns into objects', async () => {
    const upstash = client()
    await upstash.hset('hash', { one: 1, text: 'x' })
    expect(await upstash.hgetall('hash')).toEqual({ one: 1, text: 'x' })
    const first = await upstash.xadd('stream', '*', { n: '1', state: 'OK' })
    const second = await upstash.xadd('stream', '*', { n: '2' })
    expect(await upstash.xrange('stream', '-', '+')).toEqual({
      [first]: { n: 1, state: 'OK' },
      [second]: { n: 2 },
    })
    expect(Object.keys(await upstash.xrevrange('stream', '+', '-', 1))).toEqual([second])
  })

  it('nests arrays as deeply as Redis does', async () => {
    const script = 'return {1, {"OK", {false, "ü"}}, redis.status_reply("fine")}'
    expect(await client().eval(script, [], [])).toEqual([1, ['OK', [null, 'ü']], 'fine'])
  })

  it('leaves strings readable without base64, and encodes all but the status OK with it', async () => {
    await ask('SET', 'key', 'OK')
    const encoded = { headers: { 'upstash-encoding': 'base64' } }
    expect(await raw('/get/key')).toEqual({ status: 200, body: { result: 'OK' } })
    expect(await raw('/get/key', encoded)).toEqual({ status: 200, body: { result: 'T0s=' } })
    expect(await raw('/set/key/x', encoded)).toEqual({ status: 200, body: { result: 'OK' } })
    expect(await raw('/mget/key/none', encoded)).toEqual({
      status: 200,
      body: { result: ['eA==', null] },
    })
  })
})

describe('a command in the path', () => {
  it('takes decoded segments, then the body byte by byte, then the query', async () => {
    const bytes = Buffer.from([0, 255, 10])
    const answer = await raw('/set/a%2Fb%20c?EX=100&NX', { method: 'POST', body: bytes })
    expect(answer).toEqual({ status: 200, body: { result: 'OK' } })
    expect(await ask('GET', 'a/b c')).toEqual(bytes)
    expect(await ask('TTL', 'a/b c')).toBeGreaterThan(90)
  })

  it('refuses a path that is not encoded properly', async () => {
    expect((await raw('/get/%ff')).status).toBe(400)
  })
})

describe('authentication', () => {
  it('accepts the token as Bearer or as _token, and nothing else', async () => {
    expect((await fetch(`${gateway.url}/ping?_token=${encodeURIComponent(TOKEN)}`)).status).toBe(
      200,
    )
    for (const url of ['/ping', '/ping?_token=wrong', '/subscribe/chat']) {
      const response = await fetch(gateway.url + url)
      expect(response.status).toBe(401)
      expect(await response.json()).toEqual({ error: expect.stringMatching(/^WRONGPASS /) })
    }
  })

  it('fails in the client with the words of the vendor, and changes nothing', async () => {
    await expect(client({ token: 'wrong' }).set('key', 1)).rejects.toThrow(
      /WRONGPASS invalid or missing auth token/,
    )
    expect(await ask('EXISTS', 'key')).toBe(0)
  })
})

describe('errors', () => {
  it("gives Redis's own words with status 400", async () => {
    await ask('SET', 'text', 'x')
    await expect(client().hget('text', 'field')).rejects.toThrow(/WRONGTYPE/)
    expect(await post('/', ['GET'])).toEqual({
      status: 400,
      body: { error: "ERR wrong number of arguments for 'get' command" },
    })
  })

  it.each([
    ['BLPOP', 'list', '0'],
    ['XREAD', 'BLOCK', '0', 'STREAMS', 's', '$'],
    ['XREADGROUP', 'GROUP', 'g', 'c', 'block', '0', 'STREAMS', 's', '>'],
    ['SELECT', '1'],
    ['multi'],
    ['SUBSCRIBE', 'chat'],
    ['CLIENT', 'REPLY', 'OFF'],
    ['SHUTDOWN'],
  ])('refuses %s, which a shared connection cannot carry', async (...command) => {
    const single = await post('/', command)
    expect(single).toEqual({ status: 400, body: { error: expect.stringContaining('not a') } })
    const [refusal, ping] = (await post('/pipeline', [command, ['PING']])).body as unknown[]
    expect([refusal, ping]).toEqual([single.body, { result: 'PONG' }])
    expect(await post('/multi-exec', [['SET', 'key', '1'], command])).toEqual(single)
    expect(await ask('EXISTS', 'key')).toBe(0)
  })

  it('takes "block" as the name of a stream or a group for what it is', async () => {
    await ask('XADD', 'BLOCK', '1-1', 'a', 'b')
    await ask('XGROUP', 'CREATE', 'BLOCK', 'BLOCK', '0')
    const read = await post('/', ['XREAD', 'STREAMS', 'BLOCK', '0'])
    expect(read.body).toEqual({ result: [['BLOCK', [['1-1', ['a', 'b']]]]] })
    const command = ['XREADGROUP', 'GROUP', 'BLOCK', 'me', 'STREAMS', 'BLOCK', '>']
    expect(await post('/', command)).toEqual(read)
  })

  it.each([
    ['', 'EOF'],
    ['{', 'ERR invalid JSON'],
    ['{"a":1}', 'expected JSON array'],
    ['[]', 'ERR empty command'],
    ['["SET","key",null]', 'ERR null args are not supported'],
    ['["SET","key",{}]', 'ERR unsupported arg type: "{": json.Delim'],
  ])('refuses the body %j', async (body, error) => {
    expect(await raw('/', { method: 'POST', body })).toEqual({ status: 400, body: { error } })
  })

  it('refuses a request beyond 10 MB, says how large it was, and goes on working', async () => {
    const answer = await post('/', ['SET', 'key', 'x'.repeat(10 * 1024 * 1024)])
    const error = expect.stringMatching(/max request size exceeded. Limit: 10485760 .*10485776/)
    expect(answer).toEqual({ status: 400, body: { error } })
    expect(await client().ping()).toBe('PONG')
  })

  it('knows only the methods that the vendor knows', async () => {
    expect((await fetch(gateway.url, { method: 'DELETE' })).status).toBe(405)
  })
})

describe('pipelines and transactions', () => {
  it('runs the rest of a pipeline when one command fails', async () => {
    const pipeline = client().pipeline()
    pipeline.set('text', 'x').incr('text').get('text')
    expect(await pipeline.exec({ keepErrors: true })).toEqual([
      { result: 'OK', error: undefined },
      { result: undefined, error: 'ERR value is not an integer or out of range' },
      { result: 'x', error: undefined },
    ])
  })

  it('never lets another command in between those of a transaction', async () => {
    const upstash = client()
    const readers = Array.from({ length: 60 }, async (_, id) => {
      const multi = upstash.multi()
      multi.set('shared', id).incr('count').get('shared').incr('count').get('shared')
      const [, before, first, after, second] = await multi.exec<unknown[]>()
      expect([first, second, Number(after) - Number(before)]).toEqual([id, id, 1])
    })
    const writers = Array.from({ length: 60 }, async () => {
      await upstash.pipeline().set('shared', 'other').incr('count').exec()
    })
    await Promise.all([...readers, ...writers])
    expect(await upstash.get('count')).toBe(180)
  })

  it('discards a transaction whole when a command cannot be queued', async () => {
    expect(await post('/multi-exec', [['SET', 'key', '1'], ['NOSUCH']])).toEqual({
      status: 400,
      body: { error: expect.stringMatching(/^ERR unknown command 'NOSUCH'/) },
    })
    expect(await ask('EXISTS', 'key')).toBe(0)
  })

  it('runs all of a transaction when one command fails in it', async () => {
    const answer = await post('/multi-exec', [
      ['SET', 'text', 'x'],
      ['INCR', 'text'],
      ['GET', 'text'],
    ])
    const error = 'ERR value is not an integer or out of range'
    expect(answer).toEqual({ status: 200, body: [{ result: 'OK' }, { error }, { result: 'x' }] })
  })

  it('gives each of many callers at once its own answer', async () => {
    const upstash = client()
    const answers = Array.from({ length: 300 }, (_, id) => upstash.eval('return ARGV[1]', [], [id]))
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 300 }, (_, id) => id))
  })
})

describe('scripts', () => {
  const ADD = 'return redis.call("INCRBY", KEYS[1], ARGV[1])'

  it.each([
    `#!lua flags=allow-key-locking\n${ADD}`,
    `#!lua flags=no-cluster,allow-key-locking\n${ADD}`,
    ADD,
  ])('runs %j by text and by the SHA1 of that text', async (text) => {
    const upstash = client()
    const script = upstash.createScript<number>(text)
    await ask('SCRIPT', 'FLUSH')
    expect(await script.exec(['sum'], ['5'])).toBe(5)
    expect(await script.evalsha(['sum'], ['5'])).toBe(10)
    await ask('SCRIPT', 'FLUSH')
    await expect(script.evalsha(['sum'], ['5'])).rejects.toThrow(/NOSCRIPT/)
    expect(await upstash.scriptLoad(text)).toBe(script.sha1)
    expect(await upstash.scriptExists(script.sha1)).toEqual([1])
    const multi = await upstash.multi().evalsha(script.sha1, ['sum'], ['1']).exec()
    expect(multi).toEqual([11])
  })

  it('keeps the other flags and the line numbers', async () => {
    const flags = '#!lua flags=allow-key-locking,no-writes\n'
    await expect(client().eval(flags + ADD, ['sum'], ['5'])).rejects.toThrow(/Write commands/)
    const failing = '#!lua flags=allow-key-locking\n\nerror("here")'
    await expect(client().eval(failing, [], [])).rejects.toThrow(/user_script:3: here/)
  })

  it('leaves a flag that nobody knows to be refused', async () => {
    await expect(client().eval(`#!lua flags=nonsense\n${ADD}`, ['a'], ['1'])).rejects.toThrow(
      /flag/,
    )
  })
})

/** Server-Sent Events as raw text. */
async function openStream(path: string, signal: AbortSignal): Promise<() => Promise<string>> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    signal,
  })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  return async () => (await reader?.read())?.value ?? 'END'
}

const subscribers = async () => Number(((await ask('PUBSUB', 'NUMSUB', 'chat')) as Reply[])[1])

describe('subscriptions', () => {
  it("reach the client's own subscriber, parsed", async () => {
    const subscription = client().subscribe('chat')
    const messages: unknown[] = []
    subscription.on('message', (message) => messages.push(message))
    await expect.poll(subscribers, WITHIN).toBe(1)
    await client().publish('chat', { price: '1,5' })
    await expect
      .poll(() => messages, WITHIN)
      .toEqual([{ channel: 'chat', message: { price: '1,5' } }])
    await subscription.unsubscribe()
    await expect.poll(subscribers, WITHIN).toBe(0)
  })

  it('are Server-Sent Events as the vendor documents them', async () => {
    const controller = new AbortController()
    const next = await openStream('/subscribe/chat', controller.signal)
    expect(await next()).toBe('data: subscribe,chat,1\n\n')
    await ask('PUBLISH', 'chat', 'how are you, today?')
    expect(await next()).toBe('data: message,chat,how are you, today?\n\n')
    await ask('PUBLISH', 'chat', 'two\nlines')
    expect(await next()).toBe('data: message,chat,two\ndata: lines\n\n')
    controller.abort()
    await expect.poll(subscribers, WITHIN).toBe(0)
  })

  it('follow a pattern', async () => {
    const controller = new AbortController()
    const next = await openStream('/psubscribe/ch%3Ft', controller.signal)
    expect(await next()).toBe('data: psubscribe,ch?t,1\n\n')
    await ask('PUBLISH', 'chat', 'x')
    expect(await next()).toBe('data: pmessage,ch?t,chat,x\n\n')
    controller.abort()
  })

  it('drop a reader that stops reading, and it alone', async () => {
    await ask('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 2mb 2mb 0')
    const request = http.get(`${gateway.url}/subscribe/chat?_token=${encodeURIComponent(TOKEN)}`)
    request.on('error', () => {})
    const stalled = new Promise<void>((resolve) =>
      request.on('response', (response) => response.pause() && resolve()),
    )
    const controller = new AbortController()
    const next = await openStream('/subscribe/chat', controller.signal)
    await stalled
    await expect.poll(subscribers, WITHIN).toBe(2)

    const message = 'x'.repeat(500_000)
    let received = ''
    for (let sent = 1; (await subscribers()) === 2; sent++) {
      expect(sent).toBeLessThan(200)
      await ask('PUBLISH', 'chat', message)
      while (received.length < sent * message.length) received += await next()
    }
    expect(await subscribers()).toBe(1)
    await ask('PUBLISH', 'chat', 'goodbye')
    while (!received.endsWith('goodbye\n\n')) received += await next()
    controller.abort()
    request.destroy()
  }, 60_000)
})

describe('when Redis goes away', () => {
  it('says 503 at once, ends subscriptions, and works again when Redis is back', async () => {
    const port = await freePort()
    let mortal = await startRedis({ port })
    const own = await startUpstashGateway({ redis_url: mortal.url, token: TOKEN })
    try {
      const upstash = client({ url: own.url })
      await upstash.set('key', 'before')
      const stream = await fetch(`${own.url}/subscribe/chat?_token=${encodeURIComponent(TOKEN)}`)
      await mortal.stop()
      expect(await stream.text()).toBe('data: subscribe,chat,1\n\n')

      for (const path of ['/get/key', '/subscribe/chat']) {
        const response = await fetch(`${own.url}${path}?_token=${encodeURIComponent(TOKEN)}`)
        expect(response.status).toBe(503)
        expect(await response.json()).toEqual({ error: expect.stringMatching(/not reachable/) })
      }
      await expect(upstash.pipeline().get('key').exec()).rejects.toThrow(/not reachable/)

      mortal = await startRedis({ port })
      expect(await upstash.set('key', 'after')).toBe('OK')
      expect(await upstash.get('key')).toBe('after')
    } finally {
      await own.close()
      await mortal.stop()
    }
  }, 60_000)

  it('answers what was under way with 503, and mixes up nothing that follows', async () => {
    const port = await freePort()
    let mortal = await startRedis({ port })
    const own = await startUpstashGateway({ redis_url: mortal.url, token: TOKEN })
    const beside = new RespClient(mortal.url)
    try {
      const upstash = client({ url: own.url })
      await beside.send([['CONFIG', 'SET', 'busy-reply-threshold', '10']])
      const endless = upstash.eval('while true do end', [], []).catch(String)
      const isBusy = async () => JSON.stringify(await beside.send([['PING']])).includes('BUSY')
      await expect.poll(isBusy, WITHIN).toBe(true)
      const unanswered = await beside.send([['SHUTDOWN', 'NOSAVE']])
      expect(unanswered).toEqual({ unreachable: expect.any(String) })
      expect(await endless).toMatch(/not reachable/)

      mortal = await startRedis({ port })
      const answers = Array.from({ length: 50 }, (_, id) =>
        upstash.eval('return ARGV[1]', [], [id]),
      )
      expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, (_, id) => id))
    } finally {
      await own.close()
      await beside.close()
      await mortal.stop()
    }
  }, 60_000)
})

describe('a Redis with a password', () => {
  it('is spoken to by the password and the database in its URL, and refused without', async () => {
    await ask('ACL', 'SETUSER', 'guest', 'on', '>p@ss', '~*', '&*', '+@all')
    const url = (password: string) =>
      `redis://guest:${encodeURIComponent(password)}@127.0.0.1:${redis.port}/3`
    const right = await startUpstashGateway({ redis_url: url('p@ss'), token: TOKEN })
    const wrong = await startUpstashGateway({ redis_url: url('no'), token: TOKEN })
    try {
      await client({ url: right.url }).set('key', 1)
      expect(await ask('EXISTS', 'key')).toBe(0)
      expect(String(await ask('INFO', 'keyspace'))).toMatch(/^db3:keys=1,/m)
      await expect(client({ url: wrong.url }).get('key')).rejects.toThrow(/WRONGPASS/)
    } finally {
      await right.close()
      await wrong.close()
    }
  })
})
