import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { expired, opportunity } from '../edge/testing/opportunities.ts'
import { insertHistory, publish, type Stack, setLive, startStack } from '../edge/testing/stack.ts'
import { KEYS } from '../shared/keys.ts'
import { type Client, createClient, type Message, Refused } from './index.ts'

describe('against the edge itself', () => {
  let stack: Stack
  let client: Client
  beforeAll(async () => {
    stack = await startStack()
    client = createClient({ url: stack.url })
  })
  afterAll(() => stack?.stop())

  const numbered = (i: number) => `opp_${String(i).padStart(26, '0')}`
  function send(i: number): Promise<string> {
    const data = opportunity({ id: numbered(i) })
    return publish(stack.redis, { type: 'opportunity.detected', timestamp: data.detected_at, data })
  }

  it('lists what is live by typed filters', async () => {
    const [one, two] = [
      opportunity({ id: 'opp_a' }),
      opportunity({ id: 'opp_b', symbol: 'ETH/USDT' }),
    ]
    await setLive(stack.redis, [one, two])
    expect(await client.opportunities({ symbol: 'ETH/USDT', type: undefined, limit: 5 })).toEqual([
      two,
    ])
    expect(await client.opportunity('opp_a')).toEqual(one)
    expect(await client.opportunity('opp_none')).toBeNull()
  })

  it('walks through history over all its pages', async () => {
    const all = Array.from({ length: 25 }, (_, i) => {
      const detected_at = new Date(Date.parse('2026-10-01T00:00:00Z') + i).toISOString()
      return expired({ id: numbered(i), detected_at })
    })
    await insertHistory(stack.pool, all)
    const seen: string[] = []
    for await (const { id } of client.history({ limit: 4 })) seen.push(id)
    expect(seen).toEqual(all.map(({ id }) => id).reverse())
    const csv = await new Response(await client.historyCsv({ symbol: 'BTC/USDT' })).text()
    expect(csv.split('\r\n')).toHaveLength(1 + 25 + 1)
  })

  it('sums up the past and lists markets, spreads and near-misses', async () => {
    const from = '2026-10-01T00:00:00.000Z'
    const query = { from, to: '2026-10-02T00:00:00.000Z', by: ['symbol', 'hour'] as const }
    const { data, total } = await client.stats(query)
    expect(total?.count).toBe(25)
    expect(data).toMatchObject([{ symbol: 'BTC/USDT', hour: from, buy_exchange: null }])
    expect(await client.markets({ exchange: 'kraken' })).toEqual([])
    expect(await client.spreads()).toEqual([])
    expect(await client.nearMisses({ guard: 'stale' })).toEqual([])
  })

  it('says what is wrong with a request, by field', async () => {
    const error = await client
      .opportunities({ min_profit_percent: 'much' })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Refused)
    expect(error).toMatchObject({ status: 400, problem: { type: '/problems/invalid_request' } })
    expect(String(error)).toMatch(/min_profit_percent \("much"\): a decimal number/)
  })

  it('tells the health also when it is bad', async () => {
    expect((await client.health()).status).toBe('down')
  })

  it('streams on through cuts, without loss or repeat, until it is left', async () => {
    await stack.redis.del(KEYS.events)
    const sent = [await send(0)]
    const got: Message[] = []
    const reading = (async () => {
      const stream = client.stream({ types: ['opportunity.detected'] }, { last_event_id: sent[0]! })
      for await (const message of stream) if (got.push(message) === 60) break
    })()
    for (let i = 1; i <= 60; i++) {
      sent.push(await send(i))
      if (i % 20 !== 0) continue
      await stack.closeUpstash()
      sent.push(await send(1_000 + i))
      await stack.openUpstash()
    }
    await reading
    expect(got.map((message) => (message.type === 'reset' ? null : message.id))).toEqual(
      sent.slice(1, 61),
    )
  })

  it('ends the stream with its signal, and refuses a wrong one instead of asking for ever', async () => {
    const controller = new AbortController()
    const stream = client.stream({}, { signal: controller.signal })
    const next = stream.next()
    controller.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    await expect(client.stream({ symbol: 'BTC' }).next()).rejects.toThrow(/symbol \("BTC"\)/)
  })
})

describe('with a server that misbehaves', () => {
  let server: Server
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })
  async function answering(listener: RequestListener): Promise<Client> {
    server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return createClient({ url: `http://127.0.0.1:${port}`, key: 'arb_key', random: () => 0 })
  }

  it('asks a busy server again, and sends the key each time', async () => {
    const keys: (string | undefined)[] = []
    const client = await answering((request, response) => {
      keys.push(request.headers.authorization)
      if (keys.length < 3) response.writeHead(keys.length === 1 ? 503 : 429).end()
      else response.end('{"data":[]}')
    })
    expect(await client.opportunities()).toEqual([])
    expect(keys).toEqual(Array.from({ length: 3 }, () => 'Bearer arb_key'))
  })

  it('does not wait longer than a caller would', async () => {
    const client = await answering((_request, response) =>
      response.writeHead(429, { 'retry-after': '120' }).end(),
    )
    await expect(client.exchanges()).rejects.toMatchObject({ status: 429, retry_after_ms: 120_000 })
  })

  it('refuses an answer that is not ours', async () => {
    const client = await answering((_request, response) => response.end('{"hello":1}'))
    await expect(client.opportunities()).rejects.toThrow(/did not answer with a list/)
    await expect(client.health()).rejects.toBeInstanceOf(Refused)
  })

  it('reads no further ahead than its reader', async () => {
    let written = 0
    const client = await answering((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const write = () => {
        if (response.destroyed || written >= 200_000) return
        const data = JSON.stringify({ id: `${++written}-0`, data: { filler: 'x'.repeat(2_000) } })
        const room = response.write(
          `id: ${written}-0\nevent: opportunity.detected\ndata: ${data}\n\n`,
        )
        if (room) setImmediate(write)
        else response.once('drain', write)
      }
      write()
    })
    const stream = client.stream()
    await stream.next()
    const pause = async () => {
      const before = written
      await new Promise((resolve) => setTimeout(resolve, 200))
      return written - before
    }
    await expect.poll(pause, { timeout: 20_000 }).toBe(0)
    expect(written).toBeLessThan(200_000)
    await stream.return()
  })
})
