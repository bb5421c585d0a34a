import { beforeEach, describe, expect, it } from 'vitest'
import { recomputeProfitPercent } from '../../shared/evidence.ts'
import { silentLog } from '../../shared/log.ts'
import type { MarketBook } from '../book/books.ts'
import type { Candidate, Verdict } from './candidate.ts'
import { Detector, type DetectorLimits } from './detector.ts'
import { TestBooks } from './testing.ts'

const LIMITS: DetectorLimits = {
  min_percent: 0.5,
  max_percent: 10,
  min_volume_usd: 1_000,
  max_book_age_ms: 3_000,
  max_skew_ms: 2_000,
}

let world: TestBooks
let detector: Detector
let cheap: MarketBook
let dear: MarketBook
let arrivals: { late: boolean; behind: MarketBook | null }

beforeEach(() => {
  arrivals = { late: false, behind: null }
  world = new TestBooks()
  detector = new Detector({
    books: world.books,
    limits: LIMITS,
    clock: world.clock,
    is_simulated: (exchange) => exchange === 'sandboxed',
    log: silentLog,
    arrivals: { late: () => arrivals.late, behind: (entry) => entry === arrivals.behind },
  })
  const usdt = world.add('kraken', 'USDT/USD')
  world.set(usdt, [['0.9990', '1000000']], [['0.9992', '1000000']])
  cheap = world.add('binance', 'BTC/USDT')
  dear = world.add('bybit', 'BTC/USDT')
})

/** 50 for sale at `ask` on binance, 50 wanted at `bid` on bybit. */
function quote(bid: string, ask = '100.00') {
  world.set(cheap, [['99.00', '50']], [[ask, '50']])
  world.set(dear, [[bid, '50']], [['220.00', '50']])
}

/** Both exchanges agree for as long as it takes to believe that the coin is the same. */
function prove() {
  for (let second = 0; second < 4; second++) {
    quote('99.50')
    world.clock.now_ms += 1_000
    detector.recheck()
  }
}

const round = () => detector.run(world.books.takeDirty())
const only = (verdicts: Verdict[]) => {
  expect(verdicts).toHaveLength(1)
  return verdicts[0]!
}
function opened(verdicts: Verdict[]): Candidate {
  const verdict = only(verdicts.slice(-1))
  if (verdict.kind !== 'open') throw new Error(`expected an opportunity, got ${verdict.reason}`)
  return verdict.candidate
}

describe('a cross-exchange opportunity', () => {
  it('is found with its evidence, net of both fees', () => {
    quote('101.00')
    const found = opened(round())
    expect(found).toMatchObject({
      type: 'cross_exchange',
      symbol: 'BTC/USDT',
      buy_exchange: 'binance',
      sell_exchange: 'bybit',
      buy_price: '100',
      sell_price: '101',
      // 50 bought for 5,000; 49.95 received and sold for 5,044.95; less 0.1 %: 5,039.90505
      profit_percent: '0.7981',
      base_size: '50',
      volume_usd: '4995.50',
      profit_usd: '39.86',
      depth_exhausted: true,
      simulated: false,
      skew_ms: 0,
    })
    expect(found.legs[0]).toMatchObject({ amount_in: '5000', amount_out: '49.95', levels: 1 })
    expect(found.legs[1]).toMatchObject({ amount_in: '49.95', amount_out: '5039.90505' })
    expect(recomputeProfitPercent(found.legs)).toBe(found.profit_percent)
  })

  it('is found in the other direction too', () => {
    world.set(cheap, [['102.00', '50']], [['103.00', '50']])
    world.set(dear, [['99.00', '50']], [['100.00', '50']])
    expect(opened(round())).toMatchObject({ buy_exchange: 'bybit', sell_exchange: 'binance' })
  })

  it('is published once its net profit meets the threshold exactly, not below', () => {
    // 0.999 x 0.999 x bid / 100 = 1.005 at a bid of 100.7013...
    quote('100.70')
    expect(round()).toEqual([])
    quote('100.71')
    expect(Number(opened(round()).profit_percent)).toBeGreaterThanOrEqual(0.5)
  })

  it('is never made of two quotes: USD and USDT are different money', () => {
    const usd = world.add('coinbase', 'BTC/USD')
    world.set(usd, [['150.00', '50']], [['151.00', '50']])
    quote('100.00')
    expect(round()).toEqual([])
  })

  it('says that it is simulated when any leg is', () => {
    const sandboxed = world.add('sandboxed', 'BTC/USDT')
    world.set(cheap, [['99.00', '50']], [['100.00', '50']])
    world.set(sandboxed, [['102.00', '50']], [['103.00', '50']])
    expect(opened(round()).simulated).toBe(true)
  })

  it('is priced with the fees that the exchange publishes now', () => {
    quote('101.00')
    const { key } = opened(round())
    world.books.revise(dear, { ...dear.market, taker_fee_percent: '0.2' })
    expect(opened(round())).toMatchObject({ key, profit_percent: '0.6972' })
    world.books.revise(cheap, { ...cheap.market, taker_fee_percent: '0.6' })
    expect(round()).toContainEqual({ kind: 'closed', key, reason: 'closed' })
  })

  it('stays the same opportunity while it lasts and ends once', () => {
    quote('101.00')
    const key = opened(round()).key
    quote('101.20')
    expect(opened(round()).key).toBe(key)
    quote('100.10')
    expect(round()).toContainEqual({ kind: 'closed', key, reason: 'closed' })
    quote('100.05')
    expect(round()).toEqual([])
  })

  it('does not flicker just below the threshold', () => {
    quote('101.00')
    round()
    quote('100.68') // 0.48 %
    expect(opened(round()).profit_percent).toBe('0.4787')
    quote('100.60')
    expect(only(round().slice(-1)).kind).toBe('closed')
    quote('100.68')
    expect(round()).toEqual([])
  })
})

describe('guards', () => {
  const refuses = (guard: keyof Detector['rejected']) => {
    const before = detector.rejected[guard]
    expect(round()).toEqual([])
    expect(detector.rejected[guard]).toBe(before + 1)
  }

  it('stale: a book that is not live', () => {
    quote('101.00')
    world.books.move(dear, 'syncing', null, world.clock.now_ms)
    refuses('stale')
  })

  it('stale: a book nobody has confirmed for too long', () => {
    quote('101.00')
    world.clock.now_ms += LIMITS.max_book_age_ms + 1
    refuses('stale')
  })

  it('stale: a book that was never confirmed', () => {
    quote('101.00')
    dear.confirmed_ms = Number.NaN
    refuses('stale')
  })

  it('skew: legs known at moments too far apart', () => {
    quote('101.00')
    dear.confirmed_ms -= LIMITS.max_skew_ms + 1
    refuses('skew')
  })

  it('quarantine: a book that has just become live', () => {
    quote('101.00')
    world.books.move(dear, 'stale', 'gap', world.clock.now_ms)
    world.books.move(dear, 'live', null, world.clock.now_ms)
    refuses('quarantine')
    world.clock.now_ms += 150
    expect(opened(detector.recheck()).sell_exchange).toBe('bybit')
  })

  it('backlog: a loop that is late, until it has caught up', () => {
    arrivals.late = true
    quote('101.00')
    refuses('backlog')
    arrivals.late = false
    expect(opened(detector.recheck()).sell_exchange).toBe('bybit')
  })

  it('backlog: a market whose frames arrive late', () => {
    arrivals.behind = dear
    quote('101.00')
    refuses('backlog')
    arrivals.behind = null
    expect(opened(detector.recheck()).sell_exchange).toBe('bybit')
  })

  it('backlog: a late loop neither updates nor ends what is open, a late connection ends it', () => {
    quote('101.00')
    const key = opened(round()).key
    arrivals.late = true
    quote('101.20')
    expect(round()).toEqual([])
    expect(detector.recheck()).toEqual([])
    arrivals.behind = dear
    expect(detector.recheck()).toEqual([{ kind: 'closed', key, reason: 'stale' }])
  })

  it('crossed: a book whose own bid is not below its ask', () => {
    quote('101.00')
    world.set(dear, [['101.00', '50']], [['100.90', '50']])
    refuses('crossed')
  })

  it('halted: a market that does not trade', () => {
    quote('101.00')
    world.books.move(dear, 'halted', 'halted', world.clock.now_ms)
    refuses('halted')
  })

  it('halted: a book with an empty side', () => {
    quote('101.00')
    world.set(dear, [['101.00', '50']], [])
    refuses('halted')
  })

  it('identity: a price far from that of the other exchange, before the coin has proven itself', () => {
    quote('104.00')
    refuses('identity')
  })

  it('implausible: more profit than is believed without review', () => {
    prove()
    quote('112.00')
    refuses('implausible')
  })

  it('below_minimum: less money than is worth an alert', () => {
    world.set(cheap, [['99.00', '50']], [['100.00', '5']])
    world.set(dear, [['101.00', '50']], [['120.00', '50']])
    refuses('below_minimum')
  })

  it('below_minimum: a quote asset that no live book can value', () => {
    for (const entry of world.books.all) {
      if (entry.market.symbol === 'USDT/USD') world.books.move(entry, 'stale', 'gap', 0)
    }
    quote('101.00')
    refuses('below_minimum')
  })

  it('counts an episode once however many ticks it lasts', () => {
    prove()
    quote('112.00')
    round()
    quote('112.10')
    round()
    expect(detector.rejected.implausible).toBe(1)
  })
})

describe('the end of an opportunity', () => {
  it.each(['gap', 'disconnected', 'stale'] as const)(
    'says %s when its book is lost so',
    (reason) => {
      quote('101.00')
      const key = opened(round()).key
      world.books.move(dear, 'stale', reason, world.clock.now_ms)
      expect(round()).toEqual([{ kind: 'closed', key, reason }])
    },
  )

  it('says halted when the market halts', () => {
    quote('101.00')
    const key = opened(round()).key
    world.books.move(dear, 'halted', 'halted', world.clock.now_ms)
    expect(round()).toEqual([{ kind: 'closed', key, reason: 'halted' }])
  })

  it('comes by age alone when the data stop', () => {
    quote('101.00')
    const key = opened(round()).key
    world.clock.now_ms += LIMITS.max_book_age_ms + 1
    expect(detector.recheck()).toEqual([{ kind: 'closed', key, reason: 'stale' }])
  })
})
