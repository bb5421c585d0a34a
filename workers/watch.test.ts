import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../shared/clock.ts'
import { type Log, silentLog } from '../shared/log.ts'
import { Books } from './book/books.ts'
import { exchanges } from './exchanges/index.ts'
import { startExchanges, type TestExchanges } from './testing.ts'
import { Watch } from './watch.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }

let real: TestExchanges
const stops: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  real = await startExchanges()
  stops.push(() => real.close())
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** Kraken's REST address behind a door that answers `status()` until that is 200. */
async function door(status: () => number): Promise<string> {
  const server: Server = createServer(async (request, response) => {
    if (status() !== 200) return response.writeHead(status()).end()
    const answer = await fetch(`${real.env.KRAKEN_REST_URL}${request.url}`)
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.push(async () => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Options {
  ids?: string[]
  kraken_rest_url?: string
  symbols?: string[]
  log?: Log
}

function watch({ ids = ['bybit', 'kraken'], ...options }: Options = {}): Watch {
  const watched = new Watch({
    exchanges,
    config: {
      exchanges: [
        {
          id: 'bybit',
          websocket_url: real.env.BYBIT_WS_URL!,
          rest_url: real.env.BYBIT_REST_URL!,
        },
        {
          id: 'kraken',
          websocket_url: real.env.KRAKEN_WS_URL!,
          rest_url: options.kraken_rest_url ?? real.env.KRAKEN_REST_URL!,
        },
      ].filter(({ id }) => ids.includes(id)),
      symbols: options.symbols ?? null,
      max_symbols: 10,
    },
    books: new Books(),
    clock: systemClock,
    log: options.log ?? silentLog,
    random: () => 0.1,
  })
  watched.start()
  stops.push(() => watched.stop())
  return watched
}

const live = (watched: Watch) => watched.statuses().map(({ books_live }) => books_live)

describe('Watch', () => {
  it('knows nothing at first, and then every exchange', async () => {
    const watched = watch()
    expect(watched.statuses()).toMatchObject([
      { id: 'bybit', state: 'connecting', connected: false, books_total: 0 },
      { id: 'kraken', state: 'connecting', connected: false, books_total: 0 },
    ])
    expect(watched.isSimulated('bybit')).toBe(false)
    await vi.waitUntil(() => live(watched).join() === '1,2', PATIENCE)
    expect(watched.isSimulated('bybit')).toBe(true)
    expect(watched.isSimulated('nobody')).toBe(false)
  })

  it('starts without an exchange that fails, and lets it join later', async () => {
    let status = 500
    const watched = watch({ kraken_rest_url: await door(() => status) })
    await vi.waitUntil(() => live(watched).join() === '1,0', PATIENCE)
    expect(watched.statuses()[1]).toMatchObject({ state: 'down', books_total: 0 })
    expect(watched.statuses()[1]!.reason).toContain('500')
    status = 200
    await vi.waitUntil(() => live(watched).join() === '1,2', PATIENCE)
  })

  it('tells an exchange that refuses our address from one that is away', async () => {
    const watched = watch({ kraken_rest_url: await door(() => 451) })
    await vi.waitUntil(() => watched.statuses()[1]!.state === 'blocked', PATIENCE)
  })

  it('watches what a quote is worth in dollars although nobody asked for it', async () => {
    const watched = watch({ symbols: ['BTC/USDT'] })
    await vi.waitUntil(() => live(watched).join() === '1,2', PATIENCE)
  })

  it('warns of requested symbols that nobody trades', async () => {
    const warn = vi.fn<Log['warn']>()
    watch({ symbols: ['BTC/USDT', 'BTC/USTD'], log: { ...silentLog, warn } })
    await vi.waitUntil(() => warn.mock.calls.length > 0, PATIENCE)
    expect(warn.mock.calls).toEqual([
      ['no exchange trades these symbols', { symbols: ['BTC/USTD'] }],
    ])
  })

  it('warns of quotes that nobody trades for dollars', async () => {
    const warn = vi.fn<Log['warn']>()
    watch({ ids: ['bybit'], log: { ...silentLog, warn } })
    await vi.waitUntil(() => warn.mock.calls.length > 0, PATIENCE)
    expect(warn.mock.calls[0]?.[1]).toEqual({ quotes: ['USDT'] })
  })
})
