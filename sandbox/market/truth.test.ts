import { describe, expect, it } from 'vitest'
import type { MarketModel } from './model.ts'
import type { ChangeListener, Level, SimulatedMarket, Snapshot } from './source.ts'
import { createTruth } from './truth.ts'

/** how often each of them publishes */
const PUSH_EVERY_MS = { binance: 100, bybit: 20, kraken: 0 }

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
    minimum_size: '0.01',
    minimum_notional: '1',
    taker_fee_percent: '0.1',
    push_every_ms: PUSH_EVERY_MS[exchange],
  }
}

/** A model whose books are set by hand, in whole units. */
function handmade(markets: readonly SimulatedMarket[]) {
  const books: Snapshot[] = markets.map(() => ({ bids: [], asks: [], version: 0 }))
  const listeners = new Set<ChangeListener>()
  const closed = new Set<number>()
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
    isOpen: (index) => !closed.has(index),
    setOpen: () => {},
    cross: () => {},
    setPeg: () => {},
    tear: () => {},
  }
  const set = (index: number, bid: number, ask: number, size = 50) => {
    const scale = 10 ** markets[index]!.price_decimals
    const level = (price: number): Level => ({ price: price * scale, size: size * scale })
    const before = books[index]!
    const gone = (side: 'bid' | 'ask', levels: readonly Level[]) =>
      levels.map(({ price }) => ({ side, price, size: 0 }))
    books[index] = { bids: [level(bid)], asks: [level(ask)], version: 0 }
    const changes = [
      ...gone('bid', before.bids),
      ...gone('ask', before.asks),
      { side: 'bid' as const, ...level(bid) },
      { side: 'ask' as const, ...level(ask) },
    ]
    for (const listener of listeners) listener(index, changes, 0, 0)
  }
  const setOpen = (index: number, open: boolean) => {
    if (open) closed.delete(index)
    else closed.add(index)
    for (const listener of listeners) listener(index, [], 0, 0)
  }
  return { model, set, setOpen, listeners }
}

function watch(model: MarketModel, min_volume_usd = 1_000) {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => lines.push(JSON.parse(line))
  return { lines, truth: createTruth({ model, min_percent: 0.5, min_volume_usd, write }) }
}

const three = [market('binance', 'USDT', 2), market('bybit', 'USDT', 2), market('kraken', 'USD', 2)]

describe('createTruth', () => {
  it('writes one line at the end of a gap, with its best moment', () => {
    const { model, set } = handmade(three)
    const { lines, truth } = watch(model)
    set(0, 99, 100)
    set(1, 99, 101)
    truth.afterStep(100)
    set(1, 102, 103)
    truth.afterStep(120)
    set(1, 103, 104, 30)
    truth.afterStep(140)
    set(1, 101, 102)
    truth.afterStep(160)
    expect(lines).toEqual([])
    set(1, 99, 101)
    truth.afterStep(180)
    // of 30 sold at 103, 30 / 0.999 = 30.03 are bought, and of what arrives 29.99 are whole lots
    expect(lines).toEqual([
      {
        from_ms: 120,
        to_ms: 180,
        type: 'cross_exchange',
        symbol: 'ABC/USDT',
        buy_exchange: 'binance',
        sell_exchange: 'bybit',
        profit_percent: '2.7599',
        base_size: '30.03',
        volume_usd: '1501.50',
        key: 'cross_exchange binance buy ABC/USDT > bybit sell ABC/USDT',
        legs: [
          { exchange: 'binance', symbol: 'ABC/USDT', side: 'buy' },
          { exchange: 'bybit', symbol: 'ABC/USDT', side: 'sell' },
        ],
      },
    ])
  })

  it('knows a change when its exchange publishes it, not before', () => {
    const { model, set } = handmade(three)
    const { lines, truth } = watch(model)
    set(0, 99, 100)
    set(1, 99, 101)
    truth.afterStep(100)
    set(0, 103, 104)
    for (const now_ms of [110, 150, 199]) truth.afterStep(now_ms)
    truth.afterStep(204)
    truth.close(205)
    expect(lines).toMatchObject([{ from_ms: 204, to_ms: 205, sell_exchange: 'binance' }])
  })

  it('takes no quote for another one', () => {
    const { model, set } = handmade(three)
    const { lines, truth } = watch(model)
    set(0, 99, 100)
    set(1, 99, 101)
    set(2, 150, 151)
    truth.afterStep(100)
    truth.close(200)
    expect(lines).toEqual([])
  })

  it('converts one money into another where a market of the two is open', () => {
    const conversion = { ...market('kraken', 'USD', 2), base: 'USDT', symbol: 'USDT/USD' }
    const { model, set } = handmade([...three, conversion])
    const { lines, truth } = watch(model, 500)
    set(0, 99, 100)
    set(1, 99, 106)
    set(2, 52, 53)
    set(3, 0.49, 0.5, 50_000)
    truth.afterStep(100)
    truth.close(200)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      type: 'cross_exchange',
      buy_exchange: 'binance',
      sell_exchange: 'kraken',
      legs: [{ side: 'buy' }, { side: 'sell' }, { symbol: 'USDT/USD', side: 'buy' }],
    })
  })

  it('knows that nothing can be taken from a market that is halted or crosses itself', () => {
    const { model, set, setOpen } = handmade(three)
    const { lines, truth } = watch(model)
    set(0, 99, 100)
    set(1, 103, 104)
    truth.afterStep(100)
    setOpen(1, false)
    truth.afterStep(120)
    expect(lines).toMatchObject([{ from_ms: 100, to_ms: 120 }])
    setOpen(1, true)
    truth.afterStep(140)
    set(1, 105, 104)
    truth.afterStep(160)
    truth.close(180)
    expect(lines).toMatchObject([{}, { from_ms: 140, to_ms: 160 }])
  })

  it('values the volume in dollars: 50 at 100 of a quote worth half a dollar are 2,500', () => {
    for (const [min_volume_usd, gaps] of [
      [2_500, 1],
      [2_500.01, 0],
    ] as const) {
      const { model, set } = handmade(three)
      const { lines, truth } = watch(model, min_volume_usd)
      set(0, 99, 100)
      set(1, 102, 103, 51)
      truth.afterStep(100)
      truth.close(200)
      expect(lines.length).toBe(gaps)
    }
  })

  it('writes gaps that are still open when it is closed, and then stops listening', () => {
    const { model, set, listeners } = handmade(three)
    const { lines, truth } = watch(model)
    set(0, 102, 103)
    set(1, 99, 100)
    truth.afterStep(100)
    truth.close(109)
    expect(lines).toMatchObject([
      { from_ms: 100, to_ms: 109, buy_exchange: 'bybit', sell_exchange: 'binance' },
    ])
    expect(listeners.size).toBe(0)
  })
})
