import type { Redis } from 'ioredis'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import { systemClock } from '../../shared/clock.ts'
import { KEYS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { connectRedis } from '../publish/redis.ts'
import { useRedis } from '../publish/testing-redis.ts'
import { Lease } from './lease.ts'

let server: RedisServer
let redis: Redis

useRedis('command', (connected, started) => {
  redis = connected
  server = started
})

const leases: Lease[] = []
/** of this test, in their order */
const tokens: number[] = []
afterEach(async () => {
  for (const lease of leases.splice(0)) await lease.release()
  tokens.length = 0
})

/** 1 for the first token of a test, and so on; a new one that is not greater than all before is wrong. */
function placeOf(token = Number.NaN): number {
  if (!tokens.includes(token)) {
    expect(token).toBeGreaterThan(tokens.at(-1) ?? 0)
    tokens.push(token)
  }
  return tokens.indexOf(token) + 1
}

interface Contender {
  readonly shard_count?: number
  readonly ttl_ms?: number
  readonly readiness?: () => number
  readonly redis?: Redis
}

function contender(worker_id: string, options: Contender = {}) {
  const told: string[] = []
  const lease = new Lease({
    redis,
    shard_count: 1,
    ttl_ms: 60_000,
    readiness: () => 100,
    ...options,
    clock: systemClock,
    worker_id,
    log: silentLog,
    // Turns are asked for by hand where the order matters.
    every_ms: 3_600_000,
    onLead: (shard, token, kind) =>
      told.push(shard > 0 ? `${kind} of ${shard}` : `${kind} ${placeOf(token)}`),
    onLose: () => told.push('lost'),
    onExcess: (shard) => told.push(`excess ${shard}`),
  })
  leases.push(lease)
  return { lease, told }
}

describe('Lease', () => {
  it('is held by one worker, which keeps its token when it renews', async () => {
    const [a, b] = [contender('a'), contender('b')]
    await a.lease.ask()
    await b.lease.ask()
    await a.lease.ask()
    expect(a.told).toEqual(['new 1'])
    expect(b.told).toEqual([])
    expect(placeOf(a.lease.tokens.get(0))).toBe(1)
    expect(b.lease.tokens.size).toBe(0)
    expect(await redis.get(KEYS.lease)).toBe('a')
  })

  it('passes on with a greater token when it is released', async () => {
    const [a, b] = [contender('a'), contender('b')]
    await a.lease.ask()
    await a.lease.release()
    await b.lease.ask()
    expect(a.lease.tokens.size).toBe(0)
    expect(b.told).toEqual(['new 2'])
  })

  it('runs out when its holder is dead, and the late holder learns it', async () => {
    const [a, b] = [contender('a', { ttl_ms: 50 }), contender('b')]
    await a.lease.ask()
    await vi.waitUntil(async () => (await redis.exists(KEYS.lease)) === 0, { timeout: 10_000 })
    await b.lease.ask()
    await a.lease.ask()
    expect(b.told).toEqual(['new 2'])
    expect(a.told).toEqual(['new 1', 'lost'])
  })

  it('goes on with the same token when it ran out and nobody else led', async () => {
    const a = contender('a', { ttl_ms: 50 })
    await a.lease.ask()
    await vi.waitUntil(async () => (await redis.exists(KEYS.lease)) === 0, { timeout: 10_000 })
    await a.lease.ask()
    expect(a.told).toEqual(['new 1'])
    expect(placeOf(a.lease.tokens.get(0))).toBe(1)
  })

  it('begins anew when another worker led and left in between', async () => {
    const [a, b] = [contender('a', { ttl_ms: 50 }), contender('b')]
    await a.lease.ask()
    await vi.waitUntil(async () => (await redis.exists(KEYS.lease)) === 0, { timeout: 10_000 })
    await b.lease.ask()
    await b.lease.release()
    await a.lease.ask()
    expect(a.told).toEqual(['new 1', 'new 3'])
  })

  it('leaves a redis that came back empty to who led, however soon another one asks', async () => {
    const [a, b] = [contender('a'), contender('b', { ttl_ms: 200 })]
    await a.lease.ask()
    await b.lease.ask()
    await redis.flushall()
    await b.lease.ask()
    await b.lease.ask()
    await a.lease.ask()
    expect(a.told).toEqual(['new 1', 'restored 2'])
    expect(b.told).toEqual([])
    // unless it died with it
    await redis.flushall()
    await b.lease.ask()
    await vi.waitUntil(async () => {
      await b.lease.ask()
      return b.told.length > 0
    })
    expect(b.told).toEqual(['new 3'])
  })

  it('never gives a token twice, though redis forgot those before or lost the last', async () => {
    const [a, b, c] = [contender('a'), contender('b'), contender('c')]
    await a.lease.ask()
    await redis.flushall()
    // it has never seen anybody lead
    await b.lease.ask()
    expect(b.told).toEqual(['new 2'])
    await a.lease.ask()
    expect(a.told).toEqual(['new 1', 'lost'])
    // a replica that had not heard of that term yet
    await redis.set(KEYS.fence, String(tokens[0]))
    await redis.del(KEYS.lease)
    await c.lease.ask()
    expect(c.told).toEqual(['new 3'])
  })

  it('goes on from the tokens of a clock that is ahead of this one', async () => {
    const ahead = Date.now() + 86_400_000
    await redis.set(KEYS.fence, ahead)
    const { lease } = contender('a')
    await lease.ask()
    expect(lease.tokens.get(0)).toBe(ahead + 1)
    expect(await redis.get(KEYS.fence)).toBe(String(ahead + 1))
  })

  it('tells when redis came back empty, and its token still grows', async () => {
    const a = contender('a')
    await a.lease.ask()
    await redis.flushall()
    await a.lease.ask()
    expect(a.told).toEqual(['new 1', 'restored 2'])
    expect(await redis.get(KEYS.fence)).toBe(String(tokens[1]))
  })

  it('does not release a lease that is not its own', async () => {
    const [a, b] = [contender('a'), contender('b')]
    await a.lease.ask()
    await b.lease.release()
    expect(await redis.get(KEYS.lease)).toBe('a')
  })

  it('keeps its term while redis is away', async () => {
    const away = connectRedis(server.url, 'command', 'away', silentLog)
    await vi.waitUntil(() => away.status === 'ready')
    const { lease, told } = contender('a', { redis: away })
    await lease.ask()
    away.disconnect()
    await lease.ask()
    expect(told).toEqual(['new 1'])
    expect(placeOf(lease.tokens.get(0))).toBe(1)
  })

  it('is left after an outage to whoever held it, for he has what happened meanwhile', async () => {
    const own = await startRedis()
    const connect = async (name: string) => {
      const one = connectRedis(own.url, 'command', name, silentLog)
      await vi.waitUntil(() => one.status === 'ready')
      return one
    }
    const ttl_ms = 400
    const [first, second] = [await connect('a'), await connect('b')]
    const a = contender('a', { redis: first, ttl_ms })
    const b = contender('b', { redis: second, ttl_ms })
    await a.lease.ask()
    await b.lease.ask()
    await own.stop()
    await b.lease.ask()
    const back = await startRedis({ port: own.port })
    try {
      await vi.waitUntil(() => first.status === 'ready' && second.status === 'ready')
      await b.lease.ask()
      expect(b.told).toEqual([])
      await a.lease.ask()
      expect(a.told).toEqual(['new 1', 'restored 2'])
      // but not for ever: he may have died in it
      await a.lease.release()
      await vi.waitUntil(async () => {
        await b.lease.ask()
        return b.told.length > 0
      })
      expect(b.told).toEqual(['new 3'])
    } finally {
      await b.lease.release()
      first.disconnect()
      second.disconnect()
      await back.stop()
    }
  })

  it('that was given back is taken at once, also soon after an outage', async () => {
    const own = await startRedis()
    const [first, second] = ['a', 'b'].map((name) =>
      connectRedis(own.url, 'command', name, silentLog),
    )
    const a = contender('a', { redis: first! })
    const b = contender('b', { redis: second! })
    const ready = () => first!.status === 'ready' && second!.status === 'ready'
    await vi.waitUntil(ready)
    await a.lease.ask()
    await own.stop()
    await b.lease.ask()
    const back = await startRedis({ port: own.port })
    try {
      await vi.waitUntil(ready)
      await a.lease.ask()
      await b.lease.ask()
      expect(b.told).toEqual([])
      await a.lease.release()
      await b.lease.ask()
      expect(b.told).toEqual(['new 3'])
      await b.lease.release()
      expect(await second!.exists(KEYS.lease)).toBe(0)
    } finally {
      first!.disconnect()
      second!.disconnect()
      await back.stop()
    }
  })

  it('renews by itself and lets a standby in after release', async () => {
    const make = (worker_id: string) => {
      const lease = new Lease({
        redis,
        clock: systemClock,
        worker_id,
        shard_count: 1,
        readiness: () => 100,
        log: silentLog,
        ttl_ms: 400,
        every_ms: 50,
        onLead: () => {},
        onLose: () => {},
        onExcess: () => {},
      })
      leases.push(lease)
      return lease
    }
    const [a, b] = [make('a'), make('b')]
    a.start()
    await vi.waitUntil(() => a.tokens.size > 0)
    const first = Number(a.tokens.get(0))
    b.start()
    const first_ttl_end = Date.now() + 1_000
    await vi.waitUntil(() => Date.now() > first_ttl_end, { timeout: 5_000 })
    expect([a.tokens.get(0), b.tokens.get(0)]).toEqual([first, undefined])
    expect([a.has_successor, b.has_successor]).toEqual([true, true])
    await a.release()
    await vi.waitUntil(() => Number(b.tokens.get(0)) > first, { timeout: 5_000 })
    await vi.waitUntil(() => !b.has_successor, { timeout: 5_000 })
  })

  it('is not for a worker that sees less than another, and moves to one that sees far more', async () => {
    let [of_a, of_b] = [95, 0]
    const a = contender('a', { readiness: () => of_a })
    const b = contender('b', { readiness: () => of_b })
    await b.lease.ask()
    expect(b.told).toEqual(['new 1'])
    await a.lease.ask()
    await b.lease.ask()
    expect(b.told).toEqual(['new 1', 'excess 0'])
    await b.lease.give(0)
    await b.lease.ask()
    expect(b.told).toHaveLength(2)
    await a.lease.ask()
    expect(a.told).toEqual(['new 2'])
    // a little less is no reason
    ;[of_a, of_b] = [80, 100]
    await b.lease.ask()
    await a.lease.ask()
    expect(a.told).toEqual(['new 2'])
  })
})

describe('several shards', () => {
  const shard_count = 4
  const led = (one: { lease: Lease }) => [...one.lease.tokens.keys()]

  it('are shared out, move when a worker joins, and go on when one leaves', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id) => contender(id, { shard_count }))
    const turn = async (...present: ReturnType<typeof contender>[]) => {
      for (const one of present) {
        await one.lease.ask()
        for (const told of one.told.splice(0)) {
          const shard = /^excess (\d)/.exec(told)?.[1]
          if (shard !== undefined) await one.lease.give(Number(shard))
        }
      }
    }
    await turn(a!)
    expect(led(a!)).toEqual([0, 1, 2, 3])
    for (let i = 0; i < 4; i++) await turn(a!, b!)
    expect([led(a!), led(b!)]).toEqual([
      [0, 1],
      [2, 3],
    ])
    for (let i = 0; i < 4; i++) await turn(a!, b!, c!)
    const counts = [a!, b!, c!].map((one) => led(one).length)
    expect(counts.toSorted()).toEqual([1, 1, 2])
    expect([a!, b!, c!].flatMap(led).toSorted()).toEqual([0, 1, 2, 3])
    const stays = led(b!)
    await a!.lease.release()
    for (let i = 0; i < 3; i++) await turn(b!, c!)
    expect([...led(b!), ...led(c!)].toSorted()).toEqual([0, 1, 2, 3])
    expect(led(b!)).toEqual(expect.arrayContaining(stays))
    expect(led(b!)).toHaveLength(2)
  })

  it('leave one worker more than there are shards as a standby, which takes what falls free', async () => {
    const [a, b, spare] = ['a', 'b', 'spare'].map((id) => contender(id, { shard_count: 2 }))
    // all are known before anybody leads for long
    for (let i = 0; i < 3; i++) {
      for (const one of [a!, b!, spare!]) {
        await one.lease.ask()
        const excess = one.told.splice(0).find((told) => told.startsWith('excess'))
        if (excess !== undefined) await one.lease.give(Number(excess.at(-1)))
      }
    }
    expect([a!, b!, spare!].map((one) => led(one).length)).toEqual([1, 1, 0])
    const [left] = led(a!)
    await a!.lease.release()
    await b!.lease.ask()
    await spare!.lease.ask()
    expect(led(b!)).toHaveLength(1)
    expect(led(spare!)).toEqual([left])
  })

  it('are not led by workers that disagree how many there are', async () => {
    const one = contender('one')
    const four = contender('four', { shard_count })
    await one.lease.ask()
    await four.lease.ask()
    expect([led(one), led(four)]).toEqual([[0], []])
    await one.lease.ask()
    expect(one.told).toEqual(['new 1'])
    await one.lease.release()
    await redis.del(KEYS.shards)
    await four.lease.ask()
    expect(led(four)).toEqual([0, 1, 2, 3])
  })
})
