import type { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../shared/clock.ts'
import { type Event, eventFromStream, isLastWord } from '../shared/event.ts'
import { KEYS, shardKey } from '../shared/keys.ts'
import { silentLog } from '../shared/log.ts'
import { Books } from './book/books.ts'
import type { Candidate, NearMiss, Verdict } from './detection/candidate.ts'
import { createIds } from './lifecycle/id.ts'
import { Tracker } from './lifecycle/tracker.ts'
import { Pipeline } from './pipeline.ts'
import { readLiveSet } from './publish/live-set.ts'
import { Publisher } from './publish/stream.ts'
import { exchangeStatus, opportunity } from './publish/testing.ts'
import { useRedis } from './publish/testing-redis.ts'
import { shardOf } from './shards.ts'
import { Term } from './term.ts'

let redis: Redis

useRedis('command', (connected) => {
  redis = connected
})
beforeEach(async () => {
  await redis.set(KEYS.fence, 1)
})

function candidate(key: string, profit_percent = '0.9210', coin = 'BTC'): Candidate {
  const {
    id: _id,
    status: _status,
    detected_at: _detected,
    updated_at: _updated,
    expired_at: _expired,
    duration_ms: _duration,
    expiry_reason: _reason,
    peak_profit_percent: _peak,
    markouts: _markouts,
    ...figures
  } = opportunity('x')
  // the same gap has the same legs
  const symbol = `${coin}/USDT`
  const legs = figures.legs.map((leg) => ({ ...leg, symbol, market: key }))
  return { ...figures, key, symbol, legs, profit_percent }
}

/** A worker whose detector says what the test says: `now` holds, `changed` is news. */
function worker(shard_count = 1) {
  const now = new Map<string, Candidate>()
  let changed: Verdict[] = []
  /** what a guard held back since the last look, and what of it was told */
  const refused: NearMiss[] = []
  const refusals: NearMiss[] = []
  const desk = (shard: number) => {
    const publisher = new Publisher({
      redis,
      shard,
      clock: systemClock,
      log: silentLog,
      relieve: async () => 0,
      onFenced: () => {},
      onPublished: () => {},
    })
    const term = new Term({
      tracker: new Tracker({
        clock: systemClock,
        newId: createIds(Math.random),
        measure: () => '0.5000',
        min_percent: 0.5,
      }),
      publisher,
      clock: systemClock,
      log: silentLog,
      readLive: () => readLiveSet(redis, silentLog),
    })
    stops.push(() => publisher.resign())
    return { publisher, term }
  }
  const state = { is_late: false }
  const desks = Array.from({ length: shard_count }, (_, shard) => desk(shard))
  const { publisher, term } = desks[0]!
  const look = () =>
    state.is_late ? [] : [...now.values()].map((one): Verdict => ({ kind: 'open', candidate: one }))
  const pipeline = new Pipeline({
    books: new Books(),
    detector: {
      takeNearMisses: () => refused.splice(0),
      run: () => changed.splice(0),
      recheck: look,
      survey: look,
      has_more: false,
      get is_surveyed() {
        return !state.is_late
      },
    },
    terms: desks.map((one) => one.term),
    clock: systemClock,
    onSignal: () => {},
    onNearMisses: (refused) => refusals.push(...refused),
  })
  return {
    pipeline,
    term,
    state,
    /** the end of the process, with another worker there to go on or without */
    end(has_successor = false) {
      pipeline.end()
      term.end(has_successor)
    },
    publisher,
    refusals,
    refuse(key: string) {
      const { legs: _legs, ...figures } = candidate(key)
      const why = 'the books are 700 ms apart, limit 500 ms'
      refused.push({ ...figures, guard: 'skew', why, net_percent: '0.7000', legs: [] })
      pipeline.round()
      expect(refused).toEqual([])
    },
    open(key: string, profit_percent?: string, coin?: string) {
      const one = candidate(key, profit_percent, coin)
      now.set(key, one)
      changed = [{ kind: 'open', candidate: one }]
      pipeline.round()
    },
    close(key: string) {
      now.delete(key)
      changed = [{ kind: 'closed', key, reason: 'closed' }]
      pipeline.round()
    },
  }
}

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

async function told(): Promise<Event[]> {
  const entries = await redis.xrange(KEYS.events, '-', '+')
  return entries.map(([id, [, type, , timestamp, , data]]) =>
    eventFromStream(id, { type: type!, timestamp: timestamp!, data: data! }),
  )
}

/** Without the markouts, which come when their time has come. */
async function events(): Promise<Event[]> {
  return (await told()).filter(({ type }) => type !== 'opportunity.measured')
}

async function seen(): Promise<string[]> {
  return (await events()).map(({ type, data }) => {
    const reason = 'expiry_reason' in data ? data.expiry_reason : null
    return reason === null ? type : `${type} ${reason}`
  })
}

const has = (count: number) =>
  vi.waitUntil(async () => (await events()).length === count, { timeout: 10_000 })

describe('a leader', () => {
  it('publishes the life of an opportunity and what else is to be told', async () => {
    const { pipeline, open, close, publisher } = worker()
    pipeline.lead(0, 1, 'new')
    await vi.waitUntil(async () => {
      pipeline.announce([exchangeStatus('kraken', true)])
      return (await redis.xlen(KEYS.events)) > 0
    })
    await redis.del(KEYS.events)
    open('one')
    close('one')
    await publisher.flush(10_000)
    expect(await seen()).toEqual(['opportunity.detected', 'opportunity.expired closed'])
    expect(await redis.hlen(KEYS.live)).toBe(0)
  })

  it('ends what a former leader left, and announces what it sees itself', async () => {
    const left = opportunity('left')
    await redis.hset(KEYS.live, left.id, JSON.stringify(left), 'opp_broken', '{"id":1}')
    const { pipeline, open } = worker()
    open('mine')
    pipeline.lead(0, 1, 'new')
    await has(2)
    const [orphan, own] = await events()
    expect(orphan).toMatchObject({
      type: 'opportunity.expired',
      data: { id: left.id, status: 'expired', expiry_reason: 'disconnected' },
    })
    const { expired_at, duration_ms } = orphan!.data as ReturnType<typeof opportunity>
    expect(Date.parse(expired_at!) - Date.parse(left.detected_at)).toBe(duration_ms)
    expect(own).toMatchObject({ type: 'opportunity.detected' })
    expect(await redis.hkeys(KEYS.live)).toEqual([own!.data.id])
  })

  it('does not end what a former leader left while its own loop is late and nobody can tell', async () => {
    const left = opportunity('left')
    await redis.hset(KEYS.live, left.id, JSON.stringify(left))
    const { pipeline, term, state, open } = worker()
    state.is_late = true
    pipeline.lead(0, 1, 'new')
    await term.taken
    pipeline.recheck()
    open('mine')
    await has(1)
    expect(await seen()).toEqual(['opportunity.detected'])
    expect(await redis.hexists(KEYS.live, left.id)).toBe(1)
    state.is_late = false
    pipeline.recheck()
    await has(2)
    expect(await seen()).toEqual(['opportunity.detected', 'opportunity.expired disconnected'])
  })

  it('does not end its own opportunities as orphans', async () => {
    const { pipeline, open, publisher } = worker()
    pipeline.lead(0, 1, 'new')
    for (let i = 0; i < 20; i++) open(`k${i}`)
    await has(20)
    await publisher.flush(10_000)
    expect(new Set(await seen())).toEqual(new Set(['opportunity.detected']))
    expect(await redis.hlen(KEYS.live)).toBe(20)
  })

  it('ends everything at shutdown, and takes no more', async () => {
    const { pipeline, open, end, publisher } = worker()
    pipeline.lead(0, 1, 'new')
    open('one')
    open('two')
    await has(2)
    end()
    open('three')
    pipeline.recheck()
    expect(await publisher.flush(10_000)).toBe(true)
    expect((await seen()).slice(2)).toEqual([
      'opportunity.expired shutdown',
      'opportunity.expired shutdown',
    ])
    expect(await redis.hlen(KEYS.live)).toBe(0)
  })

  it('writes the live set again when redis lost it, under the same ids', async () => {
    const { pipeline, open } = worker()
    pipeline.lead(0, 1, 'new')
    open('one')
    await has(1)
    const before = await redis.hkeys(KEYS.live)
    await redis.flushall()
    await redis.set(KEYS.fence, 2)
    pipeline.lead(0, 2, 'restored')
    await has(1)
    expect(await redis.hkeys(KEYS.live)).toEqual(before)
    expect(await seen()).toEqual(['opportunity.updated'])
  })
})

describe('markouts', () => {
  const measured = async () =>
    (await told()).filter(({ type }) => type === 'opportunity.measured').map(({ data }) => data)
  const untilMeasured = (count: number) =>
    vi.waitUntil(async () => (await measured()).length === count, { timeout: 10_000 })

  it('are published by time alone, and bring nothing back that has ended', async () => {
    const { pipeline, open, close } = worker()
    pipeline.lead(0, 1, 'new')
    open('short')
    open('long')
    await has(2)
    close('short')
    await untilMeasured(2)
    expect(await measured()).toMatchObject([{ status: 'expired' }, { status: 'detected' }])
    const live = await redis.hgetall(KEYS.live)
    const [long, ...others] = Object.values(live).map((text) => JSON.parse(text))
    expect(others).toEqual([])
    expect(long).toMatchObject({ id: (await measured())[1]!.id })
    expect(long.markouts).toHaveLength(5)
    close('long')
    await has(4)
    expect(await redis.hlen(KEYS.live)).toBe(0)
  })

  it('that a dead leader did not take stay unknown', async () => {
    const taken = [{ after_ms: 50, profit_percent: '0.4000' }]
    const left = opportunity('left', { markouts: taken })
    await redis.hset(KEYS.live, left.id, JSON.stringify(left))
    const { pipeline } = worker()
    pipeline.lead(0, 1, 'new')
    await untilMeasured(1)
    const [one] = (await measured()) as [ReturnType<typeof opportunity>]
    expect(one).toMatchObject({ id: left.id, status: 'expired', expiry_reason: 'disconnected' })
    expect(one.markouts.map(({ profit_percent }) => profit_percent)).toEqual([
      '0.4000',
      null,
      null,
      null,
      null,
    ])
    expect(await redis.hlen(KEYS.live)).toBe(0)
  })

  it('are told at shutdown as far as they are known, and no more afterwards', async () => {
    const { pipeline, open, end, publisher } = worker()
    pipeline.lead(0, 1, 'new')
    open('one')
    await has(1)
    end()
    await publisher.flush(10_000)
    await untilMeasured(1)
    expect((await told()).at(-1)?.type).toBe('opportunity.measured')
  })
})

it('tells what the guards refuse only while it leads', async () => {
  const { pipeline, term, refuse, refusals, open } = worker()
  refuse('early')
  pipeline.lead(0, 1, 'new')
  await vi.waitUntil(async () => {
    open('one')
    return (await events()).length > 0
  })
  refuse('seen')
  term.lose()
  refuse('late')
  expect(refusals.map(({ key, guard }) => [key, guard])).toEqual([['seen', 'skew']])
})

describe('a standby', () => {
  it('tells nobody', async () => {
    const { pipeline, open, end, publisher } = worker()
    open('one')
    pipeline.recheck()
    pipeline.announce([exchangeStatus('kraken', true)])
    end()
    expect(await publisher.flush(1_000)).toBe(true)
    expect(await redis.exists(KEYS.events, KEYS.live)).toBe(0)
  })

  it('goes on with a gap that lives, ends what is gone first, and tells what is new', async () => {
    const [first, second] = [worker(), worker()]
    first.pipeline.lead(0, 1, 'new')
    first.open('lives')
    first.open('gone')
    second.open('lives')
    second.open('new')
    await has(2)
    await redis.set(KEYS.fence, 2)
    second.pipeline.lead(0, 2, 'new')
    await has(4)
    first.open('late')
    first.term.lose()
    first.close('lives')
    first.open('later')
    second.close('lives')
    await second.publisher.flush(5_000)
    const [lives, gone, ended, own, closed] = await events()
    expect(await seen()).toEqual([
      'opportunity.detected',
      'opportunity.detected',
      'opportunity.expired disconnected',
      'opportunity.detected',
      'opportunity.expired closed',
    ])
    expect(ended!.data.id).toBe(gone!.data.id)
    expect(closed!.data.id).toBe(lives!.data.id)
    expect(closed!.data).toMatchObject({ detected_at: opportunityOf(lives!).detected_at })
    expect(await redis.hkeys(KEYS.live)).toEqual([own!.data.id])
  })

  it('updates what it goes on with, keeps its peak, and leaves markouts that nobody took unknown', async () => {
    const [first, second] = [worker(), worker()]
    first.pipeline.lead(0, 1, 'new')
    first.open('gap', '2.0000')
    second.open('gap', '1.5000')
    await has(1)
    await redis.set(KEYS.fence, 2)
    second.pipeline.lead(0, 2, 'new')
    await vi.waitUntil(async () => (await told()).length === 2, { timeout: 10_000 })
    const [detected, measured] = (await told()).map(opportunityOf)
    expect(measured).toMatchObject({
      id: detected!.id,
      status: 'detected',
      profit_percent: '1.5000',
      peak_profit_percent: '2.0000',
    })
    expect(measured!.markouts.map(({ profit_percent }) => profit_percent)).toContain(null)
    second.open('gap', '2.5000')
    second.close('gap')
    await has(2)
    const expired = opportunityOf((await events())[1]!)
    expect(expired).toMatchObject({ id: detected!.id, peak_profit_percent: '2.5000' })
    const lived_ms = Date.parse(expired.expired_at!) - Date.parse(detected!.detected_at)
    expect(Math.abs(expired.duration_ms! - lived_ms)).toBeLessThan(50)
  })

  it('gets what is open from a leader that ends in order, and nobody hears of it', async () => {
    const [first, second] = [worker(), worker()]
    first.pipeline.lead(0, 1, 'new')
    first.open('gap')
    second.open('gap')
    await has(1)
    first.end(true)
    expect(await first.publisher.flush(5_000)).toBe(true)
    await redis.set(KEYS.fence, 2)
    second.pipeline.lead(0, 2, 'new')
    await vi.waitUntil(() => second.term.is_leading)
    second.close('gap')
    await has(2)
    expect(await seen()).toEqual(['opportunity.detected', 'opportunity.expired closed'])
  })

  it.each(['that ends', 'that hands on'])(
    'gets nothing of what has ended from a leader %s, who says the last word on it himself',
    async (how) => {
      const { pipeline, publisher, term, open, close, end } = worker()
      pipeline.lead(0, 1, 'new')
      await vi.waitUntil(() => term.is_leading)
      open('ended')
      close('ended')
      open('goes on')
      if (how === 'that ends') end(true)
      else term.handOn()
      expect(await publisher.flush(5_000)).toBe(true)
      const last = (await told()).at(-1)!
      expect(last.type).toBe('opportunity.measured')
      expect(isLastWord(last)).toBe(true)
      expect(opportunityOf(last).id).toBe(opportunityOf((await told())[0]!).id)
      expect((await told()).filter(isLastWord)).toHaveLength(1)
    },
  )

  it('ends one of two that tell the same gap', async () => {
    const { pipeline, open } = worker()
    const [one, other] = ['one', 'other'].map((id) =>
      opportunity(id, { legs: candidate('x').legs }),
    )
    await redis.hset(KEYS.live, one!.id, JSON.stringify(one), other!.id, JSON.stringify(other))
    open('x')
    pipeline.lead(0, 1, 'new')
    await has(1)
    expect(await seen()).toEqual(['opportunity.expired disconnected'])
    expect(await redis.hlen(KEYS.live)).toBe(1)
  })

  it('goes on under the same id when it leads again after another worker did', async () => {
    const { pipeline, term, open, close } = worker()
    pipeline.lead(0, 1, 'new')
    open('gap')
    await has(1)
    term.lose()
    await redis.set(KEYS.fence, 3)
    pipeline.lead(0, 3, 'new')
    await vi.waitUntil(() => term.is_leading)
    close('gap')
    await has(2)
    expect(await seen()).toEqual(['opportunity.detected', 'opportunity.expired closed'])
    expect(new Set((await events()).map(({ data }) => data.id)).size).toBe(1)
  })
})

describe('several shards', () => {
  it('have each its own fence, and a chain is told by its own leader alone', async () => {
    const shard_of = (key: string) => shardOf(candidate(key, undefined, key).legs, 2)
    const coins = ['AAA', 'BBB', 'CCC', 'DDD', 'EEE', 'FFF']
    const [mine, others] = [coins.find((c) => shard_of(c) === 1)!, coins.find((c) => !shard_of(c))!]
    const { pipeline, open } = worker(2)
    await redis.set(shardKey('fence', 1), 7)
    pipeline.lead(1, 7, 'new')
    await vi.waitUntil(async () => {
      open(others, undefined, others)
      open(mine, undefined, mine)
      return (await events()).length > 0
    })
    await redis.set(KEYS.fence, 9)
    open(others, undefined, others)
    await has(1)
    expect((await events()).map(({ data }) => opportunityOf({ data }).symbol)).toEqual([
      `${mine}/USDT`,
    ])
    expect(await redis.get(shardKey('published', 1))).toBe('7 1')
    expect(await redis.exists(KEYS.published)).toBe(0)
  })
})

const opportunityOf = ({ data }: Pick<Event, 'data'>) => data as ReturnType<typeof opportunity>
