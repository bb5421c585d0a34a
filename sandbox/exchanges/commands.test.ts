import { PassThrough } from 'node:stream'
import { expect, it, vi } from 'vitest'
import { createMarketModel } from '../market/model.ts'
import { FOUR } from '../market/testing.ts'
import { type Answer, hearCommands, obey, type TrueBook } from './commands.ts'
import { Operations } from './operations.ts'

const START_MS = 1_790_000_000_000

function market() {
  const model = createMarketModel({ exchanges: FOUR, seed: 3, symbols: 2, rate: 1 })
  model.step(START_MS)
  const status = { frames_sent: 7, cpu_seconds: 1.5, steps: 9 }
  const operations = new Map([['kraken', new Operations()]])
  const controls = { model, operations, pause: vi.fn(), resume: vi.fn(), status: () => status }
  return { model, controls, operations, tell: (command: string) => obey(command, controls) }
}

function granted(answer: Answer): unknown {
  if (!answer.ok) throw new Error(answer.error)
  return answer.value
}

it('answers each line with one, in their order', async () => {
  const { controls } = market()
  const input = new PassThrough()
  const lines: string[] = []
  hearCommands(input, controls, (line) => lines.push(line))
  input.write('pause\nsta')
  input.write('tus\nresume\n')
  await vi.waitUntil(() => lines.length === 3)
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { command: 'pause', ok: true, value: null },
    { command: 'status', ok: true, value: { frames_sent: 7, cpu_seconds: 1.5, steps: 9 } },
    { command: 'resume', ok: true, value: null },
  ])
  expect(controls.pause).toHaveBeenCalledOnce()
  expect(controls.resume).toHaveBeenCalledOnce()
})

it('shows the market itself with every digit, best first', () => {
  const { model, tell } = market()
  for (let at = 0; at < 5_000; at += 10) model.step(START_MS + at)
  const books = granted(tell('books kraken')) as TrueBook[]
  const listed = model.markets.flatMap((one, index) => (one.exchange === 'kraken' ? [index] : []))
  expect(books.map(({ symbol }) => symbol)).toEqual(
    listed.map((index) => model.markets[index]?.symbol),
  )
  for (const [at, index] of listed.entries()) {
    const { bids, asks, version } = model.snapshot(index)
    const { price_decimals, size_decimals } = model.markets[index]!
    expect(books[at]?.version).toBe(version)
    for (const [shown, levels] of [
      [books[at]?.bids, bids],
      [books[at]?.asks, asks],
    ] as const) {
      const integers = shown?.map(([price, size]) => ({
        price: Math.round(Number(price) * 10 ** price_decimals),
        size: Math.round(Number(size) * 10 ** size_decimals),
      }))
      expect(integers).toEqual(levels)
    }
  }
  expect(granted(tell('books nobody'))).toEqual([])
})

it('changes the rate of the market, and refuses one that is none', () => {
  const { model, tell } = market()
  const setRate = vi.spyOn(model, 'setRate')
  expect(tell('rate 2.5')).toEqual({ command: 'rate 2.5', ok: true, value: 2.5 })
  expect(setRate).toHaveBeenCalledWith(2.5)
  for (const bad of ['rate', 'rate -1', 'rate x']) expect(tell(bad)).toMatchObject({ ok: false })
})

it('moves the peg of a stablecoin and crosses a book for a while', () => {
  const { model, tell } = market()
  const pass = (from_ms: number, to_ms: number) => {
    for (let at = from_ms; at <= to_ms; at += 10) model.step(START_MS + at)
  }
  pass(0, 500)
  const index = model.markets.findIndex((m) => m.exchange === 'kraken' && m.symbol === 'ETH/USD')
  const isCrossed = () => model.best(index).bid.price >= model.best(index).ask.price
  expect(granted(tell('peg USDC 0.93'))).toBeNull()
  expect(granted(tell('cross kraken ETH/USD 400'))).toBeNull()
  expect(isCrossed()).toBe(true)
  pass(510, 880)
  expect(isCrossed()).toBe(true)
  pass(890, 20_000)
  expect(isCrossed()).toBe(false)
  expect(Math.abs(model.usdPrice('USDC') / 0.93 - 1)).toBeLessThan(0.01)
  for (const bad of ['peg USD 0.9', 'peg USDC x', 'cross kraken ETH/USD', 'cross kraken A/B 10']) {
    expect(tell(bad)).toMatchObject({ ok: false })
  }
})

it('tears a market away from the others for a while, and lets it come back', () => {
  const { model, tell } = market()
  const pass = (from_ms: number, to_ms: number) => {
    for (let at = from_ms; at <= to_ms; at += 10) model.step(START_MS + at)
  }
  pass(0, 500)
  const middle = (exchange: string) => {
    const index = model.markets.findIndex((m) => m.exchange === exchange && m.symbol === 'ETH/USD')
    const { bid, ask } = model.best(index)
    return (bid.price + ask.price) / 2 / 10 ** model.markets[index]!.price_decimals
  }
  const apart = () => middle('kraken') / middle('coinbase')
  expect(granted(tell('tear kraken ETH/USD 1.03 5000'))).toBeNull()
  pass(510, 5_400)
  expect(apart()).toBeGreaterThan(1.02)
  pass(5_410, 8_000)
  expect(apart()).toBeLessThan(1.01)
  for (const bad of ['tear kraken ETH/USD 0 10', 'tear kraken ETH/USD 2', 'tear kraken A/B 2 10']) {
    expect(tell(bad)).toMatchObject({ ok: false })
  }
})

it('says what it cannot do', () => {
  expect(market().tell('sell everything')).toMatchObject({ error: expect.stringContaining('sell') })
  expect(obey('pause', undefined)).toMatchObject({ error: expect.stringContaining('recordings') })
})

it('halts a market and the whole exchange, in its words and in its books alike', () => {
  const { model, operations, tell } = market()
  const kraken = operations.get('kraken')!
  const own = model.markets.flatMap((one, index) => (one.exchange === 'kraken' ? [index] : []))
  const [first = -1, ...others] = own
  const { symbol } = model.markets[first]!
  const open = (markets: readonly number[]) => markets.filter((index) => model.isOpen(index))
  expect(tell(`halt kraken ${symbol}`)).toMatchObject({ ok: true, value: null })
  expect(kraken.isHalted(symbol)).toBe(true)
  expect(open(own)).toEqual(others)
  tell('maintenance kraken on')
  expect(kraken.maintenance).toBe(true)
  expect(open(own)).toEqual([])
  const elsewhere = model.markets.flatMap((one, at) => (one.exchange === 'bybit' ? [at] : []))
  expect(open(elsewhere)).toEqual(elsewhere)
  tell('maintenance kraken off')
  expect(open(own)).toEqual(others)
  tell(`open kraken ${symbol}`)
  expect(open(own)).toEqual(own)
  tell('refuse kraken on')
  expect([kraken.refusing, open(own)]).toEqual([true, own])
})

it.each([
  'halt kraken NOPE/USD',
  'halt nobody BTC/USD',
  'maintenance nobody on',
  'maintenance kraken',
  'refuse kraken maybe',
])('refuses "%s" and says why', (command) => {
  expect(market().tell(command)).toMatchObject({
    ok: false,
    error: expect.stringMatching(/no|neither/),
  })
})
