import { beforeEach, describe, expect, it } from 'vitest'
import type { Market } from '../../shared/market.ts'
import type { MarketBook } from '../book/books.ts'
import { GUARDS } from './candidate.ts'
import { createFees } from './fees.ts'
import {
  belowMinimum,
  bookObjections,
  type GuardContext,
  type GuardedLeg,
  objection,
  sizeObjection,
  skew_ms,
} from './guards.ts'
import { TestBooks } from './testing.ts'

const LIMITS = { max_book_age_ms: 5_000, max_skew_ms: 2_000 }

let world: TestBooks
let cheap: MarketBook
let dear: MarketBook
let late: boolean
let behind: MarketBook | null
let suspect: MarketBook | null

beforeEach(() => {
  world = new TestBooks()
  cheap = live('binance', 'BTC/USDT')
  dear = live('bybit', 'BTC/USDT')
  late = false
  behind = null
  suspect = null
})

function live(exchange: string, symbol: string, changes: Partial<Market> = {}): MarketBook {
  return world.set(world.add(exchange, symbol, changes), [['99', '1']], [['100', '1']])
}

function judge(...legs: GuardedLeg[]) {
  const context: GuardContext = {
    limits: LIMITS,
    now_ms: world.clock.now_ms,
    is_late: late,
    behind: (entry) => entry === behind,
    fees: createFees(),
    prices: { suspect: (entry) => entry === suspect },
  }
  return objection(legs, context)
}

const buy = (entry: MarketBook): GuardedLeg => ({ entry, side: 'buy' })
const sell = (entry: MarketBook): GuardedLeg => ({ entry, side: 'sell' })
const pair = () => judge(buy(cheap), sell(dear))

it('lets pass what nothing speaks against', () => {
  expect(pair()).toBeNull()
})

describe('stale', () => {
  it('refuses a book older than the limit, not one exactly as old', () => {
    const now_ms = world.clock.now_ms
    cheap.confirmed_ms = now_ms - 5_000
    dear.confirmed_ms = now_ms - 4_000
    expect(pair()).toBeNull()
    cheap.confirmed_ms = now_ms - 5_001
    expect(pair()).toEqual({
      guard: 'stale',
      reason: 'stale',
      why: 'the book of binance BTCUSDT is 5,001 ms old, limit 5,000 ms',
    })
  })

  it('refuses a book that was never confirmed', () => {
    dear.confirmed_ms = Number.NaN
    expect(pair()).toMatchObject({ guard: 'stale', reason: 'stale' })
  })

  it.each(['gap', 'stale', 'disconnected'] as const)('tells how a book was lost: %s', (reason) => {
    world.books.move(dear, 'stale', reason, world.clock.now_ms)
    expect(pair()).toMatchObject({ guard: 'stale', reason })
  })
})

describe('skew', () => {
  it('refuses books that are further apart than the limit, not exactly as far', () => {
    cheap.confirmed_ms -= 2_000
    expect(skew_ms([buy(cheap), sell(dear)])).toBe(2_000)
    expect(pair()).toBeNull()
    cheap.confirmed_ms -= 1
    expect(pair()).toEqual({
      guard: 'skew',
      reason: 'stale',
      why: 'the books are 2,001 ms apart, limit 2,000 ms',
    })
  })
})

describe('backlog', () => {
  it('refuses a leg whose connection delivers late, and ends what is open', () => {
    behind = dear
    expect(pair()).toMatchObject({ guard: 'backlog', reason: 'stale' })
    behind = live('kraken', 'BTC/USDT')
    expect(pair()).toBeNull()
  })

  it('refuses everything while the event loop is late, and ends nothing', () => {
    late = true
    expect(pair()).toMatchObject({ guard: 'backlog', reason: null })
  })
})

describe('quarantine', () => {
  it('refuses a book for its first 100 ms, not from then on', () => {
    dear.since_ms = world.clock.now_ms - 99
    expect(pair()).toEqual({
      guard: 'quarantine',
      reason: 'stale',
      why: 'bybit BTCUSDT is live for 99 ms, trusted after 100 ms',
    })
    dear.since_ms = world.clock.now_ms - 100
    expect(pair()).toBeNull()
  })
})

describe('crossed', () => {
  it('refuses a book whose bid is at or above its ask, not one a tick apart', () => {
    world.set(dear, [['100', '1']], [['100', '1']])
    expect(pair()).toMatchObject({ guard: 'crossed', reason: 'stale' })
    world.set(dear, [['99.99', '1']], [['100', '1']])
    expect(pair()).toBeNull()
  })
})

describe('halted', () => {
  it('refuses a market that does not trade, by its list or by its state', () => {
    world.books.revise(dear, { ...dear.market, trading: false })
    expect(pair()).toMatchObject({ guard: 'halted', reason: 'halted' })
    world.books.revise(dear, { ...dear.market, trading: true })
    expect(pair()).toBeNull()
    world.books.move(dear, 'halted', 'halted', 0)
    expect(pair()).toMatchObject({ guard: 'halted', reason: 'halted' })
  })

  it('refuses an empty side', () => {
    world.set(dear, [['99', '1']], [])
    expect(pair()).toEqual({
      guard: 'halted',
      reason: 'halted',
      why: 'a side of bybit BTCUSDT is empty',
    })
  })
})

describe('identity', () => {
  it('refuses two coins of one ticker, and the same coin under two tickers passes', () => {
    const terra = live('binance', 'LUNA/USDT')
    const classic = live('kraken', 'LUNA/USDT')
    expect(judge(buy(terra), sell(classic))).toEqual({
      guard: 'identity',
      reason: 'closed',
      why: 'LUNA on binance is not known to be LUNC on kraken',
    })
    expect(judge(buy(live('binance', 'LUNC/USDT')), sell(classic))).toBeNull()
  })

  it('refuses another money at the end of the chain than at its beginning', () => {
    const dollars = live('kraken', 'BTC/USD')
    expect(judge(buy(cheap), sell(dollars))).toMatchObject({ guard: 'identity' })
    const exchange = live('kraken', 'USDT/USD')
    expect(judge(buy(cheap), sell(dollars), buy(exchange))).toBeNull()
  })

  it('lets an exchange trade its own coin with itself, whatever others call so', () => {
    const [first, second] = [live('mexc', 'GMT/USDT'), live('mexc', 'GMT/BTC')]
    expect(judge(buy(first), sell(second), sell(live('mexc', 'BTC/USDT')))).toBeNull()
    expect(judge(buy(first), sell(live('bybit', 'GMT/USDT')))).toMatchObject({ guard: 'identity' })
  })

  it('refuses a price that is not that of the other exchanges, between exchanges only', () => {
    suspect = dear
    expect(pair()).toMatchObject({ guard: 'identity', reason: 'closed' })
    const cross = live('bybit', 'ETH/BTC')
    expect(judge(buy(dear), buy(cross), sell(live('bybit', 'ETH/USDT')))).toBeNull()
  })
})

describe('leveraged', () => {
  it('refuses leveraged, rebasing and share tokens, and no coin that sounds like one', () => {
    for (const [exchange, asset] of [
      ['bybit', 'BTC3L'],
      ['binance', 'ETHDOWN'],
      ['kraken', 'AMPL'],
      ['kraken', 'AAPLX'],
    ] as const) {
      const entry = live(exchange, `${asset}/USDT`)
      expect(judge(buy(entry), sell(entry))).toMatchObject({ guard: 'leveraged', reason: 'closed' })
    }
    expect(judge(buy(live('binance', 'JUP/USDT')), sell(live('bybit', 'JUP/USDT')))).toBeNull()
  })
})

describe('fee_unknown', () => {
  it('refuses a leg whose fee nobody states, not one that is known to be free', () => {
    world.books.revise(dear, { ...dear.market, taker_fee_percent: null })
    expect(pair()).toEqual({
      guard: 'fee_unknown',
      reason: 'closed',
      why: 'nobody states what bybit BTCUSDT charges',
    })
    world.books.revise(dear, { ...dear.market, taker_fee_percent: '0' })
    expect(pair()).toBeNull()
  })
})

describe('the size', () => {
  const limits = { max_percent: 10, min_volume_usd: 1_000 }
  const figures = { profit_percent: '10', volume_usd: '1000' }

  it('passes exactly at both limits', () => {
    expect(sizeObjection(figures, limits)).toBeNull()
  })

  it('implausible: refuses more profit than the limit', () => {
    expect(sizeObjection({ ...figures, profit_percent: '10.0001' }, limits)).toEqual({
      guard: 'implausible',
      reason: 'closed',
      why: 'net profit of 10.0001 % is above 10 %: held for review',
    })
  })

  it('below_minimum: refuses less money than the limit', () => {
    expect(sizeObjection({ ...figures, volume_usd: '999.99' }, limits)).toEqual({
      guard: 'below_minimum',
      reason: 'closed',
      why: 'worth 999.99 US dollars, minimum 1000',
    })
    expect(belowMinimum('too small a lot')).toMatchObject({ guard: 'below_minimum' })
  })
})

it('judges only the books when it is asked how a chain ended', () => {
  late = true
  suspect = dear
  expect(bookObjections([buy(cheap), sell(dear)], LIMITS, world.clock.now_ms)).toBeNull()
})

it('has eleven guards', () => {
  expect(GUARDS).toHaveLength(11)
})
