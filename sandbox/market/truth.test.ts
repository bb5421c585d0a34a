import { describe, expect, it } from 'vitest'
import { createMarketModel, type MarketModel } from './model.ts'
import type { ChangeListener, Level, SimulatedMarket, Snapshot } from './source.ts'
import { createTruth } from './truth.ts'

const START_MS = 1_790_000_000_000

function market(
  exchange: 'binance' | 'bybit' | 'kraken',
  quote: string,
  digits: number,
): SimulatedMarket {
  return {
    exchange,
    base: 'ABC',
    quote,
    symbol: `ABC/${quote}`,
    price_decimals: digits,
    size_decimals: digits,
    minimum_size: '1',
    minimum_notional: '1',
    taker_fee_percent: '0.1',
  }
}

/** A model whose books are set by hand, in whole units. */
function handmade(markets: readonly SimulatedMarket[]) {
  const books: Snapshot[] = markets.map(() => ({ bids: [], asks: [], version: 0 }))
  const listeners = new Set<ChangeListener>()
  const model: MarketModel = {
    markets,
    snapshot: (index) => books[index]!,
    best: (index) => ({ bid: books[index]!.bids[0]!, ask: books[index]!.asks[0]! }),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    step: () => {},
    pause: () => {},
    setRate: () => {},
    usdPrice: (asset) => (asset === 'USDT' ? 0.5 : 1),
  }
  const set = (index: number, bid: number, ask: number, size = 50) => {
    const scale = 10 ** markets[index]!.price_decimals
    const level = (price: number): Level => ({ price: price * scale, size: size * scale })
    books[index] = { bids: [level(bid)], asks: [level(ask)], version: 0 }
    for (const listener of listeners) listener(index, [], 0, 0)
  }
  return { model, set, listeners }
}

function watch(model: MarketModel, min_volume_usd = 1_000) {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => lines.push(JSON.parse(line))
  return { lines, truth: createTruth({ model, min_percent: 0.5, min_volume_usd, write }) }
}

const three = [market('binance', 'USDT', 2), market('bybit', 'USDT', 0), market('kraken', 'USD', 1)]

describe('createTruth', () => {
  it('writes one line at the end of a gap, with its best moment', () => {
    const { model, set } = handmade(three)
    const { lines, truth } = watch(model)
    set(0, 99, 100)
    set(1, 99, 101)
    truth.afterStep(10)
    set(1, 102, 103)
    truth.afterStep(20)
    set(1, 103, 104, 30)
    truth.afterStep(30)
    set(1, 101, 102)
    truth.afterStep(40)
    expect(lines).toEqual([])
    set(1, 99, 101)
    truth.afterStep(55)
    // Of 30 sold at 103, 30 / 0.999 = 30.03 are bought, in whole lots of one: 30.
    expect(lines).toEqual([
      {
        from_ms: 20,
        to_ms: 55,
        type: 'cross_exchange',
        symbol: 'ABC/USDT',
        buy_exchange: 'binance',
        sell_exchange: 'bybit',
        profit_percent: '2.7941',
        base_size: '30',
      },
    ])
  })

  it('compares no different quotes', () => {
    const { model, set } = handmade(three)
    const { lines, truth } = watch(model)
    set(0, 99, 100)
    set(1, 99, 101)
    set(2, 150, 151)
    truth.afterStep(1)
    truth.close(2)
    expect(lines).toEqual([])
  })

  it('values the volume in dollars: 50 at 100 of a quote worth half a dollar are 2,500', () => {
    for (const [min_volume_usd, gaps] of [
      [2_500, 1],
      [2_500.01, 0],
    ] as const) {
      const { model, set } = handmade(three)
      const { lines, truth } = watch(model, min_volume_usd)
      set(0, 99, 100)
      set(1, 102, 103)
      truth.afterStep(1)
      truth.close(2)
      expect(lines.length).toBe(gaps)
    }
  })

  it('writes gaps that are still open when it is closed, and then stops listening', () => {
    const { model, set, listeners } = handmade(three)
    const { lines, truth } = watch(model)
    set(0, 102, 103)
    set(1, 99, 100)
    truth.afterStep(7)
    truth.close(9)
    expect(lines).toMatchObject([
      { from_ms: 7, to_ms: 9, buy_exchange: 'bybit', sell_exchange: 'binance' },
    ])
    expect(listeners.size).toBe(0)
  })

  it('agrees with a brute-force look at every snapshot of a live model', {
    timeout: 60_000,
  }, () => {
    const model = createMarketModel({ seed: 21, symbols: 5, rate: 1 })
    const { lines, truth } = watch(model)
    const open = new Map<string, { from_ms: number; best: number }>()
    const expected: { key: string; from_ms: number; to_ms: number; best: number }[] = []
    let time_ms = START_MS
    for (; time_ms < START_MS + 60_000; time_ms += 40) {
      model.step(time_ms)
      truth.afterStep(time_ms)
      const now = bruteForce(model)
      for (const [key, profit] of now) {
        const known = open.get(key)
        open.set(key, {
          from_ms: known?.from_ms ?? time_ms,
          best: Math.max(known?.best ?? 0, profit),
        })
      }
      for (const [key, gap] of open) {
        if (now.has(key)) continue
        open.delete(key)
        expected.push({ key, to_ms: time_ms, ...gap })
      }
    }
    truth.close(time_ms)
    for (const [key, gap] of open) expected.push({ key, to_ms: time_ms, ...gap })
    const found = lines.map((line) => ({
      key: `${line.symbol} ${line.buy_exchange} ${line.sell_exchange}`,
      from_ms: line.from_ms,
      to_ms: line.to_ms,
    }))
    const order = (a: { key: string; from_ms: unknown }, b: { key: string; from_ms: unknown }) =>
      `${a.key} ${a.from_ms}`.localeCompare(`${b.key} ${b.from_ms}`)
    expect(found.length).toBeGreaterThan(5)
    expect(found.sort(order)).toEqual(
      expected.sort(order).map(({ key, from_ms, to_ms }) => ({ key, from_ms, to_ms })),
    )
    const best = new Map(expected.map((gap) => [`${gap.key} ${gap.from_ms}`, gap.best]))
    for (const line of lines) {
      const name = `${line.symbol} ${line.buy_exchange} ${line.sell_exchange} ${line.from_ms}`
      expect(Math.abs(Number(line.profit_percent) - best.get(name)!)).toBeLessThan(0.002)
    }
  })
})

/** Every ordered pair of markets of one symbol, walked in floats in small slices of base. */
function bruteForce(model: MarketModel): Map<string, number> {
  const found = new Map<string, number>()
  const books = model.markets.map((m, index) => {
    const { bids, asks } = model.snapshot(index)
    const real = ({ price, size }: Level) => ({
      price: price / 10 ** m.price_decimals,
      size: size / 10 ** m.size_decimals,
    })
    return {
      bids: bids.map(real),
      asks: asks.map(real),
      keep: 1 - Number(m.taker_fee_percent) / 100,
    }
  })
  model.markets.forEach((buying, buy) => {
    model.markets.forEach((selling, sell) => {
      if (buy === sell || buying.symbol !== selling.symbol) return
      const reach = books[sell]!.bids[0]!.price / books[buy]!.asks[0]!.price
      if (reach < 1) return
      const profit = slice(books[buy]!, books[sell]!, 1_000 / model.usdPrice(buying.quote))
      if (profit === undefined) return
      found.set(`${buying.symbol} ${buying.exchange} ${selling.exchange}`, profit)
    })
  })
  return found
}

interface RealBook {
  bids: { price: number; size: number }[]
  asks: { price: number; size: number }[]
  keep: number
}

function slice(buy: RealBook, sell: RealBook, min_quote: number): number | undefined {
  const slices: { paid: number; received: number }[] = []
  let [ask, bid, takenAsk, takenBid] = [0, 0, 0, 0]
  while (ask < buy.asks.length && bid < sell.bids.length) {
    const [a, b] = [buy.asks[ask]!, sell.bids[bid]!]
    if (b.price * buy.keep * sell.keep <= a.price) break
    const size = Math.min(a.size / 500, a.size - takenAsk, (b.size - takenBid) / buy.keep)
    slices.push({ paid: size * a.price, received: size * buy.keep * b.price * sell.keep })
    takenAsk += size
    takenBid += size * buy.keep
    if (takenAsk >= a.size * (1 - 1e-12)) [ask, takenAsk] = [ask + 1, 0]
    if (takenBid >= b.size * (1 - 1e-12)) [bid, takenBid] = [bid + 1, 0]
  }
  let [paid, received] = [0, 0]
  for (const part of slices) {
    if (received + part.received < (paid + part.paid) * 1.005) break
    paid += part.paid
    received += part.received
  }
  return paid >= min_quote ? (received / paid - 1) * 100 : undefined
}
