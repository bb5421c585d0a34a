import { describe, expect, it } from 'vitest'
import type { Leg } from '../../../shared/opportunity.ts'
import { opportunity } from '../testing/examples.ts'
import { corners, depthOf } from './depth.ts'

const [buy, sell] = opportunity().legs as [Leg, Leg]
const leg = (changes: Partial<Leg>): Leg => ({ ...buy, fee_percent: '0', ...changes })

describe('the depth of a purchase and a sale', () => {
  it('holds the levels that were taken and no other', () => {
    const depth = depthOf(opportunity())!
    expect(depth.asks.map(({ price }) => price)).toEqual([63386.9, 63388.1, 63391.2])
    expect(depth.bids.map(({ price }) => price)).toEqual([63971.5, 63966.02])
    expect(depth.asks.at(-1)?.to).toBeCloseTo(0.0788489, 10)
    expect(depth.size).toBeCloseTo(0.07864, 10)
    expect(depth).toMatchObject({ asset: 'BTC', converted_by: [] })
  })

  it('moves both sides towards each other by the fees', () => {
    const depth = depthOf(opportunity())!
    for (const { price, net } of depth.asks) expect(net).toBeCloseTo(price / 0.9974, 6)
    for (const { price, net } of depth.bids) expect(net).toBeCloseTo(price * 0.999, 6)
    expect(depth.lowest).toBe(63386.9)
  })

  it('counts in coins where a market counts in thousands', () => {
    const thousands = leg({ base_units: '1000', fills: [['2', '3']] })
    const depth = depthOf({
      legs: [thousands, leg({ side: 'sell', fills: [['0.0021', '3000']] })],
    })!
    expect(depth.asks[0]).toMatchObject({ from: 0, to: 3000, price: 0.002 })
    expect(depth.bids[0]).toMatchObject({ from: 0, to: 3000, price: 0.0021 })
  })

  it('shows a sale for other money in the money of the purchase, fees of the change included', () => {
    const change = leg({
      symbol: 'USDT/USD',
      side: 'sell',
      fills: [['1.01', '500']],
      fee_percent: '0.2',
    })
    const legs = [
      leg({ symbol: 'SOL/USD', fills: [['100', '5']] }),
      leg({ symbol: 'SOL/USDT', side: 'sell', fills: [['102', '5']] }),
      change,
    ]
    const depth = depthOf({ legs })!
    expect(depth.bids[0]?.price).toBeCloseTo(102 * 1.01, 9)
    expect(depth.bids[0]?.net).toBeCloseTo(102 * 1.01 * 0.998, 9)
    expect(depth.converted_by).toEqual([3])
  })

  it('shows a purchase with changed money in the money of the beginning', () => {
    const legs = [
      leg({ symbol: 'BTC/USDT', fills: [['50000', '0.1']] }),
      leg({ symbol: 'XRP/BTC', fills: [['0.00001', '10000']] }),
      leg({ symbol: 'XRP/USDT', side: 'sell', fills: [['0.51', '10000']] }),
    ]
    const depth = depthOf({ legs })!
    expect(depth.asks[0]?.price).toBeCloseTo(0.5, 9)
    expect(depth.bids[0]?.price).toBeCloseTo(0.51, 9)
    expect(depth).toMatchObject({ asset: 'XRP', size: 10_000, converted_by: [1] })
  })

  it('is not drawn for a chain that never sells what it bought', () => {
    expect(depthOf({ legs: [buy, { ...buy, symbol: 'USDT/EUR' }] })).toBeNull()
    expect(depthOf({ legs: [sell, buy] })).toBeNull()
  })

  it('has the corners of a staircase, cut off where one side ends', () => {
    const steps = [
      { from: 0, to: 2, price: 10, net: 11 },
      { from: 2, to: 5, price: 12, net: 13 },
      { from: 5, to: 6, price: 20, net: 21 },
    ]
    expect(corners(steps, 4, 'net')).toEqual([
      { x: 0, y: 11 },
      { x: 2, y: 11 },
      { x: 2, y: 13 },
      { x: 4, y: 13 },
    ])
  })
})
