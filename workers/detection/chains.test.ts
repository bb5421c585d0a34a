import { beforeEach, describe, expect, it } from 'vitest'
import { recomputeProfitPercent } from '../../shared/evidence.ts'
import { silentLog } from '../../shared/log.ts'
import type { Candidate, Verdict } from './candidate.ts'
import { Detector, type DetectorLimits } from './detector.ts'
import { TestBooks } from './testing.ts'

const LIMITS: DetectorLimits = {
  min_percent: 0.5,
  max_percent: 10,
  min_volume_usd: 100,
  max_book_age_ms: 3_000,
  max_skew_ms: 2_000,
}

let world: TestBooks
let detector: Detector

beforeEach(() => {
  world = new TestBooks()
  const { books, clock } = world
  detector = new Detector({
    books,
    limits: LIMITS,
    clock,
    is_simulated: () => false,
    log: silentLog,
  })
})

const NO_FEE = { taker_fee_percent: '0' }

/** `bid` and `ask` with this much on either side, no fee. */
function quote(exchange: string, symbol: string, bid: string, ask: string, size = '1000000') {
  const name = symbol.replace('/', '')
  const entry = world.books.get(exchange, name) ?? world.add(exchange, symbol, NO_FEE)
  return world.set(entry, [[bid, size]], [[ask, size]])
}

const round = () => detector.run(world.books.takeDirty())

function opened(verdicts: readonly Verdict[]): Candidate[] {
  return verdicts.flatMap((verdict) => (verdict.kind === 'open' ? [verdict.candidate] : []))
}

const onlyOpened = () => {
  const found = opened(round())
  expect(found.map(({ key }) => key)).toHaveLength(1)
  return found[0] as Candidate
}

const path = ({ legs }: Candidate) =>
  legs.map(({ side, exchange, symbol }) => `${side} ${exchange} ${symbol}`)

describe('a cross-exchange opportunity with a conversion', () => {
  beforeEach(() => {
    quote('kraken', 'BTC/USD', '99', '100', '50')
    quote('binance', 'BTC/USDT', '102', '103', '50')
    quote('kraken', 'USDT/USD', '0.9980', '0.9982')
  })

  it('converts back through a live market: no stablecoin is a dollar', () => {
    const found = onlyOpened()
    expect(path(found)).toEqual([
      'buy kraken BTC/USD',
      'sell binance BTC/USDT',
      'sell kraken USDT/USD',
    ])
    // 50 x 102 x 0.998 / 5,000
    expect(found).toMatchObject({
      type: 'cross_exchange',
      symbol: 'BTC/USD',
      buy_exchange: 'kraken',
      sell_exchange: 'binance',
      buy_price: '100',
      sell_price: '102',
      profit_percent: '1.7960',
      volume_usd: '5000.00',
    })
    expect(recomputeProfitPercent(found.legs)).toBe(found.profit_percent)
  })

  it('follows a stablecoin off its peg', () => {
    quote('kraken', 'USDT/USD', '0.9600', '0.9602')
    expect(opened(round())).toEqual([])
  })

  it('takes the best conversion, on whatever exchange', () => {
    quote('coinbase', 'USDT/USD', '0.9990', '0.9991')
    expect(path(onlyOpened())[2]).toBe('sell coinbase USDT/USD')
  })

  it('pays the fee of the conversion', () => {
    const { entry } = { entry: world.books.get('kraken', 'USDTUSD') }
    if (entry === undefined) throw new Error('there is such a market')
    world.books.revise(entry, { ...entry.market, taker_fee_percent: '0.2' })
    expect(onlyOpened().profit_percent).toBe('1.5924')
  })

  it('stays the same opportunity when the best conversion changes', () => {
    quote('coinbase', 'USDT/USD', '0.9990', '0.9991')
    const { key } = onlyOpened()
    quote('coinbase', 'USDT/USD', '0.9750', '0.9751')
    // the fallen one is a gap of its own
    const found = round().filter(
      (verdict) => verdict.kind === 'closed' || verdict.candidate.key === key,
    )
    expect(found).toEqual([
      { kind: 'open', candidate: expect.objectContaining({ key, profit_percent: '1.7960' }) },
    ])
  })

  it('keeps its conversion while that one pays', () => {
    const { key } = onlyOpened()
    quote('coinbase', 'USDT/USD', '0.9990', '0.9991')
    const found = opened(round())
    for (const candidate of found) {
      expect(candidate.key).toBe(key)
      expect(path(candidate)[2]).toBe('sell kraken USDT/USD')
    }
  })

  it('does without a conversion that a guard refuses, and takes it when it is released', () => {
    const late = quote('coinbase', 'USDT/USD', '0.9990', '0.9991')
    world.books.move(late, 'syncing', null, world.clock.now_ms)
    world.books.move(late, 'live', null, world.clock.now_ms)
    expect(path(onlyOpened())[2]).toBe('sell kraken USDT/USD')
  })

  it('ends when nothing converts any more', () => {
    const { key } = onlyOpened()
    const entry = world.books.get('kraken', 'USDTUSD')
    if (entry === undefined) throw new Error('there is such a market')
    world.books.move(entry, 'stale', 'gap', world.clock.now_ms)
    expect(round()).toEqual([{ kind: 'closed', key, reason: 'gap' }])
  })
})

describe('a triangular opportunity', () => {
  beforeEach(() => {
    quote('kraken', 'BTC/USDT', '9990', '10000', '2')
    quote('kraken', 'ETH/BTC', '0.0490', '0.0495', '100')
    quote('kraken', 'ETH/USDT', '505', '506', '100')
    quote('kraken', 'USDT/USD', '0.9990', '0.9992')
  })

  it('is found from a dollar on, with its evidence', () => {
    const found = onlyOpened()
    expect(path(found)).toEqual([
      'buy kraken BTC/USDT',
      'buy kraken ETH/BTC',
      'sell kraken ETH/USDT',
    ])
    // 20,000 -> 2 BTC -> 40.40 ETH -> 20,404.04
    expect(found).toMatchObject({
      type: 'triangular',
      symbol: 'BTC/USDT',
      buy_exchange: 'kraken',
      sell_exchange: 'kraken',
      profit_percent: '2.0202',
    })
    expect(recomputeProfitPercent(found.legs)).toBe(found.profit_percent)
  })

  it('is found in the other direction too', () => {
    quote('kraken', 'ETH/BTC', '0.0520', '0.0525', '100')
    expect(path(onlyOpened())).toEqual([
      'buy kraken ETH/USDT',
      'sell kraken ETH/BTC',
      'sell kraken BTC/USDT',
    ])
  })

  it('is one opportunity whichever leg changes', () => {
    const { key } = onlyOpened()
    quote('kraken', 'ETH/USDT', '506', '507', '100')
    expect(onlyOpened().key).toBe(key)
    quote('kraken', 'BTC/USDT', '9980', '9990', '2')
    expect(onlyOpened().key).toBe(key)
  })

  it('counts the fee of every leg', () => {
    for (const entry of world.books.all) {
      world.books.revise(entry, { ...entry.market, taker_fee_percent: '0.6' })
    }
    expect(opened(round())).toEqual([])
  })
})

describe('a multi-leg opportunity', () => {
  it('takes each leg where it is best', () => {
    quote('binance', 'BTC/USDT', '9990', '10000', '2')
    quote('kraken', 'ETH/BTC', '0.0490', '0.0495', '100')
    quote('bybit', 'ETH/USDT', '505', '506', '100')
    quote('kraken', 'USDT/USD', '0.9990', '0.9992')
    const found = onlyOpened()
    expect(path(found)).toEqual([
      'buy binance BTC/USDT',
      'buy kraken ETH/BTC',
      'sell bybit ETH/USDT',
    ])
    expect(found).toMatchObject({
      type: 'multi_leg',
      buy_exchange: 'binance',
      sell_exchange: 'bybit',
      profit_percent: '2.0202',
    })
    expect(recomputeProfitPercent(found.legs)).toBe(found.profit_percent)
  })

  it.each([4, 5])('may have %i legs', (count) => {
    const coins = ['USDT', 'BTC', 'ETH', 'SOL', 'EUR'].slice(0, count)
    for (const [i, coin] of coins.entries()) {
      const next = coins[(i + 1) % count] as string
      const exchange = i % 2 === 0 ? 'binance' : 'kraken'
      quote(exchange, `${next}/${coin}`, '0.9', i === 0 ? '0.98' : '1')
    }
    quote('kraken', 'USDT/USD', '0.9990', '0.9992')
    const found = onlyOpened()
    expect(found.legs).toHaveLength(count)
    expect(found).toMatchObject({ type: 'multi_leg', profit_percent: '2.0408' })
  })

  it('is not made of a path that a single trade explains', () => {
    quote('binance', 'BTC/USDT', '9790', '9800', '2')
    quote('bybit', 'BTC/USDT', '9990', '10000', '2')
    quote('bybit', 'ETH/BTC', '0.0499', '0.0500', '100')
    quote('bybit', 'ETH/USDT', '499.9', '500', '100')
    quote('kraken', 'USDT/USD', '0.9990', '0.9992')
    const found = opened(round())
    expect(found.map(({ type }) => type)).toEqual(['cross_exchange'])
  })

  it('is told when the shorter description that had covered it ends', () => {
    quote('kraken', 'ETH/USD', '99.9', '100')
    quote('coinbase', 'ETH/USDT', '102', '102.1')
    quote('kraken', 'BTC/USDT', '999', '1000')
    quote('coinbase', 'BTC/USD', '999', '1000')
    quote('binance', 'USDT/USD', '1', '1.0002')
    expect(path(onlyOpened())).toHaveLength(3)
    // no price of its own got better
    quote('binance', 'USDT/USD', '0.97', '1.02')
    expect(path(onlyOpened())).toEqual([
      'buy kraken ETH/USD',
      'sell coinbase ETH/USDT',
      'buy kraken BTC/USDT',
      'sell coinbase BTC/USD',
    ])
  })

  it('keeps its legs as long as they pay, and becomes another opportunity when they do not', () => {
    quote('binance', 'BTC/USDT', '9990', '10000', '2')
    quote('kraken', 'ETH/BTC', '0.0490', '0.0495', '100')
    quote('bybit', 'ETH/USDT', '505', '506', '100')
    quote('kraken', 'USDT/USD', '0.9990', '0.9992')
    const { key } = onlyOpened()
    quote('coinbase', 'ETH/USDT', '506', '507', '100')
    expect(round().filter(({ kind }) => kind === 'closed')).toEqual([])
    quote('bybit', 'ETH/USDT', '480', '506', '100')
    const verdicts = round()
    expect(verdicts[0]).toEqual({ kind: 'closed', key, reason: 'closed' })
  })
})

describe('a near-miss', () => {
  it('is told once an episode, of what pays less than the minimum, and counts for no guard', () => {
    quote('binance', 'BTC/USDT', '99', '100', '50')
    quote('bybit', 'BTC/USDT', '100.3', '100.4', '50')
    quote('kraken', 'USDT/USD', '0.9990', '0.9992')
    expect(round()).toEqual([])
    detector.recheck()
    detector.recheck()
    expect(detector.takeNearMisses()).toMatchObject([
      {
        guard: 'below_minimum',
        why: 'nets 0.3000 % at the top, minimum 0.5 %',
        buy_exchange: 'binance',
        sell_exchange: 'bybit',
        gross_percent: '0.3000',
        net_percent: '0.3000',
        volume_usd: '4995.50',
      },
    ])
    expect(detector.rejected.below_minimum).toBe(0)
    quote('bybit', 'BTC/USDT', '99.9', '100.4', '50')
    round()
    detector.recheck()
    quote('bybit', 'BTC/USDT', '100.3', '100.4', '50')
    round()
    detector.recheck()
    expect(detector.takeNearMisses()).toHaveLength(1)
  })

  it('says what a guard refused', () => {
    const entry = quote('binance', 'BTC/USDT', '99', '100', '50')
    quote('bybit', 'BTC/USDT', '102', '103', '50')
    quote('kraken', 'USDT/USD', '0.9990', '0.9992')
    entry.confirmed_ms -= 10_000
    round()
    expect(detector.takeNearMisses()).toMatchObject([
      { guard: 'stale', type: 'cross_exchange', net_percent: '2.0000', legs: [{}, {}] },
    ])
    expect(detector.rejected.stale).toBe(1)
    expect(detector.takeNearMisses()).toEqual([])
  })
})
