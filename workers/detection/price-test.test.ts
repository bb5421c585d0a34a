import { beforeEach, describe, expect, it } from 'vitest'
import { type Log, type LogFields, silentLog } from '../../shared/log.ts'
import { topField } from '../../shared/top.ts'
import type { MarketBook } from '../book/books.ts'
import { PriceTest } from './price-test.ts'
import { TestBooks } from './testing.ts'

let world: TestBooks
let logged: LogFields[]
let prices: PriceTest
const dollars = new Map([
  ['USD', 1],
  ['USDT', 1],
])

beforeEach(() => {
  world = new TestBooks()
  logged = []
  const log: Log = { ...silentLog, warn: (_, fields = {}) => logged.push(fields) }
  const usd = (asset: string) => dollars.get(asset) ?? null
  prices = new PriceTest({ books: world.books, clock: world.clock, log, usd })
})

/** A market with a tight quote of so many; set again, it moves. */
function at(exchange: string, price: number, symbol = 'QNT/USDT'): MarketBook {
  const name = symbol.replace('/', '')
  const entry = world.books.get(exchange, name) ?? world.add(exchange, symbol)
  const text = price.toFixed(6)
  return world.set(entry, [[text, '5']], [[text, '5']])
}

function samples(count: number) {
  for (let i = 0; i < count; i++) {
    world.clock.now_ms += 1_000
    prices.refresh()
  }
}

const suspects = () =>
  world.books.all.filter((entry) => prices.suspect(entry)).map(({ market }) => market.exchange)

describe('a price that is off', () => {
  it('is one by more than 3 % in either direction, not one by exactly 3 %', () => {
    at('binance', 100)
    at('bybit', 103)
    expect(suspects()).toEqual([])
    at('bybit', 103.01)
    expect(suspects()).toEqual(['binance', 'bybit'])
    at('bybit', 96.9)
    expect(suspects()).toEqual(['binance', 'bybit'])
  })

  it('accuses only the stranger where there are others to ask', () => {
    at('binance', 100)
    at('kraken', 100.2)
    at('bybit', 129)
    expect(suspects()).toEqual(['bybit'])
    at('coinbase', 99.9)
    expect(suspects()).toEqual(['bybit'])
  })

  it('is seen through other quotes by what they are worth', () => {
    dollars.set('EUR', 1.25)
    at('binance', 100)
    const entry = at('kraken', 80, 'QNT/EUR')
    expect(prices.suspect(entry)).toBe(false)
    at('kraken', 100, 'QNT/EUR')
    expect(prices.suspect(entry)).toBe(true)
  })

  it('is seen in a quote that nobody values, among those of the same quote', () => {
    at('binance', 3, 'QNT/TRY')
    expect(suspects()).toEqual([])
    at('bybit', 4, 'QNT/TRY')
    at('kraken', 100)
    expect(suspects()).toEqual(['binance', 'bybit'])
  })

  it('is no price at all when its quote is so wide that the others lie within', () => {
    at('binance', 100)
    const wide = world.add('bybit', 'QNT/USDT')
    world.set(wide, [['80', '1']], [['150', '1']])
    expect(suspects()).toEqual([])
  })

  it('takes units into account: a thousand coins cost a thousand times as much', () => {
    at('binance', 0.25, '1000SATS/USDT')
    at('bybit', 0.00025, 'SATS/USDT')
    expect(suspects()).toEqual([])
  })

  it('is not looked for where no live book of another exchange says anything', () => {
    const entry = at('binance', 100)
    const other = at('bybit', 200)
    expect(prices.suspect(entry)).toBe(true)
    world.books.move(other, 'stale', 'gap', 0)
    expect(prices.suspect(entry)).toBe(false)
  })
})

describe('a coin that has proven itself', () => {
  beforeEach(() => {
    at('binance', 100)
    at('bybit', 100.5)
    at('kraken', 100.1)
  })

  it('may tear away within what is plausible: that is a gap', () => {
    samples(2)
    at('bybit', 106)
    expect(suspects()).toEqual(['bybit'])
    at('bybit', 100.5)
    samples(1)
    at('bybit', 106)
    expect(suspects()).toEqual([])
  })

  it('is not believed to be worth ×1.29 of a sudden', () => {
    samples(3)
    at('bybit', 129)
    expect(suspects()).toEqual(['bybit'])
  })

  it('has become another coin when it stays away for a minute, until it agrees again', () => {
    samples(3)
    at('bybit', 106)
    samples(61)
    expect(suspects()).toEqual([])
    samples(1)
    expect(suspects()).toEqual(['bybit'])
    at('bybit', 100)
    samples(2)
    at('bybit', 106)
    expect(suspects()).toEqual(['bybit'])
  })
})

describe('a coin that another worker has seen proven', () => {
  let elsewhere: PriceTest

  beforeEach(() => {
    const { books, clock } = world
    const usd = (asset: string) => dollars.get(asset) ?? null
    elsewhere = new PriceTest({ books, clock, log: silentLog, usd })
    at('binance', 100)
    at('bybit', 100.5)
    at('kraken', 100.1)
    samples(3)
    at('bybit', 106)
  })

  function handOn() {
    for (const { market, agreed_ms } of prices.proofs()) {
      elsewhere.vouch(topField(market.exchange, market.symbol), agreed_ms)
    }
  }
  const suspectedElsewhere = () =>
    world.books.all.filter((entry) => elsewhere.suspect(entry)).map(({ market }) => market.exchange)

  it('may tear away here too', () => {
    expect(suspectedElsewhere()).toEqual(['bybit'])
    handOn()
    expect(suspectedElsewhere()).toEqual([])
    elsewhere.refresh()
    expect(suspectedElsewhere()).toEqual([])
  })

  it('is believed no longer than by who saw it', () => {
    samples(50)
    handOn()
    expect(suspectedElsewhere()).toEqual([])
    world.clock.now_ms += 10_000
    expect(suspectedElsewhere()).toEqual([])
    world.clock.now_ms += 1
    expect(suspectedElsewhere()).toEqual(['bybit'])
    handOn()
    expect(suspectedElsewhere()).toEqual(['bybit'])
  })

  it('proves what agrees by itself from then on', () => {
    handOn()
    at('bybit', 100)
    elsewhere.refresh()
    expect(elsewhere.proofs().map(({ market }) => market.exchange)).toEqual([
      'binance',
      'bybit',
      'kraken',
    ])
  })

  it('is nothing to a worker that does not watch the market', () => {
    elsewhere.vouch('bybit|NO/SUCH', world.clock.now_ms)
    elsewhere.vouch('bybit|QNT/USDT', Number.NaN)
    expect(suspectedElsewhere()).toEqual(['bybit'])
  })
})

describe('the log', () => {
  it('tells an episode once, with the ratio', () => {
    at('binance', 100)
    at('kraken', 100)
    at('bybit', 129)
    samples(5)
    expect(logged).toEqual([
      {
        exchange: 'bybit',
        market: 'QNTUSDT',
        coin: expect.anything(),
        ratio: 1.29,
        looks_like_units: null,
      },
    ])
    at('bybit', 100)
    samples(1)
    at('bybit', 129)
    samples(1)
    expect(logged).toHaveLength(2)
  })

  it('proposes a unit where the ratio is a power of ten, and scales nothing', () => {
    at('binance', 100)
    at('kraken', 100)
    const entry = at('bybit', 99_000)
    samples(1)
    expect(logged[0]).toMatchObject({ looks_like_units: 1_000 })
    expect(prices.suspect(entry)).toBe(true)
  })

  it('says nothing of a gap', () => {
    at('binance', 100)
    at('bybit', 100)
    samples(3)
    at('bybit', 105)
    samples(3)
    expect(logged).toEqual([])
  })
})
