import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import { systemClock } from '../../shared/clock.ts'
import { compareEventIds, type Draft, Event, eventFromStream } from '../../shared/event.ts'
import { GROUPS, KEYS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { connectRedis } from './redis.ts'
import { createPublishScript } from './script.ts'
import { Publisher } from './stream.ts'
import { detected, exchangeStatus, expired, measured, opportunity, updated } from './testing.ts'
import { createTrim } from './trim.ts'

let folder: string
let server: RedisServer
let redis: Redis
let observer: Redis

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-stream-'))
  server = await startRedis({ data_dir: join(folder, 'redis') })
  redis = connectRedis(server.url, 'command', 'test', silentLog)
  observer = connectRedis(server.url, 'patient', 'observer', silentLog)
})
afterAll(async () => {
  redis.disconnect()
  observer.disconnect()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  await observer.flushall()
  await vi.waitUntil(() => redis.status === 'ready')
})

async function streamed(): Promise<Event[]> {
  const entries = await observer.xrange(KEYS.events, '-', '+')
  return entries.map(([id, flat]) => {
    const fields: Record<string, string> = {}
    for (let i = 0; i < flat.length; i += 2) fields[flat[i]!] = flat[i + 1]!
    return eventFromStream(id, fields)
  })
}

const told = (events: Event[]) => events.map(({ type, data }) => `${type.split('.')[1]} ${data.id}`)

describe('the publish script', () => {
  it('writes the stream, the live set and the channel, all with the same event', async () => {
    const send = createPublishScript(redis, 0)
    const heard: string[] = []
    const listener = new Redis(server.url)
    await listener.subscribe(KEYS.channel)
    listener.on('message', (_channel, message) => heard.push(message))
    await observer.set(KEYS.fence, 7)

    const drafts = [detected('a'), detected('b'), updated('a', '2'), expired('b')]
    drafts.push(exchangeStatus('kraken', true))
    const entries = drafts.map((draft, index) => ({ sequence: index + 1, draft }))
    expect(await send(7, entries)).toBe('applied')

    const events = await streamed()
    expect(events.map(({ id: _, ...draft }) => draft)).toEqual(drafts)
    const live = await observer.hgetall(KEYS.live)
    expect(Object.keys(live)).toEqual(['opp_a'])
    expect(JSON.parse(live.opp_a!)).toEqual(opportunity('a', { profit_percent: '2' }))
    await vi.waitUntil(() => heard.length === drafts.length)
    expect(heard.map((text) => Event.parse(JSON.parse(text)))).toEqual(events)
    listener.disconnect()
  })

  it('keeps the markouts of what is live, and brings nothing back to life with them', async () => {
    const send = createPublishScript(redis, 0)
    await observer.set(KEYS.fence, 7)
    const drafts = [detected('a'), detected('b'), expired('b'), measured('a', 'detected')]
    const entries = [...drafts, measured('b')].map((draft, i) => ({ sequence: i + 1, draft }))
    expect(await send(7, entries)).toBe('applied')
    const live = await observer.hgetall(KEYS.live)
    expect(Object.keys(live)).toEqual(['opp_a'])
    expect(JSON.parse(live.opp_a!).markouts).toHaveLength(5)
    expect(told(await streamed()).slice(-2)).toEqual(['measured opp_a', 'measured opp_b'])
  })

  it('applies nothing at all under another token', async () => {
    const send = createPublishScript(redis, 0)
    const entries = [{ sequence: 1, draft: detected('a') }]
    expect(await send(3, entries)).toBe('fenced')
    await observer.set(KEYS.fence, 4)
    expect(await send(3, entries)).toBe('fenced')
    expect(await observer.keys('*')).toEqual([KEYS.fence])
  })

  it('applies a repeated batch once, and the new entries of it', async () => {
    const send = createPublishScript(redis, 0)
    await observer.set(KEYS.fence, 1)
    const [a, b, c] = ['a', 'b', 'c'].map((id, i) => ({ sequence: i + 1, draft: detected(id) }))
    await send(1, [a!, b!])
    await send(1, [a!, b!, c!])
    expect(told(await streamed())).toEqual(['detected opp_a', 'detected opp_b', 'detected opp_c'])
  })

  it('starts counting anew under a new token', async () => {
    const send = createPublishScript(redis, 0)
    await observer.set(KEYS.fence, 1)
    await send(1, [{ sequence: 9, draft: detected('a') }])
    await observer.set(KEYS.fence, 2)
    await send(2, [{ sequence: 1, draft: detected('b') }])
    expect(await streamed()).toHaveLength(2)
  })
})

describe('Publisher', () => {
  const onFenced = vi.fn()
  let published: string[]
  let publisher: Publisher
  const open: Publisher[] = []

  beforeEach(async () => {
    onFenced.mockClear()
    published = []
    publisher = new Publisher({
      redis,
      shard: 0,
      clock: systemClock,
      log: silentLog,
      relieve: createTrim(redis).relieve,
      onFenced,
      onPublished: (type) => published.push(type),
    })
    open.push(publisher)
    await observer.set(KEYS.fence, 1)
  })
  afterEach(() => {
    for (const one of open.splice(0)) one.resign()
  })

  it('keeps the order over many batches', async () => {
    publisher.lead(1, false)
    const drafts: Draft[] = []
    for (let i = 0; i < 500; i++) drafts.push(detected(`x${i}`), expired(`x${i}`))
    for (const draft of drafts) publisher.publish([draft])
    expect(await publisher.flush(20_000)).toBe(true)
    const events = await streamed()
    expect(events.map(({ type, data }) => [type, data.id])).toEqual(
      drafts.map(({ type, data }) => [type, data.id]),
    )
    const ids = events.map(({ id }) => id)
    expect(ids).toEqual(ids.toSorted(compareEventIds))
    expect(published).toHaveLength(1_000)
    expect(await observer.hlen(KEYS.live)).toBe(0)
  })

  it('publishes nothing without a term', async () => {
    publisher.publish([detected('a')])
    publisher.lead(1, false)
    publisher.publish([detected('b')])
    await publisher.flush(10_000)
    publisher.resign()
    publisher.publish([detected('c')])
    expect(told(await streamed())).toEqual(['detected opp_b'])
  })

  it('sends nothing under an old token, and goes on with what waited under a new one', async () => {
    publisher.lead(1, false)
    await observer.set(KEYS.fence, 2)
    publisher.publish([detected('a')])
    await vi.waitUntil(() => onFenced.mock.calls.length > 0)
    publisher.publish([expired('a')])
    expect(await streamed()).toEqual([])
    publisher.lead(2, true)
    await publisher.flush(10_000)
    expect(told(await streamed())).toEqual(['detected opp_a', 'expired opp_a'])
  })

  it('forgets what waited when somebody else led', async () => {
    publisher.lead(1, false)
    await observer.set(KEYS.fence, 2)
    publisher.publish([detected('a')])
    await vi.waitUntil(() => onFenced.mock.calls.length > 0)
    publisher.resign()
    await observer.set(KEYS.fence, 3)
    publisher.lead(3, false)
    publisher.publish([detected('b')])
    await publisher.flush(10_000)
    expect(told(await streamed())).toEqual(['detected opp_b'])
  })

  it('loses no beginning and no end while Redis is away, and repeats none', async () => {
    publisher.lead(1, false)
    publisher.publish([detected('before')])
    await publisher.flush(10_000)
    await observer.config('SET', 'appendfsync', 'always')
    const { port } = server
    await server.stop()

    const expected: string[] = ['detected opp_before']
    for (let i = 0; i < 200; i++) {
      publisher.publish([detected(`x${i}`), updated(`x${i}`, '1'), updated(`x${i}`, '2')])
      expected.push(`detected opp_x${i}`)
      if (i % 2 === 0) {
        publisher.publish([expired(`x${i}`)])
        expected.push(`expired opp_x${i}`)
      } else expected.push(`updated opp_x${i}`)
    }
    expect(await publisher.flush(300)).toBe(false)
    // 300 essential events and one update for each that stayed open; a batch may be on its way.
    expect(publisher.depth).toBeLessThanOrEqual(400 + 64)

    server = await startRedis({ data_dir: join(folder, 'redis'), port })
    expect(await publisher.flush(20_000)).toBe(true)
    const events = await streamed()
    const essential = (lines: string[]) => lines.filter((line) => !line.startsWith('updated'))
    expect(essential(told(events))).toEqual(essential(expected))
    const last = new Map(events.map(({ type, data }) => [data.id, { type, data }]))
    expect(last.get('opp_x1')).toMatchObject({
      type: 'opportunity.updated',
      data: { profit_percent: '2' },
    })
    expect(await observer.hlen(KEYS.live)).toBe(101)
  })

  describe('into a redis that is full', () => {
    const COUNT = 1_500
    const names = Array.from({ length: COUNT }, (_, i) => `x${i}`)
    const limit = async (extra_bytes: number) => {
      const used = /used_memory:(\d+)/.exec(await observer.info('memory'))?.[1]
      await observer.config('SET', 'maxmemory', Number(used) + extra_bytes)
    }
    /** the order of beginnings and ends, without the updates */
    const essential = async () =>
      told(await streamed()).filter((line) => !line.startsWith('updated'))
    const lives = names.flatMap((name) => [`detected opp_${name}`, `expired opp_${name}`])

    function publishAll(): void {
      for (const name of names) {
        publisher.publish([detected(name), updated(name, '1'), expired(name), updated(name, '2')])
      }
    }
    afterEach(() => observer.config('SET', 'maxmemory', 0))

    it('cuts the stream of what everybody has, and goes on', async () => {
      publisher.lead(1, false)
      await limit(2_000_000)
      publishAll()
      expect(await publisher.flush(20_000)).toBe(true)
      expect(published.filter((type) => type === 'opportunity.expired')).toHaveLength(COUNT)
      const kept = await essential()
      expect(kept.length).toBeLessThan(lives.length)
      expect(kept).toEqual(lives.slice(-kept.length))
    })

    it('waits with what began and ended, lets updates go, and loses nothing else', async () => {
      await observer.xgroup('CREATE', KEYS.events, GROUPS.archive, '0', 'MKSTREAM')
      publisher.lead(1, false)
      await limit(1_000_000)
      publishAll()
      expect(await publisher.flush(1_500)).toBe(false)
      expect(publisher.dropped_total).toBeGreaterThan(0)
      expect(publisher.depth).toBeGreaterThan(0)
      await observer.config('SET', 'maxmemory', 0)
      expect(await publisher.flush(20_000)).toBe(true)
      expect(await essential()).toEqual(lives)
    })
  })
})
