import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { exchanges } from '../exchanges/index.ts'
import { createFees } from './fees.ts'
import { TestBooks } from './testing.ts'

const world = new TestBooks()
const { market } = world.add('binance', 'BTC/USDT', { taker_fee_percent: '0.1' })

describe('the fee of a market', () => {
  it('is the list price where no key tells otherwise', () => {
    expect(createFees().of(market)).toEqual({ percent: '0.1', source: 'schedule' })
  })

  it('is the account’s own rate where it was read, a rate of zero included', () => {
    const rates = new Map([['BTCUSDT', '0']])
    const fees = createFees({ taker_percent: (_, name) => rates.get(name) ?? null })
    expect(fees.of(market)).toEqual({ percent: '0', source: 'account' })
    expect(fees.of({ ...market, market: 'ETHUSDT' })).toEqual({
      percent: '0.1',
      source: 'schedule',
    })
  })

  it('is null, and never zero, when nobody states it', () => {
    expect(createFees().of({ ...market, taker_fee_percent: null })).toBeNull()
  })

  it('is looked up anew for a market that was revised', () => {
    let rate: string | null = null
    const fees = createFees({ taker_percent: () => rate })
    expect(fees.of(market)?.source).toBe('schedule')
    rate = '0.075'
    expect(fees.of(market)?.source).toBe('schedule')
    expect(fees.of({ ...market })).toEqual({ percent: '0.075', source: 'account' })
  })
})

it('the page about fees shows what the code charges, with source and date', () => {
  const text = readFileSync(new URL('../../docs/fees-and-transfers.md', import.meta.url), 'utf8')
  const rows = text
    .replaceAll(/ +\|/g, ' |')
    .matchAll(/^\| `(\w+)` \| ([\d.]+) .*$/gm)
    .toArray()
  expect(rows.map(([, id]) => id)).toEqual(exchanges.map(({ id }) => id))
  for (const [row, id] of rows) {
    const { fees } = exchanges.find((exchange) => exchange.id === id) ?? expect.unreachable(id)
    const { taker_percent, source, as_of } = fees
    expect(row).toBe(`| \`${id}\` | ${taker_percent} | ${source} | ${as_of} |`)
  }
})
