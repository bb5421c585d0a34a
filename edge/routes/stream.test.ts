import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Draft } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { eventually, fetchProblem } from '../testing/check.ts'
import { exchangeStatus, expired, opportunity } from '../testing/opportunities.ts'
import { StreamReader } from '../testing/reader.ts'
import { publish, type Stack, setLive, startStack } from '../testing/stack.ts'

let stack: Stack
const readers: StreamReader[] = []
beforeAll(async () => {
  stack = await startStack({ STREAM_HUBS: 'none' })
})
afterAll(() => stack?.stop())
beforeEach(async () => {
  await stack.redis.del(KEYS.events, KEYS.live)
})
afterEach(() => {
  for (const reader of readers.splice(0)) reader.leave()
})

async function open(query = '', headers: Record<string, string> = {}): Promise<StreamReader> {
  const reader = await StreamReader.open(`${stack.url}/v1/stream${query}`, headers)
  readers.push(reader)
  if (reader.response.status === 200) await reader.begun()
  return reader
}

const timestamp = '2026-10-01T00:00:00.000Z'
const detected = (changes: Parameters<typeof opportunity>[0] = {}): Draft => ({
  type: 'opportunity.detected',
  timestamp,
  data: opportunity(changes),
})
const numbered = (i: number) => detected({ id: `opp_${String(i).padStart(26, '0')}` })
const send = (draft: Draft) => publish(stack.redis, draft)
async function sendMany(count: number, first = 0): Promise<string[]> {
  const ids: string[] = []
  for (let i = first; i < first + count; i++) ids.push(await send(numbered(i)))
  return ids
}
const ids = (reader: StreamReader) => reader.events().map(({ id }) => id)

// First in this file: it counts subscriptions, and filtered readers of other tests linger a while.
it('holds one subscription a reader, and lets go of it when the next event cannot be written', async () => {
  const are = (count: number) =>
    eventually(async () => {
      await sendMany(1)
      expect(await subscribers()).toBe(count)
    })
  await are(0)
  const [one, other] = [await open(), await open()]
  await are(2)
  one.leave()
  await are(1)
  other.leave()
  await are(0)
})

describe('a new reader', () => {
  it('gets a stream that no proxy may change, and a time to wait before coming back', async () => {
    const reader = await open()
    const { headers } = reader.response
    expect(headers.get('content-type')).toBe('text/event-stream')
    expect(headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(headers.get('content-encoding')).toBeNull()
    expect(headers.get('etag')).toBeNull()
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(reader.retry_ms).toBe(3_000)
  })

  it('gets what happens from now on, as the same object that was published', async () => {
    await sendMany(3)
    const reader = await open()
    const draft = detected({ id: 'opp_now', symbol: '币安人生/USDT' })
    const id = await send(draft)
    await reader.saw(id)
    expect(reader.events()).toEqual([{ id, ...draft }])
  })

  it('knows its place before the first event, so that it loses nothing when cut off early', async () => {
    const [, last] = await sendMany(2)
    const reader = await open()
    expect(reader.last_event_id).toBe(last)
    reader.leave()
    const missed = await sendMany(3, 10)
    const again = await open('', { 'last-event-id': reader.last_event_id })
    await again.saw(missed.at(-1)!)
    expect(ids(again)).toEqual(missed)
  })

  it('may come while nothing was ever published', async () => {
    const reader = await open()
    const sent = await sendMany(2)
    await reader.saw(sent[1]!)
    expect(ids(reader)).toEqual(sent)
    expect(reader.resets()).toEqual([])
  })
})

describe('a reader that comes back', () => {
  it.each(['header', 'parameter'])('continues after its last event (%s)', async (way) => {
    const sent = await sendMany(700)
    const from = sent[99]!
    const reader = await (way === 'header'
      ? open('', { 'last-event-id': from })
      : open(`?last_event_id=${from}`))
    await reader.saw(sent.at(-1)!)
    const live = await sendMany(5, 1_000)
    await reader.saw(live.at(-1)!)
    expect(ids(reader)).toEqual([...sent.slice(100), ...live])
  })

  it('loses and repeats nothing while events keep coming and it is cut off again and again', async () => {
    const sent: string[] = await sendMany(1)
    let publishing = true
    const publisher = (async () => {
      for (let i = 1; publishing; i++) {
        sent.push(await send(numbered(i)))
        await new Promise((resolve) => setTimeout(resolve, 3))
      }
    })()
    const seen: string[] = []
    let last = sent[0]!
    for (let turn = 0; turn < 12; turn++) {
      const reader = await open('', { 'last-event-id': last })
      await eventually(() => expect(ids(reader).length).toBeGreaterThan(15 * (turn % 3)))
      reader.leave()
      seen.push(...ids(reader))
      last = reader.last_event_id
    }
    publishing = false
    await publisher
    const reader = await open('', { 'last-event-id': last })
    const end = await send(numbered(99_999))
    sent.push(end)
    await reader.saw(end)
    seen.push(...ids(reader))
    expect(seen).toEqual(sent.slice(1))
  })

  it('gets everything that is live, once, when its event is no longer kept', async () => {
    const sent = await sendMany(5)
    await stack.redis.xtrim(KEYS.events, 'MAXLEN', 2)
    await setLive(stack.redis, [opportunity({ id: 'opp_a' }), opportunity({ id: 'opp_b' })])
    const reader = await open('', { 'last-event-id': sent[1]! })
    await expect.poll(() => reader.resets().length).toBe(1) // a place of its own before the next one
    const next = await send(numbered(9))
    await reader.saw(next)
    expect(reader.frames.map(({ event }) => event)).toEqual(['reset', 'opportunity.detected'])
    expect(
      reader
        .resets()[0]
        ?.map(({ id }) => id)
        .sort(),
    ).toEqual(['opp_a', 'opp_b'])
    expect(reader.frames[0]?.id).toBe(sent[4])
  })

  it('gets a reset when the stream was lost and began anew', async () => {
    await sendMany(1)
    const reader = await open('', { 'last-event-id': '99999999999999-0' })
    await eventually(() => expect(reader.resets()).toEqual([[]]))
    await stack.redis.del(KEYS.events)
    const other = await open('', { 'last-event-id': '1700000000000-0' })
    await eventually(() => expect(other.resets()).toEqual([[]]))
    expect(other.last_event_id).toBe('0-0')
  })

  it('keeps its place when only the oldest events before it are gone', async () => {
    const sent = await sendMany(5)
    await stack.redis.xtrim(KEYS.events, 'MAXLEN', 2)
    const reader = await open('', { 'last-event-id': sent[3]! })
    await reader.saw(sent[4]!)
    expect(ids(reader)).toEqual([sent[4]])
  })

  it('skips an entry that is not an event', async () => {
    const sent = await sendMany(1)
    await stack.redis.xadd(KEYS.events, '*', 'type', 'opportunity.detected', 'data', '{')
    await stack.redis.publish(KEYS.channel, 'rubbish')
    const reader = await open('', { 'last-event-id': sent[0]! })
    await stack.redis.publish(KEYS.channel, '{"id":"9-9"}')
    const next = await sendMany(1, 5)
    await reader.saw(next[0]!)
    expect(ids(reader)).toEqual(next)
  })
})

describe('when the way to Redis breaks', () => {
  it('goes on by itself, without loss or repeat', async () => {
    const reader = await open()
    const before = await sendMany(3)
    await reader.saw(before.at(-1)!)
    await stack.closeUpstash()
    const during = await sendMany(3, 10)
    await stack.openUpstash()
    await reader.saw(during.at(-1)!)
    const after = await sendMany(3, 20)
    await reader.saw(after.at(-1)!)
    expect(ids(reader)).toEqual([...before, ...during, ...after])
  })

  it('refuses a new reader with a problem that names the store', async () => {
    await stack.closeUpstash()
    const problem = await fetchProblem(`${stack.url}/v1/stream`)
    await stack.openUpstash()
    expect(problem.status).toBe(503)
    expect(problem.detail).toMatch(/^redis/)
  })
})

describe('filters', () => {
  const status = (id: string): Draft => ({
    type: 'exchange.status',
    timestamp,
    data: exchangeStatus({ id }),
  })

  /** An event that passes whatever the query asks for. */
  function passing(query: URLSearchParams): Draft {
    const { types, symbol = 'BTC/USDT', ...asked } = Object.fromEntries(query)
    const figures = { profit_percent: '99', peak_profit_percent: '99', volume_usd: '99999' }
    const changes = { id: 'opp_end', symbol: symbol.toUpperCase(), ...asked, ...figures }
    return types?.startsWith('opportunity.expired') === true
      ? { type: 'opportunity.expired', timestamp, data: expired(changes) }
      : detected(changes)
  }

  it.each([
    ['type=cross_exchange', [0, 1, 2, 4]],
    ['symbol=eth/usdt', [1, 4]],
    ['exchange=kraken', [0, 3, 5]],
    ['buy_exchange=bybit', [1, 2]],
    ['sell_exchange=kraken', [3]],
    ['min_profit_percent=0.6', [1, 4]],
    ['min_volume_usd=2000.5', [2, 4]],
    ['transfer=open', [3, 4]],
    ['types=opportunity.detected', [0, 1, 2, 3]],
    ['types=opportunity.expired,exchange.status', [4, 5]],
    ['symbol=ETH/USDT&min_profit_percent=1', [4]],
    ['symbol=ETH/USDT&types=opportunity.expired,exchange.status', [4, 5]],
  ])('%s', async (query, wanted) => {
    const drafts: Draft[] = [
      detected({ id: 'opp_0' }),
      detected({
        ...{ id: 'opp_1', symbol: 'ETH/USDT', buy_exchange: 'bybit' },
        ...{ profit_percent: '0.60', peak_profit_percent: '0.60' },
      }),
      detected({ id: 'opp_2', buy_exchange: 'bybit', volume_usd: '2000.50' }),
      detected({
        ...{ id: 'opp_3', type: 'triangular', transfer: 'open' },
        ...{ buy_exchange: 'binance', sell_exchange: 'kraken' },
      }),
      {
        type: 'opportunity.expired',
        timestamp,
        data: expired({
          ...{ id: 'opp_4', symbol: 'ETH/USDT', transfer: 'open', buy_exchange: 'coinbase' },
          ...{ profit_percent: '1.5', peak_profit_percent: '1.5', volume_usd: '5000' },
        }),
      },
      status('kraken'),
    ]
    const reader = await open(`?${query}`)
    const sent: string[] = []
    for (const draft of drafts) sent.push(await send(draft))
    const marker = await send(passing(new URLSearchParams(query)))
    await reader.saw(marker)
    expect(ids(reader).slice(0, -1)).toEqual(wanted.map((i) => sent[i]))
  })

  it('refuses what it does not know, each by name', async () => {
    const problem = await fetchProblem(
      `${stack.url}/v1/stream?types=opportunity.detected,nope&last_event_id=abc&limit=5`,
    )
    expect(problem.errors?.map(({ field, value }) => [field, value]).sort()).toEqual([
      ['last_event_id', 'abc'],
      ['limit', '5'],
      ['types', 'opportunity.detected,nope'],
    ])
    const header = await fetchProblem(`${stack.url}/v1/stream`, {
      headers: { 'last-event-id': 'abc' },
    })
    expect(header.errors).toMatchObject([{ field: 'last-event-id', value: 'abc' }])
  })
})

it('sends a heartbeat within 15 s, which also moves a reader past what it did not want', async () => {
  const reader = await open('?types=exchange.status')
  const sent = await sendMany(2)
  await eventually(() => expect(reader.comments).toContain('heartbeat'), 20_000)
  expect(reader.frames).toEqual([])
  expect(reader.last_event_id).toBe(sent[1])
}, 30_000)

it('lets go, within two heartbeats, of a reader who left and to whom nothing else was written', async () => {
  const reader = await open('?types=exchange.status')
  await eventually(async () => expect(await subscribers()).toBeGreaterThan(0))
  reader.leave()
  await eventually(async () => {
    await sendMany(1)
    expect(await subscribers()).toBe(0)
  }, 45_000)
}, 60_000)

async function subscribers(): Promise<number> {
  const [, count] = (await stack.redis.pubsub('NUMSUB', KEYS.channel)) as [string, number]
  return Number(count)
}
