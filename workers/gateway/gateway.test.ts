import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import type { Draft } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { exchangeStatus, opportunity } from '../publish/testing.ts'
import {
  add,
  addKey,
  Client,
  publish,
  type Running,
  refusal,
  type Stores,
  startGateway,
  startStores,
} from './testing.ts'

const PATIENCE = { timeout: 20_000, interval: 10 }
let stores: Stores
let one: Running
let two: Running
const stops: (() => unknown)[] = []

beforeAll(async () => {
  stores = await startStores()
  one = await startGateway(stores)
  two = await startGateway(stores)
})
afterAll(async () => {
  await one.stop()
  await two.stop()
  await stores.stop()
})
beforeEach(async () => {
  await stores.redis.del(KEYS.live)
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function open(
  auth: object = {},
  at: { url: string } = one,
  options: object = {},
): Promise<Client> {
  const client = new Client(at.url, auth, options)
  stops.push(() => client.leave())
  return client.connected()
}
const saw = (client: Client, id: string) => vi.waitUntil(() => client.ids().includes(id), PATIENCE)

describe('a socket', () => {
  it('gets the events of the stream as they are, and only those it asked for', async () => {
    const all = await open()
    const some = await open({ filters: { symbol: 'eth/usdt', min_profit_percent: '0.5' } }, two)
    const ends = await open({ types: ['exchange.status'] })
    const btc = await publish(stores.redis)
    const eth = await publish(stores.redis, { symbol: 'ETH/USDT' })
    const low = await publish(stores.redis, { symbol: 'ETH/USDT', profit_percent: '0.4' })
    const status = await add(stores.redis, exchangeStatus('kraken', true))
    await saw(all, status)
    await saw(ends, status)
    await saw(some, eth)
    expect(all.ids()).toEqual([btc, eth, low, status])
    expect(some.ids()).toEqual([eth])
    expect(ends.ids()).toEqual([status])
    const [entry] = await stores.redis.xrange(KEYS.events, btc, btc)
    const [, type, , timestamp, , data] = entry![1]
    expect(all.events[0]).toEqual({ id: btc, type, timestamp, data: JSON.parse(data!) })
  })

  it('is told where it begins and what it asked for', async () => {
    const client = new Client(one.url, { filters: { symbol: 'btc/usdt' } })
    stops.push(() => client.leave())
    const told = new Promise((resolve) => client.socket.once('subscribed', resolve))
    expect(await told).toEqual({
      id: expect.stringMatching(/^\d+-\d+$/),
      filters: { symbol: 'BTC/USDT' },
      types: null,
    })
  })

  it('may ask for something else later, from where it stands', async () => {
    const client = await open({ filters: { symbol: 'XRP/USDT' } })
    const witness = await open()
    const before = await publish(stores.redis)
    await saw(witness, before)
    const answer = await client.socket.emitWithAck('subscribe', { filters: { symbol: 'BTC/USDT' } })
    expect(answer).toEqual({ ok: true, id: expect.stringMatching(/^\d+-\d+$/) })
    const after = await publish(stores.redis)
    await saw(client, after)
    expect(client.ids()).toEqual([after])
    await client.socket.emitWithAck('subscribe', { last_event_id: before })
    await vi.waitUntil(() => client.ids().length === 2, PATIENCE)
    expect(client.ids()).toEqual([after, after])
  })

  it('is told what is wrong with what it says', async () => {
    const client = await open()
    expect(
      await client.socket.emitWithAck('subscribe', { filters: { symbl: 'BTC/USDT' } }),
    ).toEqual({
      ok: false,
      problem: expect.objectContaining({
        status: 400,
        detail: 'filters.symbl is not valid',
        errors: [{ field: 'filters.symbl', value: 'BTC/USDT', expected: 'no such field here' }],
      }),
    })
    expect((await client.socket.emitWithAck('subscribe', 'everything')).ok).toBe(false)
    client.socket.emit('hello', { a: 1 })
    await vi.waitUntil(() => client.problems.length === 1, PATIENCE)
    expect(client.problems[0]?.errors).toEqual([
      { field: 'event', value: 'hello', expected: 'subscribe' },
    ])
    for (let i = 0; i < 30; i++) client.socket.emit('subscribe', {})
    await vi.waitUntil(() => client.problems.length > 1, PATIENCE)
    expect(client.problems[1]?.status).toBe(429)
    const id = await publish(stores.redis)
    await saw(client, id)
  })
})

describe('a handshake', () => {
  it.each([
    [
      { filters: { symbol: 'BTCUSDT' } },
      'filters.symbol',
      'BTCUSDT',
      'BASE/QUOTE, such as BTC/USDT',
    ],
    [{ filters: { type: 'magic' } }, 'filters.type', 'magic', /^one of cross_exchange, /],
    [{ filters: { min_profit_percent: 0.5 } }, 'filters.min_profit_percent', 0.5, /string/],
    [{ types: ['opportunity.lost'] }, 'types.0', 'opportunity.lost', /^one of opportunity\./],
    [{ types: [] }, 'types', [], /^one or more of /],
    [{ last_event_id: 'yesterday' }, 'last_event_id', 'yesterday', /stream id/],
    [{ last_event_id: `${'9'.repeat(30)}-0` }, 'last_event_id', `${'9'.repeat(30)}-0`, /stream id/],
    [{ symbol: 'BTC/USDT' }, 'symbol', 'BTC/USDT', 'no such field here'],
    [{ token: 'x'.repeat(600) }, 'token', null, /^an API key/],
  ])('that is not valid is refused: %o', async (auth, field, value, expected) => {
    const { status, type, errors } = await refusal(one.url, auth)
    expect({ status, type }).toEqual({ status: 400, type: '/problems/invalid_request' })
    const [error] = errors ?? []
    expect(error).toMatchObject({ field, value })
    expect(error?.expected).toMatch(expected)
  })

  it('needs a key with the scope read where reading is not public', async () => {
    const closed = await startGateway(stores, {
      limits: { public_read: false, anonymous_streams: 5, key_streams: 20 },
    })
    stops.push(() => closed.stop())
    expect(await refusal(closed.url, {})).toMatchObject({ status: 401 })
    const { token } = await addKey(stores)
    const client = await open({ token }, closed)
    await saw(client, await publish(stores.redis))
    const unscoped = await addKey(stores, { scopes: ['webhooks'] })
    expect(await refusal(closed.url, { token: unscoped.token })).toMatchObject({ status: 403 })
    const stranger = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`
    const refused = await refusal(closed.url, { token: stranger })
    expect(refused).toMatchObject({ status: 401 })
    expect(JSON.stringify(refused)).not.toContain(stranger)
  })

  it('is limited by address when the keys are wrong', async () => {
    const guarded = await startGateway(stores)
    stops.push(() => guarded.stop())
    const { token } = await addKey(stores)
    const known = await addKey(stores)
    await open({ token: known.token }, guarded)
    for (let i = 0; i < 20; i++) {
      expect(await refusal(guarded.url, { token: `arb_${i}` })).toMatchObject({ status: 401 })
    }
    expect(await refusal(guarded.url, { token: 'arb_x' })).toMatchObject({ status: 429 })
    expect(await refusal(guarded.url, { token })).toMatchObject({ status: 429 })
    // neither those who need no key nor a key that was good before is shut out by a neighbour
    expect((await open({}, guarded)).socket.connected).toBe(true)
    expect((await open({ token: known.token }, guarded)).socket.connected).toBe(true)
  })

  it('goes over WebSocket only', async () => {
    const answer = await fetch(`${one.url}/socket.io/?EIO=4&transport=polling`)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(await (await fetch(one.url)).text()).toBe('beside')
  })
})

describe('the streams of a key', () => {
  it('are counted over all workers, and one that ended makes room', async () => {
    const { token } = await addKey(stores, { streams: 2 })
    const first = await open({ token }, one)
    await open({ token }, two)
    const refused = await refusal(two.url, { token })
    expect(refused).toMatchObject({ status: 429, detail: expect.stringContaining('at most 2') })
    expect(await refusal(one.url, { token })).toMatchObject({ status: 429 })
    first.leave()
    await vi.waitFor(() => open({ token }, two), PATIENCE)
  })
})

describe('a key that is revoked', () => {
  it('loses its sockets on every worker, whichever sees it', async () => {
    const watching = await startGateway(stores, { recheck_every_ms: 50 })
    const blind = await startGateway(stores, { recheck_every_ms: 3_600_000 })
    stops.push(
      () => watching.stop(),
      () => blind.stop(),
    )
    const { id, token } = await addKey(stores)
    const other = await open({ token: (await addKey(stores)).token }, blind)
    const here = await open({ token }, watching)
    const there = await open({ token }, blind)
    await stores.pool.query('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [id])
    await vi.waitUntil(() => here.ends.length + there.ends.length === 2, PATIENCE)
    expect([here.ends, there.ends]).toEqual([['io server disconnect'], ['io server disconnect']])
    expect(here.problems).toMatchObject([{ status: 401 }])
    expect(other.socket.connected).toBe(true)
    expect(await refusal(watching.url, { token })).toMatchObject({ status: 401 })
  })
})

describe('a socket that comes back', () => {
  it('loses and repeats nothing, however often and wherever it is cut off', async () => {
    const symbols = ['BTC/USDT', 'ETH/USDT', 'SOL/USDT', 'XRP/USDT']
    const sent: { id: string; symbol: string }[] = []
    const start = await publish(stores.redis, { symbol: 'DOGE/USDT' })
    let is_publishing = true
    const publishing = (async () => {
      while (is_publishing) {
        for (const symbol of symbols)
          sent.push({ id: await publish(stores.redis, { symbol }), symbol })
        await new Promise((resolve) => setTimeout(resolve, 8))
      }
    })()
    const followers = Array.from({ length: 100 }, async (_, number) => {
      const symbol = symbols[number % symbols.length]!
      const seen: string[] = []
      let last_event_id = start
      for (let turn = 0; turn < 5; turn++) {
        const auth = { filters: { symbol }, last_event_id }
        const client = new Client(((number + turn) % 2 === 0 ? one : two).url, auth)
        await client.connected()
        const enough = ((number * 7 + turn * 13) % 12) + 1
        await vi.waitUntil(() => client.events.length >= enough, PATIENCE)
        if (number % 3 === 0) client.socket.io.engine.close()
        else client.leave()
        seen.push(...client.ids())
        last_event_id = client.ids().at(-1) ?? last_event_id
      }
      return { symbol, seen }
    })
    const all = await Promise.all(followers)
    is_publishing = false
    await publishing
    for (const { symbol, seen } of all) {
      const expected = sent.filter((each) => each.symbol === symbol).map(({ id }) => id)
      expect(seen.length).toBeGreaterThan(4)
      expect(seen).toEqual(expected.slice(0, seen.length))
    }
  }, 60_000)

  it('by itself, as the client does it, goes on where it was', async () => {
    const client: Client = new Client(
      one.url,
      {},
      {
        ...{ reconnection: true, reconnectionDelay: 1, reconnectionDelayMax: 5 },
        auth: (give: (auth: object) => void) => give({ last_event_id: client?.position ?? null }),
      },
    )
    stops.push(() => client.leave())
    await client.connected()
    const sent: string[] = []
    for (let turn = 0; turn < 5; turn++) {
      sent.push(await publish(stores.redis))
      await saw(client, sent.at(-1)!)
      client.socket.io.engine.close()
      sent.push(await publish(stores.redis))
    }
    await saw(client, sent.at(-1)!)
    expect(client.ids()).toEqual(sent)
  })

  it('is told everything that is live where its place is no longer kept', async () => {
    const gone = await publish(stores.redis)
    await stores.redis.xtrim(KEYS.events, 'MAXLEN', 0)
    const kept = await publish(stores.redis)
    const live = opportunity('live', { symbol: 'ETH/USDT' })
    await stores.redis.hset(KEYS.live, live.id, JSON.stringify(live))
    await stores.redis.hset(KEYS.live, 'opp_x', 'nonsense')
    // one that never saw it: the others still remember it
    const late = await startGateway(stores)
    stops.unshift(() => late.stop())
    const client = await open({ last_event_id: gone, filters: { symbol: 'ETH/USDT' } }, late)
    await vi.waitUntil(() => client.resets.length === 1, PATIENCE)
    expect(client.resets).toEqual([{ id: kept, data: [live] }])
    const next = await publish(stores.redis, { symbol: 'ETH/USDT' })
    await saw(client, next)
    expect(client.ids()).toEqual([next])
    const future = await open({ last_event_id: '9999999999999-0' }, late)
    await vi.waitUntil(() => future.resets.length === 1, PATIENCE)
    expect(future.resets[0]?.data).toEqual([live])
  })
})

describe('the way to Redis', () => {
  it('may break, and nothing is lost', async () => {
    const client = await open()
    const sent: string[] = []
    for (let turn = 0; turn < 4; turn++) {
      sent.push(await publish(stores.redis))
      await stores.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      sent.push(await publish(stores.redis))
    }
    await saw(client, sent.at(-1)!)
    expect(client.ids()).toEqual(sent)
  })

  it('may break while events are trimmed, and sockets are told what is live', async () => {
    const client = await open()
    await saw(client, await publish(stores.redis))
    const live = opportunity('survivor')
    await stores.redis
      .multi()
      .call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      .xadd(KEYS.events, '*', 'type', 'x')
      .xtrim(KEYS.events, 'MAXLEN', 0)
      .hset(KEYS.live, live.id, JSON.stringify(live))
      .exec()
    const kept = await publish(stores.redis)
    await vi.waitUntil(() => client.resets.length > 0 || client.ids().includes(kept), PATIENCE)
    expect(client.resets[0]?.data).toEqual([live])
    const next = await publish(stores.redis)
    await saw(client, next)
  })
})

describe('a socket that does not read', () => {
  it('is let go, delays nobody, and goes on where it was', async () => {
    const busy = await startGateway(stores)
    stops.push(() => busy.stop())
    const quick = await open({}, busy)
    const slow = new WebSocket(`ws://127.0.0.1:${busy.port}/socket.io/?EIO=4&transport=websocket`)
    stops.push(() => slow.terminate())
    await new Promise((resolve) => slow.once('message', resolve))
    slow.send('40{}')
    const texts: string[] = []
    slow.on('message', (data) => texts.push(String(data)))
    await vi.waitUntil(() => texts.some((text) => text.includes('subscribed')), PATIENCE)
    slow.pause()
    const { data, ...rest } = exchangeStatus('kraken', true)
    const draft = { ...rest, data: { ...data, reason: 'x'.repeat(12_000) } } as Draft
    const sent: string[] = []
    for (let batch = 0; batch < 36; batch++) {
      const added = Array.from({ length: 100 }, () => add(stores.redis, draft))
      sent.push(...(await Promise.all(added)))
    }
    await saw(quick, sent.at(-1)!)
    expect(quick.ids()).toEqual(sent)
    await vi.waitUntil(() => busy.gateway.slow_total === 1, PATIENCE)
    expect(busy.gateway.sockets).toBe(1)
    slow.resume()
    const seen = () => texts.flatMap((text) => /"id":"(\d+-\d+)","type"/.exec(text)?.[1] ?? [])
    await vi.waitUntil(() => slow.readyState === WebSocket.CLOSED, PATIENCE)
    expect(seen().length).toBeLessThan(sent.length)
    expect(seen()).toEqual(sent.slice(0, seen().length))
    const again = await open({ last_event_id: seen().at(-1) }, busy)
    await saw(again, sent.at(-1)!)
    expect([...seen(), ...again.ids()]).toEqual(sent)
  }, 60_000)
})

describe('the end of a worker', () => {
  it('sends its sockets to another, leaves the HTTP server, and leaves nothing in Redis', async () => {
    const ending = await startGateway(stores)
    const { token } = await addKey(stores, { streams: 1 })
    const client = await open({ token }, ending)
    const names = async () =>
      String(await stores.redis.client('LIST')).match(/name=spreadwire-sockets\S*/g) ?? []
    const before = (await names()).length
    await ending.gateway.close()
    await vi.waitUntil(() => client.ends.length === 1, PATIENCE)
    // a client comes back by itself after this, and only after this
    expect(client.ends).toEqual(['transport close'])
    expect(await (await fetch(ending.url)).text()).toBe('beside')
    await vi.waitUntil(async () => (await names()).length === before - 4, PATIENCE)
    await open({ token }, one)
    await ending.stop()
  })
})
