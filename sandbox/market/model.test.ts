import { describe, expect, it } from 'vitest'
import { assembleModel, createMarketModel, type MarketModel } from './model.ts'
import type { LevelChange } from './source.ts'
import { FOUR } from './testing.ts'
import { createTruth } from './truth.ts'

const START_MS = 1_790_000_000_000

interface Line {
  type: string
  legs: { symbol: string }[]
  from_ms: number
  to_ms: number
  symbol: string
  buy_exchange: string
  sell_exchange: string
  profit_percent: string
  base_size: string
}

function run(
  model: MarketModel,
  duration_ms: number,
  step_ms: number,
  afterStep?: (ms: number) => void,
) {
  for (let time_ms = START_MS; time_ms <= START_MS + duration_ms; time_ms += step_ms) {
    model.step(time_ms)
    afterStep?.(time_ms)
  }
}

function truthOf(model: MarketModel, min_percent: number, duration_ms: number): Line[] {
  const lines: Line[] = []
  const write = (line: string) => lines.push(JSON.parse(line))
  const truth = createTruth({ model, min_percent, min_volume_usd: 1_000, write })
  run(model, duration_ms, 20, (time_ms) => truth.afterStep(time_ms))
  truth.close(START_MS + duration_ms)
  return lines
}

/** One coin against one money on two exchanges, which is what displacementSchedule makes. */
function simple(lines: readonly Line[]): Line[] {
  return lines.filter(
    ({ legs, symbol }) => legs.length === 2 && /^(?!USD|EUR).*\/USDT?$/.test(symbol),
  )
}

function transcript(seed: number, step_ms: number): string[] {
  const model = createMarketModel({ exchanges: FOUR, seed, symbols: 4, rate: 1 })
  const said: string[] = []
  model.onChange((...batch) => said.push(JSON.stringify(batch)))
  run(model, 20_000, step_ms)
  return said
}

describe('createMarketModel', () => {
  it('says the same, digit for digit, for the same seed and steps, and only then', () => {
    const said = transcript(11, 20)
    expect(said.length).toBeGreaterThan(1_000)
    expect(transcript(11, 20)).toEqual(said)
    expect(transcript(12, 20)).not.toEqual(said)
    expect(transcript(11, 25)).not.toEqual(said)
  })

  it('keeps every book valid, its stream complete and its version exact', {
    timeout: 60_000,
  }, () => {
    const model = createMarketModel({ exchanges: FOUR, seed: 5, symbols: 6, rate: 2 })
    const books = model.markets.map((_, market) => {
      const { bids, asks, version } = model.snapshot(market)
      const side = (levels: typeof bids) => new Map(levels.map(({ price, size }) => [price, size]))
      return { bid: side(bids), ask: side(asks), version }
    })
    model.onChange((market, changes, version, time_ms) => {
      const book = books[market]!
      for (const { side, price, size } of changes) {
        if (size === 0) book[side].delete(price)
        else book[side].set(price, size)
      }
      book.version += changes.length
      if (version !== book.version || time_ms < START_MS) throw new Error('broken stream')
    })
    run(model, 60_000, 20, (time_ms) => {
      if (time_ms % 6_000 !== 0) return
      model.markets.forEach((_, market) => {
        const { bids, asks, version } = model.snapshot(market)
        const book = books[market]!
        expect(version).toBe(book.version)
        expect(bids).toEqual(sorted(book.bid, -1))
        expect(asks).toEqual(sorted(book.ask, 1))
        expect(bids[0]!.price).toBeLessThan(asks[0]!.price)
        expect(model.best(market)).toEqual({ bid: bids[0], ask: asks[0] })
        const whole = (number: number) => Number.isSafeInteger(number) && number > 0
        expect([...bids, ...asks].every(({ price, size }) => whole(price) && whole(size))).toBe(
          true,
        )
      })
    })
  })

  it('moves the top in about one batch of seven, and majors faster than minors', () => {
    const model = createMarketModel({ exchanges: FOUR, seed: 6, symbols: 24, rate: 1 })
    const tops = model.markets.map((_, market) => JSON.stringify(model.best(market)))
    const batches = model.markets.map(() => 0)
    let moved = 0
    model.onChange((market) => {
      batches[market]! += 1
      const top = JSON.stringify(model.best(market))
      if (top !== tops[market]) moved += 1
      tops[market] = top
    })
    run(model, 60_000, 20)
    const total = batches.reduce((sum, count) => sum + count, 0)
    expect(moved / total).toBeGreaterThan(1 / 9)
    expect(moved / total).toBeLessThan(1 / 5)
    const rateOf = (exchange: string, symbol: string) =>
      batches[model.markets.findIndex((m) => m.exchange === exchange && m.symbol === symbol)]! / 60
    expect(rateOf('binance', 'BTC/USDT')).toBeGreaterThan(15)
    expect(rateOf('binance', 'PEPE/USDT')).toBeGreaterThan(1)
    expect(rateOf('binance', 'BTC/USDT')).toBeGreaterThan(3 * rateOf('binance', 'PEPE/USDT'))
  })

  it('multiplies the number of batches by the rate', () => {
    const batches = [1, 4].map((rate) => {
      const model = createMarketModel({ exchanges: FOUR, seed: 7, symbols: 4, rate })
      let count = 0
      model.onChange(() => {
        count += 1
      })
      run(model, 30_000, 20)
      return count
    })
    expect(batches[1]! / batches[0]!).toBeGreaterThan(3.5)
    expect(batches[1]! / batches[0]!).toBeLessThan(4.5)
  })

  it('takes another rate while it runs, at once and for every market', () => {
    const model = createMarketModel({ exchanges: FOUR, seed: 7, symbols: 24, rate: 1 })
    const batches = model.markets.map(() => 0)
    model.onChange((market) => {
      batches[market]! += 1
    })
    const countIn = (from_ms: number, duration_ms: number) => {
      batches.fill(0)
      for (let at = from_ms; at < from_ms + duration_ms; at += 20) model.step(START_MS + at)
      return batches.reduce((sum, count) => sum + count, 0)
    }
    const usual = countIn(0, 60_000)
    model.setRate(5)
    const fast = countIn(60_000, 60_000)
    expect(batches.every((count) => count > 0)).toBe(true)
    model.setRate(1)
    const again = countIn(120_000, 60_000)
    expect(fast / usual).toBeGreaterThan(4.5)
    expect(fast / usual).toBeLessThan(5.5)
    expect(again / usual).toBeGreaterThan(0.9)
    expect(again / usual).toBeLessThan(1.1)
    expect(() => model.setRate(0)).toThrow(RangeError)
  })

  it('lets no time pass between a pause and the next step', () => {
    const [paused, unpaused] = [1, 2].map(() =>
      createMarketModel({ exchanges: FOUR, seed: 8, symbols: 4, rate: 2 }),
    ) as [MarketModel, MarketModel]
    run(paused, 5_000, 20)
    run(unpaused, 5_000, 20)
    paused.pause()
    const hour_ms = 3_600_000
    for (let at = 5_000; at <= 10_000; at += 20) {
      paused.step(START_MS + hour_ms + at)
      unpaused.step(START_MS + at)
    }
    const books = (model: MarketModel) => model.markets.map((_, market) => model.snapshot(market))
    expect(books(paused)).toEqual(books(unpaused))
  })

  it('makes gaps of the promised size, length and frequency, the first within seconds', {
    timeout: 60_000,
  }, () => {
    const lines = [1, 2, 3].map((seed) =>
      truthOf(createMarketModel({ exchanges: FOUR, seed, symbols: 24, rate: 1 }), 0.5, 150_000),
    )
    for (const run of lines) {
      expect(Math.min(...run.map(({ from_ms }) => from_ms)) - START_MS).toBeLessThan(5_000)
    }
    const all = simple(lines.flat())
    const every_ms = (3 * 150_000) / all.length
    expect(every_ms).toBeGreaterThan(2_000)
    expect(every_ms).toBeLessThan(5_000)
    const profits = all.map(({ profit_percent }) => Number(profit_percent)).sort((a, b) => a - b)
    expect(profits[0]).toBeGreaterThanOrEqual(0.5)
    expect(profits[Math.floor(profits.length * 0.1)]).toBeGreaterThan(0.6)
    expect(profits.at(-1)).toBeLessThan(3)
    for (const { from_ms, to_ms } of all) expect(to_ms - from_ms).toBeLessThanOrEqual(4_120)
    const long = all.filter(({ from_ms, to_ms }) => to_ms - from_ms >= 80)
    expect(long.length / all.length).toBeGreaterThan(0.95)
  })

  // At the low rate almost no quote moves by itself, so only the bound holds the books together.
  it.each([1, 0.01])(
    'never lets noise alone pay two taker fees, at rate %d',
    { timeout: 60_000 },
    (rate) => {
      const quiet = assembleModel({ exchanges: FOUR, seed: 9, symbols: 24, rate }, () => () => [])
      const lines: string[] = []
      const truth = createTruth({
        model: quiet,
        min_percent: 0,
        min_volume_usd: 0,
        write: (line) => lines.push(line),
      })
      run(quiet, 240_000, 20, (time_ms) => truth.afterStep(time_ms))
      // A caller who was held up for minutes finds the books together again.
      for (let pause = 1; pause <= 20; pause++) {
        quiet.step(START_MS + 240_000 + pause * 120_000)
        truth.afterStep(START_MS + 240_000 + pause * 120_000)
      }
      truth.close(START_MS + 10_000_000)
      expect(lines).toEqual([])
    },
  )

  it('lets a gap close between exchanges that agreed before and agree afterwards', () => {
    const lines = truthOf(
      createMarketModel({ exchanges: FOUR, seed: 4, symbols: 24, rate: 1 }),
      0,
      120_000,
    )
    expect(lines.length).toBeGreaterThan(10)
    for (const { from_ms, to_ms } of simple(lines)) {
      expect(to_ms - from_ms).toBeLessThanOrEqual(4_120)
    }
    // a chain of several markets may be held open by one tear after another
    for (const { from_ms, to_ms } of lines) expect(to_ms - from_ms).toBeLessThanOrEqual(20_000)
  })

  it('lets no time pass when the clock goes back', () => {
    const model = createMarketModel({ exchanges: FOUR, seed: 1, symbols: 2, rate: 1 })
    run(model, 5_000, 20)
    const said: (readonly LevelChange[])[] = []
    model.onChange((_market, changes) => said.push(changes))
    model.step(START_MS)
    model.step(START_MS - 60_000)
    expect(said).toEqual([])
  })

  it('goes quiet for a listener that has ended its subscription', () => {
    const model = createMarketModel({ exchanges: FOUR, seed: 1, symbols: 1, rate: 1 })
    let heard = 0
    const end = model.onChange(() => {
      heard += 1
    })
    run(model, 2_000, 20)
    const before = heard
    end()
    model.step(START_MS + 4_000)
    expect(before).toBeGreaterThan(0)
    expect(heard).toBe(before)
  })

  it('refuses options that it cannot serve', () => {
    for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => createMarketModel({ exchanges: FOUR, seed: 1, symbols: 2, rate })).toThrow(
        RangeError,
      )
    }
    expect(() => createMarketModel({ exchanges: FOUR, seed: 1, symbols: 0, rate: 1 })).toThrow(
      RangeError,
    )
    expect(() => createMarketModel({ exchanges: FOUR, seed: 0.1, symbols: 2, rate: 1 })).toThrow(
      RangeError,
    )
  })
})

function sorted(side: Map<number, number>, away: 1 | -1) {
  return [...side].sort(([a], [b]) => (a - b) * away).map(([price, size]) => ({ price, size }))
}
