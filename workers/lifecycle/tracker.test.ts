import { beforeEach, describe, expect, it } from 'vitest'
import { Event } from '../../shared/event.ts'
import type { Leg } from '../../shared/opportunity.ts'
import type { Candidate } from '../detection/candidate.ts'
import { ManualClock } from '../detection/testing.ts'
import { createIds } from './id.ts'
import { Tracker } from './tracker.ts'

let clock: ManualClock
let tracker: Tracker

beforeEach(() => {
  clock = new ManualClock()
  tracker = new Tracker({ clock, newId: createIds(() => 0.5) })
})

const leg: Leg = {
  exchange: 'binance',
  symbol: 'BTC/USDT',
  market: 'BTCUSDT',
  side: 'buy',
  amount_in: '100',
  amount_out: '0.999',
  order_size: '1',
  average_price: '100',
  worst_price: '100',
  levels: 1,
  fills: [['100', '1']],
  fee_percent: '0.1',
  fee_source: 'schedule',
  book_age_ms: 3,
  exchange_time: null,
  sequence: '17',
}

function candidate(changes: Partial<Candidate> = {}): Candidate {
  return {
    key: 'cross_exchange binance BTCUSDT > bybit BTCUSDT',
    type: 'cross_exchange',
    symbol: 'BTC/USDT',
    buy_exchange: 'binance',
    sell_exchange: 'bybit',
    buy_price: '100',
    sell_price: '101',
    gross_percent: '1.0000',
    profit_percent: '0.7981',
    profit_usd: '39.86',
    volume_usd: '4995.50',
    base_size: '50',
    depth_exhausted: false,
    transfer: 'unknown',
    skew_ms: 0,
    simulated: false,
    legs: [leg, { ...leg, exchange: 'bybit', side: 'sell' }],
    ...changes,
  }
}

const open = (changes?: Partial<Candidate>) =>
  tracker.apply([{ kind: 'open', candidate: candidate(changes) }])
const close = (reason: 'closed' | 'gap') =>
  tracker.apply([{ kind: 'closed', key: candidate().key, reason }])

describe('life of an opportunity', () => {
  it('is detected, updated and expired with one id and valid events', () => {
    const [detected] = open()
    clock.now_ms += 300
    const [updated] = open({ profit_percent: '0.9000' })
    clock.now_ms += 700
    const [expired] = close('closed')
    const drafts = [detected!, updated!, expired!]
    expect(drafts.map(({ type }) => type)).toEqual([
      'opportunity.detected',
      'opportunity.updated',
      'opportunity.expired',
    ])
    for (const draft of drafts) expect(Event.parse({ id: '1-0', ...draft })).toBeTruthy()
    const ids = drafts.map(({ data }) => data.id)
    expect(new Set(ids).size).toBe(1)
    expect(expired!.data).toMatchObject({
      status: 'expired',
      expiry_reason: 'closed',
      duration_ms: 1_000,
      profit_percent: '0.9000',
      peak_profit_percent: '0.9000',
    })
    expect(tracker.open()).toEqual([])
  })

  it('holds updates back and sends the newest state when they are due', () => {
    open()
    clock.now_ms += 100
    expect(open({ profit_percent: '0.8500' })).toEqual([])
    clock.now_ms += 100
    expect(open({ profit_percent: '0.9500' })).toEqual([])
    expect(tracker.sweep()).toEqual([])
    clock.now_ms += 100
    const [update] = tracker.sweep()
    expect(update!.data).toMatchObject({ profit_percent: '0.9500', peak_profit_percent: '0.9500' })
    expect(tracker.sweep()).toEqual([])
  })

  it('does not announce what does not matter', () => {
    open()
    clock.now_ms += 1_000
    expect(open({ profit_percent: '0.7990' })).toEqual([])
    expect(open({ base_size: '56' })).toHaveLength(1)
  })

  it('remembers the peak between two announcements', () => {
    open()
    open({ profit_percent: '2.0000' })
    open({ profit_percent: '0.7981' })
    expect(close('gap')[0]!.data).toMatchObject({
      peak_profit_percent: '2.0000',
      profit_percent: '0.7981',
      expiry_reason: 'gap',
    })
  })

  it('ignores the end of what it never opened', () => {
    expect(close('closed')).toEqual([])
  })

  it('gives a gap that comes back a new id', () => {
    const [first] = open()
    close('closed')
    clock.now_ms += 1
    const [second] = open()
    expect(second!.type).toBe('opportunity.detected')
    expect(second!.data.id > first!.data.id).toBe(true)
  })

  it('expires everything on shutdown', () => {
    open()
    open({ key: 'another' })
    const drafts = tracker.expireAll('shutdown')
    expect(drafts.map(({ data }) => 'expiry_reason' in data && data.expiry_reason)).toEqual([
      'shutdown',
      'shutdown',
    ])
    expect(tracker.expireAll('shutdown')).toEqual([])
  })
})

describe('ids', () => {
  it('sort by time, even within one millisecond', () => {
    const newId = createIds(Math.random)
    const ids = [1, 1, 1, 2, 50, 50, 1_700_000_000_000].map(newId)
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^opp_[0-9A-HJKMNP-TV-Z]{26}$/)
  })

  it('do not go back when the wall clock does', () => {
    const newId = createIds(() => 0.99)
    const [first, second] = [newId(100), newId(50)]
    expect(second > first).toBe(true)
  })
})
