import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { KEYS } from '../shared/keys.ts'
import { eventually, fetchProblem } from './testing/check.ts'
import { opportunity } from './testing/opportunities.ts'
import { StreamReader } from './testing/reader.ts'
import { publish, type Stack, startStack } from './testing/stack.ts'

let stack: Stack
const readers: StreamReader[] = []
beforeAll(async () => {
  stack = await startStack({ ANONYMOUS_STREAMS: '2' })
})
afterAll(() => stack?.stop())
afterEach(() => {
  for (const reader of readers.splice(0)) reader.leave()
})

const from = (address: string) => ({ 'cf-connecting-ip': address })
const url = () => `${stack.url}/v1/stream`
const leases = async (address: string) =>
  Object.values(await stack.redis.hgetall(KEYS.streams + address)).map((text) => {
    const [count, end_ms] = text.split(' ').map(Number)
    return { count, end_ms }
  })

async function open(address: string): Promise<StreamReader> {
  const reader = await StreamReader.open(url(), from(address))
  readers.push(reader)
  expect(reader.response.status).toBe(200)
  return reader
}

/** A reader that has left is noticed at the next write. */
async function published<T>(look: () => Promise<T>): Promise<T> {
  return eventually(async () => {
    const timestamp = new Date().toISOString()
    await publish(stack.redis, { type: 'opportunity.detected', timestamp, data: opportunity() })
    return look()
  })
}

describe('the streams of one caller', () => {
  it('are limited, and one that ended makes room', async () => {
    const address = '203.0.113.1'
    const first = await open(address)
    const second = await open(address)
    const third = await fetchProblem(url(), { headers: from(address) })
    expect(third.status).toBe(429)
    expect(third.detail).toContain('at most 2')
    expect(Number(third.response.headers.get('retry-after'))).toBeGreaterThan(0)
    await open('203.0.113.2')
    await eventually(async () => expect(await leases(address)).toMatchObject([{ count: 2 }]))
    first.leave()
    await published(() => open(address))
    second.leave()
    for (const reader of readers) reader.leave()
    await published(async () => expect(await leases(address)).toEqual([]))
  })

  it('are counted with those that other isolates hold, until their leases end', async () => {
    const address = '203.0.113.3'
    const key = KEYS.streams + address
    await stack.redis.hset(key, { other: `2 ${Date.now() + 60_000}`, gone: `9 ${Date.now() - 1}` })
    expect((await fetchProblem(url(), { headers: from(address) })).status).toBe(429)
    expect(await stack.redis.hkeys(key)).toEqual(['other'])
    await stack.redis.hset(key, { other: `2 ${Date.now() - 1}` })
    await eventually(() => open(address))
    expect(await leases(address)).toMatchObject([{ count: 1 }])
    expect(await stack.redis.pttl(key)).toBeGreaterThan(0)
  })

  it('are counted with those of others also when several are asked for at one moment', async () => {
    const address = '203.0.113.5'
    await stack.redis.hset(KEYS.streams + address, { other: `2 ${Date.now() + 60_000}` })
    const asked = Array.from({ length: 4 }, () => StreamReader.open(url(), from(address)))
    const opened = await Promise.all(asked)
    readers.push(...opened)
    expect(opened.map(({ response }) => response.status)).toEqual([429, 429, 429, 429])
  })

  it('hold their leases while they live', async () => {
    const address = '203.0.113.4'
    await open(address)
    const end = async () => (await leases(address))[0]?.end_ms ?? 0
    const first_ms = await end()
    await eventually(async () => expect(await end()).toBeGreaterThan(first_ms), 25_000)
    expect(await leases(address)).toMatchObject([{ count: 1 }])
  })
})
