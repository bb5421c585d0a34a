import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { KEYS } from '../../shared/keys.ts'
import { fetchProblem } from '../testing/check.ts'
import { exchangeStatus } from '../testing/opportunities.ts'
import { type Stack, startStack } from '../testing/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
beforeEach(async () => {
  await stack.redis.del(KEYS.exchanges)
})

const at = (path: string) => `${stack.url}/v1/exchanges${path}`
const kraken = exchangeStatus()
const binance = exchangeStatus({ id: 'binance', name: 'Binance', messages_per_second: 0 })

it('lists every exchange in the order of the ids', async () => {
  await stack.redis.hset(KEYS.exchanges, {
    kraken: JSON.stringify(kraken),
    broken: '{"id":"broken"}',
    binance: JSON.stringify(binance),
  })
  const response = await fetch(at(''))
  expect(response.headers.get('cache-control')).toBe('public, max-age=1, stale-while-revalidate=5')
  expect(await response.json()).toEqual({ data: [binance, kraken] })
})

it('shows one', async () => {
  await stack.redis.hset(KEYS.exchanges, 'kraken', JSON.stringify(kraken))
  expect(await (await fetch(at('/kraken'))).json()).toEqual(kraken)
})

it('is empty before any worker ran', async () => {
  expect(await (await fetch(at(''))).json()).toEqual({ data: [] })
})

it.each(['/okx', '/constructor', '/__proto__', '/KRAKEN'])(
  'says that there is no %s',
  async (path) => {
    expect((await fetchProblem(at(path))).status).toBe(404)
  },
)

it('names the store when it is away', async () => {
  await stack.closeUpstash()
  const problems = [await fetchProblem(at('')), await fetchProblem(at('/kraken'))]
  await stack.openUpstash()
  for (const { status, detail } of problems) {
    expect(status).toBe(503)
    expect(detail).toMatch(/^redis/)
  }
})
