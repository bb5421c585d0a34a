import { afterEach, expect, it } from 'vitest'
import type { Health } from '../../shared/health.ts'
import { silentLog } from '../../shared/log.ts'
import { TestBooks } from '../detection/testing.ts'
import { createBookView } from './books.ts'
import { Operator } from './operator.ts'
import { QueuePage } from './queues.ts'
import { type OpsServer, startOpsServer } from './server.ts'

const TOKEN = 'a-token-of-the-operator'

let server: OpsServer | undefined
afterEach(() => server?.close())

/** One market of Kraken, and the function that asks the operator's server for a path. */
async function serve(admin_token: string | null) {
  const test_books = new TestBooks()
  const { books, clock } = test_books
  const entry = test_books.add('kraken', 'BTC/USD', { market: 'BTC/USD' })
  server = await startOpsServer({
    port: 0,
    clock,
    log: silentLog,
    health: () => Promise.reject(new Error('nobody asks')) as unknown as Health,
    metrics: () => Promise.reject(new Error('nobody asks')),
    restricted:
      admin_token === null
        ? undefined
        : {
            operator: new Operator(admin_token, clock),
            books: createBookView(books, clock),
            queues: new QueuePage({ connect: () => Promise.reject() as never, log: silentLog }),
          },
  })
  const base = `http://localhost:${server.port}`
  const get = (path: string, token?: string) =>
    fetch(base + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
  return { test_books, entry, clock, get }
}

it('shows a whole book with the digits of the exchange', async () => {
  const { test_books, entry, clock, get } = await serve(TOKEN)
  const bids = Array.from({ length: 300 }, (_, i) => [`${1_000 - i}.50`, '0.10'] as const)
  test_books.set(entry, bids, [['1001.00', '2.50']])
  clock.now_ms += 1_234
  const response = await get('/books/kraken/BTC%2FUSD', TOKEN)
  expect(response.status).toBe(200)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await response.json()).toMatchObject({
    exchange: 'kraken',
    market: 'BTC/USD',
    symbol: 'BTC/USD',
    state: 'live',
    reason: null,
    sequence: '7',
    age_ms: 1_234,
    bids,
    asks: [['1001.00', '2.50']],
  })
})

it('shows a book that nothing is known of', async () => {
  const { get } = await serve(TOKEN)
  const unknown = { state: 'cold', sequence: null, exchange_time: null, age_ms: null }
  expect(await (await get('/books/kraken/BTC%2FUSD', TOKEN)).json()).toMatchObject({
    ...unknown,
    bids: [],
    asks: [],
  })
})

it('lists the books that there are', async () => {
  const { test_books, entry, get } = await serve(TOKEN)
  test_books.add('binance', 'ETH/USDT')
  test_books.set(entry, [['1', '1']], [['2', '1']])
  const named = [
    { exchange: 'kraken', market: 'BTC/USD', symbol: 'BTC/USD', state: 'live', reason: null },
    { exchange: 'binance', market: 'ETHUSDT', symbol: 'ETH/USDT', state: 'cold', reason: null },
  ]
  expect(await (await get('/books', TOKEN)).json()).toEqual(named)
})

it('shows nothing without the token, whatever is asked for', async () => {
  const { get } = await serve(TOKEN)
  for (const token of [undefined, '', 'a-token-of-the-operato', `${TOKEN}x`]) {
    for (const path of ['/books', '/books/kraken/BTC%2FUSD', '/books/kraken/nothing']) {
      const response = await get(path, token)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await response.json()).toMatchObject({ type: '/problems/unauthorized' })
    }
  }
})

it('shows nothing to anybody where no token is set', async () => {
  const { get } = await serve(null)
  expect((await get('/books/kraken/BTC%2FUSD', TOKEN)).status).toBe(404)
})

it('knows no other markets', async () => {
  const { get } = await serve(TOKEN)
  for (const path of ['/books/', '/books/kraken', '/books/kraken/%zz', '/books/kraken/ETH%2FUSD']) {
    expect((await get(path, TOKEN)).status).toBe(404)
  }
})
