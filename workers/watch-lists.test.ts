/** Which markets are watched while lists change, with real servers for two exchanges. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../shared/clock.ts'
import { silentLog } from '../shared/log.ts'
import { Books } from './book/books.ts'
import { bybit } from './exchanges/bybit.ts'
import { TrueBook } from './exchanges/testing.ts'
import { bybitServes, exchangeServer, START, WAIT } from './feed/testing-server.ts'
import { shardOf } from './shards.ts'
import { Watch, type WatchOptions } from './watch.ts'

const instrument = (symbol: string, tickSize: string) => ({
  symbol,
  baseCoin: symbol.slice(0, -4),
  quoteCoin: symbol.slice(-4),
  status: 'Trading',
  priceFilter: { tickSize },
  lotSizeFilter: { basePrecision: '0.0001', minOrderQty: '0', minOrderAmt: '5' },
})

/** Two exchanges that speak Bybit, with lists that the test changes. */
async function watchTwo(
  max_symbols: number,
  lists: { one: string[]; two: string[] },
  shards: Pick<WatchOptions, 'shard_count' | 'narrow_after_ms'> = {},
) {
  const tick = { size: '0.01' }
  const serve = (id: 'one' | 'two') =>
    exchangeServer({
      said: bybitServes(new TrueBook(START)),
      status: (path, response) => {
        if (path === '/v5/system/status') return void response.writeHead(404).end()
        const list = lists[id].map((symbol) => instrument(symbol, tick.size))
        response.end(JSON.stringify({ retCode: 0, retMsg: 'OK', result: { list } }))
      },
    })
  const [one, two] = [await serve('one'), await serve('two')]
  const books = new Books()
  const watch = new Watch({
    exchanges: [
      { ...bybit, id: 'one', instruments: renamed('one') },
      { ...bybit, id: 'two', instruments: renamed('two') },
    ],
    config: {
      exchanges: [
        { id: 'one', websocket_url: one.websocket_url, rest_url: one.rest_url },
        { id: 'two', websocket_url: two.websocket_url, rest_url: two.rest_url },
      ],
      symbols: null,
      max_symbols,
    },
    books,
    clock: systemClock,
    log: silentLog,
    random: () => 0,
    ...shards,
    timing: { period_ms: 50, restless_ms: 50, gap_ms: 10 },
  })
  onTestFinished(() => watch.stop())
  watch.start()
  const live = () =>
    books.all
      .filter(({ state }) => state === 'live')
      .map(({ market }) => `${market.exchange} ${market.market}`)
      .sort()
  return { watch, books, live, tick, sockets: () => [...one.sockets, ...two.sockets] }
}

function renamed(exchange: string): typeof bybit.instruments {
  const { paths, parse } = bybit.instruments
  return { paths, parse: (bodies) => parse(bodies).map((market) => ({ ...market, exchange })) }
}

describe('what is watched', () => {
  it('follows the lists: markets come and go without a new connection', {
    timeout: 60_000,
  }, async () => {
    const lists = { one: ['BTCUSDT', 'ETHUSDT'], two: ['BTCUSDT', 'ETHUSDT'] }
    const { books, live, watch, sockets } = await watchTwo(10, lists)
    const both = ['one BTCUSDT', 'one ETHUSDT', 'two BTCUSDT', 'two ETHUSDT']
    await expect.poll(live, WAIT).toEqual(both)
    lists.one = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']
    lists.two = ['SOLUSDT', 'BTCUSDT', 'ETHUSDT']
    await expect.poll(live, WAIT).toEqual([...both, 'one SOLUSDT', 'two SOLUSDT'].sort())
    lists.two = ['BTCUSDT', 'SOLUSDT']
    await expect.poll(() => books.get('two', 'ETHUSDT')?.state, WAIT).toBe('halted')
    expect(live()).toHaveLength(5)
    lists.two = ['BTCUSDT', 'SOLUSDT', 'ETHUSDT']
    // where it crossed its own unsubscription on the way it is asked for once more
    const again = { ...WAIT, timeout: WAIT.timeout + bybit.keepalive.answer_ms }
    await expect.poll(() => live().length, again).toBe(6)
    expect(sockets()).toHaveLength(2)
    expect(watch.statuses().map(({ books_total }) => books_total)).toEqual([3, 3])
  })

  it('never exceeds the limit, and a newcomer displaces nobody', async () => {
    const lists = { one: ['AUSDT', 'BUSDT'], two: ['AUSDT', 'BUSDT'] }
    const { live, watch } = await watchTwo(2, lists)
    const first = ['one AUSDT', 'one BUSDT', 'two AUSDT', 'two BUSDT']
    await expect.poll(live, WAIT).toEqual(first)
    // Bitcoin would be chosen first, if places were not kept; B leaves one exchange and stays
    lists.one = ['BTCUSDT', 'AUSDT', 'BUSDT']
    lists.two = ['BTCUSDT', 'AUSDT']
    await expect.poll(live, WAIT).toEqual(['one AUSDT', 'one BUSDT', 'two AUSDT'])
    // a place becomes free
    lists.one = ['BTCUSDT', 'AUSDT']
    await expect.poll(live, WAIT).toEqual(['one AUSDT', 'one BTCUSDT', 'two AUSDT', 'two BTCUSDT'])
    expect(watch.statuses().every(({ books_total }) => books_total <= 2)).toBe(true)
  })

  it('is what its shards are about and the hubs, soon after these are known; more at once', async () => {
    const coins = ['ADA', 'SOL', 'DOGE', 'LINK', 'DOT', 'NEAR']
    const list = ['BTC', ...coins].map((coin) => `${coin}USDT`)
    const { live, watch } = await watchTwo(
      10,
      { one: list, two: list },
      { shard_count: 3, narrow_after_ms: 100 },
    )
    const of = (...shards: number[]) => {
      const symbols = coins.filter((coin) =>
        shards.includes(shardOf([{ exchange: 'one', symbol: `${coin}/USDT` }], 3)),
      )
      return ['one', 'two']
        .flatMap((exchange) => ['BTC', ...symbols].map((coin) => `${exchange} ${coin}USDT`))
        .sort()
    }
    expect(new Set([of(0), of(1), of(2)].map(String)).size).toBe(3)
    await expect.poll(live, WAIT).toEqual(of(0, 1, 2))
    watch.watchShards(new Set([1]))
    expect(live()).toEqual(of(0, 1, 2))
    await expect.poll(live, WAIT).toEqual(of(1))
    watch.watchShards(new Set([1, 2]))
    await expect.poll(live, WAIT).toEqual(of(1, 2))
    // a standby must be ready for any
    watch.watchShards(new Set())
    await expect.poll(live, WAIT).toEqual(of(0, 1, 2))
  })

  it('takes over a changed tick', async () => {
    const lists = { one: ['BTCUSDT'], two: ['BTCUSDT'] }
    const { books, live, tick } = await watchTwo(10, lists)
    await expect.poll(live, WAIT).toHaveLength(2)
    tick.size = '0.5'
    await expect
      .poll(() => books.all.map(({ market }) => market.price_step), WAIT)
      .toEqual(['0.5', '0.5'])
    expect(live()).toHaveLength(2)
  })
})
