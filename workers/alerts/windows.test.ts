/** The windows of min_interval_ms on a real Redis: every step may be repeated by another worker. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import type { Event } from '../../shared/event.ts'
import { detected, exchangeStatus, opportunity, updated } from '../publish/testing.ts'
import type { Endpoint } from './endpoint.ts'
import type { Message } from './message.ts'
import { chainOf, createWindows, type Verdict, type Windows } from './windows.ts'

const INTERVAL_MS = 60_000
const endpoint = { id: 'wh_a', min_interval_ms: INTERVAL_MS } as Endpoint

let server: RedisServer
let redis: Redis
let windows: Windows

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.url)
  windows = createWindows(redis)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
beforeEach(() => redis.flushall())

const message = (id: string): Message => ({ id, type: 'x', timestamp: 't', body: `body ${id}` })
const offer = (id: string, chain = 'c') => windows.offer(endpoint, chain, message(id))
const take = (until_ms: number) => windows.take(endpoint, 'c', until_ms)

function endOf(verdict: Verdict): number {
  if (verdict.kind !== 'wait') throw new Error(verdict.kind)
  return verdict.until_ms
}

describe('a window', () => {
  it('opens with the first, keeps the newest of the others, and ends with it', async () => {
    expect(await offer('9-0')).toEqual({ kind: 'send' })
    const end_ms = endOf(await offer('10-0'))
    expect(end_ms).toBeGreaterThan(Date.now() + INTERVAL_MS / 2)
    // out of order, and by number instead of by text
    for (const id of ['10-2', '10-10', '10-9']) expect(endOf(await offer(id))).toBe(end_ms)
    expect(await take(end_ms)).toEqual(message('10-10'))
    // the next window is open
    expect(endOf(await offer('11-0'))).toBeGreaterThanOrEqual(end_ms)
  })

  it('says the same of the same event, whoever asks again', async () => {
    await offer('1-0')
    const end_ms = endOf(await offer('2-0'))
    expect(await offer('1-0')).toEqual({ kind: 'send' })
    expect(endOf(await offer('2-0'))).toBe(end_ms)
    expect(await take(end_ms)).toEqual(message('2-0'))
    expect(await take(end_ms)).toEqual(message('2-0'))
    expect(await offer('2-0')).toEqual({ kind: 'send' })
    expect(await offer('1-0')).toEqual({ kind: 'superseded' })
  })

  it('whose end nobody saw still gives its newest state, and no event overtakes it', async () => {
    const short = { ...endpoint, min_interval_ms: 1 }
    await windows.offer(short, 'c', message('1-0'))
    await redis.hset('arb:alert-window:wh_a:c', 'newest', '2-0', 'message', '{}')
    const end_ms = endOf(await windows.offer(short, 'c', message('3-0')))
    expect(await windows.take(short, 'c', end_ms)).toEqual(message('3-0'))
  })

  it('without anything new gives nothing, and lets the next one through', async () => {
    const short = { ...endpoint, min_interval_ms: 1 }
    await windows.offer(short, 'c', message('1-0'))
    expect(await take(Date.now())).toBeNull()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await windows.offer(short, 'c', message('2-0'))).toEqual({ kind: 'send' })
  })

  it('belongs to one chain of one endpoint, and is forgotten in the end', async () => {
    await offer('1-0')
    expect(await offer('2-0', 'other')).toEqual({ kind: 'send' })
    const other = { ...endpoint, id: 'wh_b' }
    expect(await windows.offer(other, 'c', message('2-0'))).toEqual({ kind: 'send' })
    for (const key of await redis.keys('arb:alert-window:*')) {
      expect(await redis.pttl(key)).toBeGreaterThan(INTERVAL_MS)
    }
  })
})

describe('chainOf', () => {
  const as = (draft: ReturnType<typeof detected>) => ({ ...draft, id: '1-0' }) as Event
  const legs = opportunity('a').legs

  it('is the same for as long as the same legs go on', () => {
    expect(chainOf(as(updated('b', '2')))).toBe(chainOf(as(detected('a'))))
  })

  it('tells other legs, other sides and other kinds apart', () => {
    const changes = [
      { legs: [...legs].reverse() },
      { legs: [legs[0]!, { ...legs[1]!, market: 'X' }] },
      { legs: [legs[0]!, { ...legs[1]!, side: 'buy' as const }] },
      { type: 'triangular' as const },
    ]
    const chains = changes.map((change) => {
      return chainOf(as({ ...detected('a'), data: opportunity('a', change) } as never))
    })
    chains.push(chainOf(as(detected('a'))), chainOf(as(exchangeStatus('kraken', true))))
    expect(new Set(chains).size).toBe(6)
  })
})
