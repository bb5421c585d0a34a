import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Draft } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { eventually } from '../testing/check.ts'
import { opportunity } from '../testing/opportunities.ts'
import { StreamReader } from '../testing/reader.ts'
import { publish, type Stack, setLive, startStack } from '../testing/stack.ts'

let stack: Stack
const readers: StreamReader[] = []
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
afterEach(() => {
  for (const reader of readers.splice(0)) reader.leave()
})

async function open(query = '', last_event_id = ''): Promise<StreamReader> {
  const headers: Record<string, string> =
    last_event_id === '' ? {} : { 'last-event-id': last_event_id }
  const reader = await StreamReader.open(`${stack.url}/v1/stream${query}`, headers)
  readers.push(reader)
  await reader.begun()
  return reader
}

let count = 0
function send(symbol = 'BTC/USDT'): Promise<string> {
  const id = `opp_${String(count++).padStart(26, '0')}`
  const data = opportunity({ id, symbol })
  const draft: Draft = { type: 'opportunity.detected', timestamp: data.detected_at, data }
  return publish(stack.redis, draft)
}
const ids = (reader: StreamReader) => reader.events().map(({ id }) => id)

async function subscribers(): Promise<number> {
  const [, number] = (await stack.redis.pubsub('NUMSUB', KEYS.channel)) as [string, number]
  return Number(number)
}

it('reads Redis once for all its readers, and each gets what it asked for', async () => {
  const all = await open()
  const some = await Promise.all(Array.from({ length: 20 }, () => open('?symbol=ETH/USDT')))
  const sent = [await send(), await send('ETH/USDT'), await send(), await send('ETH/USDT')]
  await all.saw(sent[3]!)
  expect(ids(all)).toEqual(sent)
  for (const one of some) {
    await one.saw(sent[3]!)
    expect(ids(one)).toEqual([sent[1], sent[3]])
  }
  expect(await subscribers()).toBe(1)
})

it('costs Redis nothing more for readers that come back to what it remembers', async () => {
  const first = await open()
  const sent = [await send(), await send(), await send()]
  await first.saw(sent[2]!)
  const before = await commands()
  const again = await Promise.all(Array.from({ length: 30 }, () => open('', sent[0]!)))
  for (const one of again) await one.saw(sent[2]!)
  for (const one of again) expect(ids(one)).toEqual(sent.slice(1))
  expect((await commands()) - before).toBeLessThan(10)
})

it('loses and repeats nothing while 40 readers are cut off at random', async () => {
  const start = await send()
  const sent: string[] = []
  let publishing = true
  const publisher = (async () => {
    while (publishing) {
      for (let i = 0; i < 10; i++) sent.push(await send())
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })()
  const follow = async (number: number): Promise<string[]> => {
    const seen: string[] = []
    let last = start
    for (let turn = 0; turn < 6; turn++) {
      const reader = await open('', last)
      await eventually(() => expect(ids(reader).length).toBeGreaterThan((number * 7 + turn) % 40))
      reader.leave()
      seen.push(...ids(reader))
      last = reader.last_event_id
    }
    return seen
  }
  const all = await Promise.all(Array.from({ length: 40 }, (_, i) => follow(i)))
  publishing = false
  await publisher
  for (const seen of all) expect(seen).toEqual(sent.slice(0, seen.length))
}, 90_000)

it('goes on after the way to Redis was cut, and serves those who come meanwhile', async () => {
  const reader = await open()
  const before = await send()
  await reader.saw(before)
  await stack.closeUpstash()
  const during = [await send(), await send()]
  const late = await open('', before)
  await stack.openUpstash()
  const after = await send()
  await reader.saw(after)
  await late.saw(after)
  expect(ids(reader).slice(ids(reader).indexOf(before))).toEqual([before, ...during, after])
  expect(ids(late)).toEqual([...during, after])
})

it('tells a reader whose place is unknown everything that is live', async () => {
  const first = await open()
  await first.saw(await send())
  await setLive(stack.redis, [opportunity({ id: 'opp_a' })])
  const gone = await open('', '99999999999999-0')
  await eventually(() => expect(gone.resets()).toMatchObject([[{ id: 'opp_a' }]]))
  const next = await send()
  await gone.saw(next)
  expect(ids(gone)).toEqual([next])
})

it('stops reading Redis a while after its last reader has left', async () => {
  const reader = await open()
  await reader.saw(await send())
  expect(await subscribers()).toBe(1)
  for (const one of readers.splice(0)) one.leave()
  await eventually(async () => {
    await send()
    expect(await subscribers()).toBe(0)
  }, 60_000)
}, 90_000)

async function commands(): Promise<number> {
  const stats = await stack.redis.info('stats')
  return Number(/total_commands_processed:(\d+)/.exec(stats)?.[1])
}
