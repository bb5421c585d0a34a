/** What an operator does to an exchange, as each protocol shows it to its clients. */
import { describe, expect, it } from 'vitest'
import { binanceServer } from './binance.ts'
import { simulatedBinance } from './binance-streams.ts'
import { bybitServer } from './bybit.ts'
import { simulatedBybit } from './bybit-books.ts'
import { coinbaseServer } from './coinbase.ts'
import { simulatedCoinbase } from './coinbase-books.ts'
import { krakenServer } from './kraken.ts'
import { simulatedKraken } from './kraken-books.ts'
import { Operations } from './operations.ts'
import { ChurningSource, Client, get, market, serve, until } from './testing.ts'

describe('Binance', () => {
  async function start() {
    const source = new ChurningSource([
      market('binance', 'BTC', 'USDT'),
      market('binance', 'ETH', 'USDT'),
    ])
    const operations = new Operations()
    const { rest_url } = await serve(binanceServer(simulatedBinance(source, operations)))
    return { operations, ask: async (path: string) => (await get(rest_url + path)).body }
  }

  it('says BREAK for a halted symbol alone', async () => {
    const { operations, ask } = await start()
    operations.setHalted('ETH/USDT', true)
    const statuses = async () =>
      ((await ask('/api/v3/exchangeInfo')).symbols as { status: string }[]).map((s) => s.status)
    expect(await statuses()).toEqual(['TRADING', 'BREAK'])
    operations.setHalted('ETH/USDT', false)
    expect(await statuses()).toEqual(['TRADING', 'TRADING'])
  })

  it('leaves a halted symbol out of the prices of those that trade', async () => {
    const { operations, ask } = await start()
    const prices = async (query: string) => ask(`/api/v3/ticker/price?${query}`)
    const [btc, eth] = [{ symbol: 'BTCUSDT' }, { symbol: 'ETHUSDT' }]
    expect(await prices('symbolStatus=TRADING')).toMatchObject([btc, eth])
    operations.setHalted('ETH/USDT', true)
    expect(await prices('symbolStatus=TRADING')).toMatchObject([btc])
    expect(await prices('symbolStatus=BREAK')).toMatchObject([eth])
    expect(await prices('')).toMatchObject([btc, eth])
    expect(await prices('symbol=ETHUSDT&symbolStatus=TRADING')).toMatchObject({ code: -1220 })
    expect(await prices('symbol=XUSDT')).toMatchObject({ code: -1121 })
    const { price } = (await prices('symbol=BTCUSDT')) as unknown as { price: string }
    expect(Number(price)).toBeGreaterThan(0)
  })

  it('says that its system is in maintenance', async () => {
    const { operations, ask } = await start()
    expect(await ask('/sapi/v1/system/status')).toEqual({ status: 0, msg: 'normal' })
    operations.setMaintenance(true)
    expect(await ask('/sapi/v1/system/status')).toEqual({ status: 1, msg: 'system_maintenance' })
  })
})

describe('Bybit', () => {
  async function start() {
    const source = new ChurningSource([market('bybit', 'BTC', 'USDT')])
    const operations = new Operations()
    const served = await serve(bybitServer(simulatedBybit(source, operations)))
    const ask = async (path: string) => (await get(served.rest_url + path)).body.result
    return { operations, ask, websocket_url: served.websocket_url }
  }

  it('lists a halted symbol with another status', async () => {
    const { operations, ask } = await start()
    operations.setHalted('BTC/USDT', true)
    const list = await ask('/v5/market/instruments-info?category=spot')
    expect(list).toMatchObject({ list: [{ symbol: 'BTCUSDT', status: 'Closed' }] })
  })

  it('announces maintenance by REST and on its status stream, and that it is over', async () => {
    const { operations, ask, websocket_url } = await start()
    const status_url = websocket_url.replace('/v5/public/spot', '/v5/public/misc/status')
    const client = await Client.connect(status_url)
    client.send({ op: 'subscribe', args: ['orderbook.50.BTCUSDT'] })
    expect(await client.first({ op: 'subscribe' })).toMatchObject({ success: false })
    client.send({ op: 'subscribe', args: ['system.status'], req_id: 'two' })
    expect(await client.first({ req_id: 'two' })).toMatchObject({ success: true })
    expect(await ask('/v5/system/status')).toEqual({ list: [] })
    operations.setMaintenance(true)
    const [told] = await until(() => {
      const frames = client.having({ topic: 'system.status' })
      return frames.length === 1 && frames
    })
    expect(told?.data).toMatchObject([{ state: 'ongoing', product: [2] }])
    expect(await ask('/v5/system/status')).toEqual({ list: told?.data })
    operations.setMaintenance(false)
    const frames = await until(() => {
      const all = client.having({ topic: 'system.status' })
      return all.length === 2 && all
    })
    expect(frames[1]?.data).toMatchObject([{ state: 'completed' }])
    expect(await ask('/v5/system/status')).toEqual({ list: frames[1]?.data })
    operations.setMaintenance(true)
    expect(await ask('/v5/system/status')).toMatchObject({
      list: [{ state: 'ongoing' }, { state: 'completed' }],
    })
  })
})

describe('Coinbase', () => {
  async function start() {
    const source = new ChurningSource([market('coinbase', 'BTC', 'USD')])
    const operations = new Operations()
    const { exchange } = simulatedCoinbase(source, operations)
    const { websocket_url, rest_url } = await serve(coinbaseServer(exchange))
    const client = await Client.connect(websocket_url)
    client.send({ type: 'subscribe', channels: ['status'] })
    await client.first({ type: 'status' })
    const statuses = (count: number) =>
      until(() => {
        const frames = client.having({ type: 'status' })
        return frames.length === count && frames
      })
    return { operations, rest_url, statuses }
  }

  it('tells of a halt on the status channel at once, and by REST', async () => {
    const { operations, rest_url, statuses } = await start()
    operations.setHalted('BTC/USD', true)
    const [, halted] = await statuses(2)
    expect(halted).toMatchObject({ products: [{ id: 'BTC-USD', trading_disabled: true }] })
    const { body } = await get(`${rest_url}/products/BTC-USD`)
    expect(body).toMatchObject({ trading_disabled: true })
    operations.setHalted('BTC/USD', false)
    const [, , open] = await statuses(3)
    expect(open).toMatchObject({ products: [{ trading_disabled: false, cancel_only: false }] })
  })

  it('matches nothing in maintenance, and its REST is unavailable', async () => {
    const { operations, rest_url, statuses } = await start()
    operations.setMaintenance(true)
    const [, told] = await statuses(2)
    expect(told).toMatchObject({ products: [{ cancel_only: true }] })
    expect((await get(`${rest_url}/products`)).status).toBe(503)
    operations.setMaintenance(false)
    expect((await get(`${rest_url}/products`)).status).toBe(200)
  })
})

describe('Kraken', () => {
  async function start() {
    const source = new ChurningSource([
      market('kraken', 'BTC', 'USD'),
      market('kraken', 'ETH', 'USD'),
    ])
    const operations = new Operations()
    const served = await serve(krakenServer(simulatedKraken(source, operations)))
    const client = await Client.connect(served.websocket_url)
    await client.first({ channel: 'status' })
    return { operations, client, ...served }
  }

  it('updates the pair on the instrument channel, for those who asked', async () => {
    const { operations, client, rest_url, websocket_url } = await start()
    const other = await Client.connect(websocket_url)
    client.send({ method: 'subscribe', params: { channel: 'instrument' } })
    await client.first({ channel: 'instrument', type: 'snapshot' })
    operations.setHalted('ETH/USD', true)
    const { data } = await client.first({ channel: 'instrument', type: 'update' })
    expect(data).toMatchObject({ pairs: [{ symbol: 'ETH/USD', status: 'cancel_only' }] })
    const { body } = await get(`${rest_url}/0/public/AssetPairs?pair=XETHZUSD`)
    expect(body.result).toMatchObject({ XETHZUSD: { status: 'cancel_only' } })
    other.send({ method: 'ping' })
    await other.first({ method: 'pong' })
    expect(other.having({ channel: 'instrument' })).toEqual([])
  })

  it('tells every client of maintenance, also those that come while it lasts', async () => {
    const { operations, client, rest_url, websocket_url } = await start()
    operations.setMaintenance(true)
    const systems = (frames: readonly { data?: unknown }[]) =>
      frames.map(({ data }) => (data as { system: string }[])[0]?.system)
    await until(() => client.having({ channel: 'status' }).length === 2)
    expect(systems(client.having({ channel: 'status' }))).toEqual(['online', 'maintenance'])
    const late = await Client.connect(websocket_url)
    expect(systems([await late.first({ channel: 'status' })])).toEqual(['maintenance'])
    const { body } = await get(`${rest_url}/0/public/SystemStatus`)
    expect(body.result).toMatchObject({ status: 'maintenance' })
  })
})

it('cuts off every stream of a door that is shut, refuses new ones, and opens it again', async () => {
  const source = new ChurningSource([market('kraken', 'BTC', 'USD')])
  const operations = new Operations()
  const served = await serve(krakenServer(simulatedKraken(source, operations)))
  const client = await Client.connect(served.websocket_url)
  operations.setRefusing(true)
  await until(() => client.close_code !== undefined)
  await expect(Client.connect(served.websocket_url)).rejects.toThrow('503')
  expect((await get(`${served.rest_url}/0/public/Time`)).status).toBe(200)
  operations.setRefusing(false)
  await Client.connect(served.websocket_url)
})
