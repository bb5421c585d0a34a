import { describe, expect, it } from 'vitest'
import { exchangeStatus, expired, opportunity } from '../edge/testing/opportunities.ts'
import type { Event } from './event.ts'
import type { Opportunity } from './opportunity.ts'
import { Selection, type SelectionOptions } from './selection.ts'

const DETECTED_MS = Date.parse(opportunity().detected_at)
const reader = (options: Partial<SelectionOptions> = {}) =>
  new Selection({ filters: {}, types: undefined, resumed_from: null, ...options })

let sequence = 0
const event = (
  state: 'detected' | 'updated' | 'expired' | 'measured',
  changes: Partial<Opportunity>,
): Event => ({
  id: `${DETECTED_MS}-${sequence++}`,
  type: `opportunity.${state}`,
  timestamp: opportunity().detected_at,
  data: state === 'expired' ? expired(changes) : opportunity(changes),
})
const status: Event = {
  id: '1-0',
  type: 'exchange.status',
  timestamp: opportunity().detected_at,
  data: exchangeStatus({ id: 'kraken' }),
}

describe('an opportunity that moves across the minimum', () => {
  const filters = { min_profit_percent: '1', min_volume_usd: '500' }

  it('is followed to its end once it was shown', () => {
    const one = reader({ filters })
    expect(one.wants(event('detected', { profit_percent: '0.9' }))).toBe(false)
    expect(one.wants(event('updated', { profit_percent: '1.0' }))).toBe(true)
    expect(one.wants(event('updated', { profit_percent: '0.8' }))).toBe(true)
    expect(one.wants(event('updated', { profit_percent: '0.8', volume_usd: '1' }))).toBe(true)
    expect(one.wants(event('expired', { profit_percent: '0.8' }))).toBe(true)
    expect(one.wants(event('detected', { profit_percent: '0.8' }))).toBe(false)
  })

  it('is followed to its markouts when they come after its end', () => {
    const one = reader({ filters })
    const over = { ...expired({ profit_percent: '0.8' }), markouts: [] }
    const measured = expired({ profit_percent: '0.8' })
    expect(one.wants(event('detected', { profit_percent: '1.0' }))).toBe(true)
    expect(one.wants(event('expired', over))).toBe(true)
    expect(one.wants(event('measured', measured))).toBe(true)
    expect(one.wants(event('measured', measured))).toBe(false)
  })

  it('is never mentioned when it was never shown', () => {
    const one = reader({ filters })
    expect(one.wants(event('detected', { profit_percent: '0.9' }))).toBe(false)
    expect(one.wants(event('expired', { profit_percent: '0.9' }))).toBe(false)
  })

  it('is followed by a reader who comes back and may have been shown it', () => {
    const peak_profit_percent = '1.2'
    const end = event('expired', { profit_percent: '0.8', peak_profit_percent, volume_usd: '1' })
    expect(reader({ filters, resumed_from: `${DETECTED_MS + 1}-0` }).wants(end)).toBe(true)
    expect(reader({ filters, resumed_from: `${DETECTED_MS - 1}-0` }).wants(end)).toBe(false)
    const low = event('expired', { profit_percent: '0.8', peak_profit_percent: '0.99' })
    expect(reader({ filters, resumed_from: `${DETECTED_MS + 1}-0` }).wants(low)).toBe(false)
  })

  it('is followed when a reset showed it', () => {
    const one = reader({ filters })
    const shown = opportunity({ id: 'opp_shown', profit_percent: '2' })
    expect(one.snapshot([shown, opportunity({ id: 'opp_low' })])).toEqual([shown])
    expect(one.wants(event('expired', { id: 'opp_shown', profit_percent: '0' }))).toBe(true)
    expect(one.wants(event('expired', { id: 'opp_low', profit_percent: '0' }))).toBe(false)
  })

  it('stays followed when only some types are wanted', () => {
    const one = reader({ filters, types: ['opportunity.expired'] })
    expect(one.wants(event('detected', { profit_percent: '2' }))).toBe(false)
    expect(one.wants(event('expired', { profit_percent: '0' }))).toBe(true)
  })
})

it('keeps the state of exchanges from those who ask for certain opportunities', () => {
  expect(reader().wants(status)).toBe(true)
  expect(reader({ filters: { exchange: 'kraken' } }).wants(status)).toBe(true)
  expect(reader({ filters: { exchange: 'bybit' } }).wants(status)).toBe(false)
  expect(reader({ filters: { symbol: 'BTC/USDT' } }).wants(status)).toBe(false)
  const asked = reader({ filters: { symbol: 'BTC/USDT' }, types: ['exchange.status'] })
  expect(asked.wants(status)).toBe(true)
})

it('looks at no opportunity for a reader who wants to hear of exchanges alone', () => {
  const one = reader({ types: ['exchange.status'] })
  const unread = { ...event('detected', {}), data: null as unknown as Opportunity } as Event
  expect(one.wants(unread)).toBe(false)
  expect(one.wants(status)).toBe(true)
})
