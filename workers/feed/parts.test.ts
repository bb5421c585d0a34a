/** The small parts of a feed: limits, waits, choices, addresses. */
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { testMarket } from '../exchanges/testing.ts'
import { backoff_ms, isBlocked, isThrottled, retryAfter_ms } from './backoff.ts'
import { Budget } from './budget.ts'
import { chooseMarkets, unknownSymbols } from './choose.ts'
import { Pacer } from './pacer.ts'
import { Rate } from './rate.ts'
import { Resyncs } from './resyncs.ts'
import { resolveUrl, restUrl } from './url.ts'

describe('Budget', () => {
  it('never spends more than its limit in any window, and always grants in the end', () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 400 })),
      {
        minLength: 1,
        maxLength: 100,
      },
    )
    fc.assert(
      fc.property(steps, (all) => {
        const budget = new Budget(60, 1_000)
        const granted: { at_ms: number; cost: number }[] = []
        let now_ms = 0
        for (const [cost, pause_ms] of all) {
          now_ms += pause_ms
          let wait_ms = budget.take(cost, now_ms)
          for (let tries = 0; wait_ms > 0; tries++) {
            expect(tries).toBeLessThan(5)
            now_ms += wait_ms
            wait_ms = budget.take(cost, now_ms)
          }
          granted.push({ at_ms: now_ms, cost })
          const spent = granted
            .filter(({ at_ms }) => now_ms - at_ms < 1_000)
            .reduce((sum, entry) => sum + entry.cost, 0)
          expect(spent).toBeLessThanOrEqual(60)
        }
      }),
    )
  })

  it('refuses what could never be granted', () => {
    expect(() => new Budget(5, 1_000).take(6, 0)).toThrow(RangeError)
  })
})

describe('backoff', () => {
  it('doubles up to its cap and spreads over the whole range', () => {
    const ceilings = [0, 1, 2, 10, 1_000].map((attempt) =>
      backoff_ms(attempt, { base_ms: 500, cap_ms: 30_000 }, () => 1),
    )
    expect(ceilings).toEqual([500, 1_000, 2_000, 30_000, 30_000])
    expect(backoff_ms(3, { base_ms: 500, cap_ms: 30_000 }, () => 0)).toBe(0)
  })

  it('knows a refusal of the address from a request to slow down', () => {
    expect([451, 403].every(isBlocked)).toBe(true)
    expect([429, 418].every(isThrottled)).toBe(true)
    expect([200, 500, undefined].some((status) => isBlocked(status) || isThrottled(status))).toBe(
      false,
    )
  })

  it('reads Retry-After in seconds and waits a minute when there is none', () => {
    expect(retryAfter_ms('7')).toBe(7_000)
    for (const header of [null, undefined, '', 'soon', '-3'])
      expect(retryAfter_ms(header)).toBe(60_000)
  })
})

describe('Pacer', () => {
  it('sends in order and never more than so many in a second', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const sent: [string, number][] = []
    const clock = { monotonic_ms: () => Date.now(), wall_ms: () => Date.now() }
    const start_ms = Date.now()
    const pacer = new Pacer(3, clock, (frame) => sent.push([frame, Date.now() - start_ms]))
    pacer.push(['a', 'b', 'c', 'd'])
    pacer.push(['e', 'f', 'g'])
    expect(sent.map(([frame]) => frame).join('')).toBe('abc')
    vi.advanceTimersByTime(1_000)
    expect(sent.map(([frame]) => frame).join('')).toBe('abcdef')
    vi.advanceTimersByTime(10_000)
    expect(sent.at(-1)).toEqual(['g', 2_000])
  })

  it('sends nothing more once it is stopped', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const clock = { monotonic_ms: () => Date.now(), wall_ms: () => Date.now() }
    const sent: string[] = []
    const pacer = new Pacer(1, clock, (frame) => sent.push(frame))
    pacer.push(['a', 'b'])
    pacer.stop()
    vi.advanceTimersByTime(10_000)
    expect(sent).toEqual(['a'])
  })
})

describe('Resyncs', () => {
  it('asks at once, then ever more rarely while nothing comes', () => {
    const resyncs = new Resyncs<string>(() => 1)
    const asked: number[] = []
    resyncs.ask('a', 0)
    for (let now_ms = 0; now_ms <= 60_000; now_ms += 100) {
      for (const key of resyncs.due(now_ms)) {
        asked.push(now_ms)
        resyncs.asked(key, now_ms + 10_000)
      }
    }
    expect(asked).toEqual([0, 12_000, 26_000, 44_000])
    expect(resyncs.attempts('a')).toBe(5)
  })

  it('is patient again with a market that held for a while, and not with one that did not', () => {
    const resyncs = new Resyncs<string>(() => 1)
    resyncs.ask('a', 0)
    resyncs.synced('a', 1_000)
    resyncs.ask('a', 2_000)
    expect(resyncs.due(2_000)).toEqual([])
    resyncs.synced('a', 3_000)
    resyncs.ask('a', 34_000)
    expect(resyncs.due(34_000)).toEqual(['a'])
  })

  it('waits no longer for an answer than a refusal nearby suggests', () => {
    const resyncs = new Resyncs<string>(() => 0)
    resyncs.asked('a', 10_000)
    resyncs.hurry('a', 3_000)
    resyncs.hurry('a', 5_000)
    expect(resyncs.due(2_999)).toEqual([])
    expect(resyncs.due(3_000)).toEqual(['a'])
  })

  it('forgets what nobody asks for any more', () => {
    const resyncs = new Resyncs<string>(() => 0)
    resyncs.ask('a', 0)
    resyncs.forget('a')
    expect(resyncs.due(1e9)).toEqual([])
  })
})

describe('Rate', () => {
  it('is the mean of the last seconds', () => {
    const rate = new Rate(0)
    for (let s = 1; s <= 20; s++) rate.sample(s <= 10 ? s * 100 : 1_000, s * 1_000)
    expect(rate.per_second).toBe(0)
    const steady = new Rate(0)
    for (let s = 1; s <= 20; s++) steady.sample(s * 250, s * 1_000)
    expect(steady.per_second).toBe(250)
  })
})

describe('resolveUrl', () => {
  const kraken = 'wss://ws.kraken.com/v2'
  it.each([
    [undefined, kraken],
    ['', kraken],
    ['ws://localhost:9000', 'ws://localhost:9000/v2'],
    ['ws://localhost:9000/', 'ws://localhost:9000/v2'],
    ['ws://localhost:9000/kraken', 'ws://localhost:9000/kraken'],
    ['ws://localhost:9000/kraken/', 'ws://localhost:9000/kraken/'],
  ])('turns the override %s into %s', (override, url) => {
    expect(resolveUrl(override, kraken)).toBe(url)
  })

  it('adds no slash where the default has no path', () => {
    expect(resolveUrl('http://localhost:1', 'https://api.kraken.com')).toBe('http://localhost:1')
    expect(restUrl('http://localhost:1/base/', '/0/public')).toBe(
      'http://localhost:1/base/0/public',
    )
  })

  it('throws when the override is no address', () => {
    expect(() => resolveUrl('localhost', kraken)).toThrow(TypeError)
  })
})

describe('chooseMarkets', () => {
  const list = (exchange: string, ...symbols: string[]) =>
    symbols.map((symbol) => testMarket(exchange, symbol))
  const markets = [
    ...list('a', 'ZZZ/USDT', 'BTC/USDT', 'AAA/USDT', 'ETH/USDT', 'ETH/USD'),
    ...list('b', 'BTC/USD', 'AAA/USDT', 'ETH/USDT'),
    ...list('c', 'AAA/USDT', 'ONLY/USDT'),
  ]
  const symbols = (chosen: readonly { symbol: string }[]) => [
    ...new Set(chosen.map((m) => m.symbol)),
  ]

  it('takes symbols of more exchanges first, then well-known assets, then the alphabet', () => {
    expect(symbols(chooseMarkets(markets, { max_symbols: 100 }))).toEqual([
      'AAA/USDT',
      'ETH/USDT',
      'BTC/USDT',
      'BTC/USD',
      'ETH/USD',
      'ONLY/USDT',
      'ZZZ/USDT',
    ])
  })

  it('counts symbols, not markets, and takes each of them everywhere', () => {
    const chosen = chooseMarkets(markets, { max_symbols: 2 })
    expect(chosen.map(({ exchange, symbol }) => `${exchange} ${symbol}`)).toEqual([
      'a AAA/USDT',
      'b AAA/USDT',
      'c AAA/USDT',
      'a ETH/USDT',
      'b ETH/USDT',
    ])
  })

  it('does not depend on the order of the lists', () => {
    const turned = [...markets].reverse()
    expect(symbols(chooseMarkets(turned, { max_symbols: 4 }))).toEqual(
      symbols(chooseMarkets(markets, { max_symbols: 4 })),
    )
  })

  it('takes what is asked for, in that order, and says what nobody lists', () => {
    const asked = ['ZZZ/USDT', 'NOPE/USDT', 'BTC/USD', 'ZZZ/USDT']
    expect(symbols(chooseMarkets(markets, { symbols: asked, max_symbols: 10 }))).toEqual([
      'ZZZ/USDT',
      'BTC/USD',
    ])
    expect(unknownSymbols(markets, asked)).toEqual(['NOPE/USDT'])
    expect(unknownSymbols(markets)).toEqual([])
  })

  it('leaves out what does not trade', () => {
    const closed = markets.map((market) => ({ ...market, trading: market.exchange !== 'a' }))
    const chosen = chooseMarkets(closed, { max_symbols: 100 })
    expect(chosen.some(({ exchange }) => exchange === 'a')).toBe(false)
    expect(unknownSymbols(closed, ['ZZZ/USDT'])).toEqual(['ZZZ/USDT'])
  })
})
