import { beforeEach, describe, expect, it } from 'vitest'
import { type Draft, Event, isLastWord } from '../../shared/event.ts'
import type { Leg } from '../../shared/opportunity.ts'
import type { Candidate } from '../detection/candidate.ts'
import { ManualClock } from '../detection/testing.ts'
import { createIds } from './id.ts'
import type { Measure } from './markouts.ts'
import { Tracker } from './tracker.ts'

let clock: ManualClock
let tracker: Tracker
/** what a markout would find now */
let seen: string | null

const trackerWith = (measure: Measure, min_percent = 0.5) =>
  new Tracker({ clock, newId: createIds(() => 0.5), measure, min_percent })

beforeEach(() => {
  clock = new ManualClock()
  seen = '0.5000'
  tracker = trackerWith(() => seen)
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

const percents = ({ data }: Draft) =>
  'markouts' in data ? data.markouts.map(({ profit_percent }) => profit_percent) : []

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

  it('begins at the threshold, and goes on a little below it', () => {
    expect(open({ profit_percent: '0.4999' })).toEqual([])
    expect(open({ profit_percent: '0.5000' })).toHaveLength(1)
    clock.now_ms += 300
    expect(open({ profit_percent: '0.4600' })).toMatchObject([{ type: 'opportunity.updated' }])
    // exactly at a bound with more digits than profit_percent has
    tracker = trackerWith(() => null, 0.50005)
    expect(open({ profit_percent: '0.5000' })).toHaveLength(1)
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

  it('expires everything on shutdown, and says what was not measured', () => {
    open()
    open({ key: 'another' })
    clock.now_ms += 50
    tracker.measure()
    const drafts = tracker.end('shutdown')
    expect(drafts.map(({ type }) => type)).toEqual([
      'opportunity.expired',
      'opportunity.expired',
      'opportunity.measured',
      'opportunity.measured',
    ])
    for (const { data } of drafts) expect(data).toMatchObject({ expiry_reason: 'shutdown' })
    expect(percents(drafts[0]!)).toEqual(['0.5000'])
    expect(percents(drafts[2]!)).toEqual(['0.5000', null, null, null, null])
    expect(isLastWord(drafts[0]!)).toBe(false)
    expect(isLastWord(drafts[2]!)).toBe(true)
    expect(tracker.end('shutdown')).toEqual([])
    expect(tracker.measure_at_ms).toBe(Number.POSITIVE_INFINITY)
  })

  it('tells a change of the transfer status', () => {
    open()
    clock.now_ms += 300
    expect(open({ transfer: 'closed' })).toHaveLength(1)
  })
})

describe('markouts', () => {
  /** Lets time pass as a timer would, and collects what is told. */
  function pass(until_ms: number): Draft[] {
    const drafts: Draft[] = []
    while (tracker.measure_at_ms <= until_ms) {
      clock.now_ms = tracker.measure_at_ms
      drafts.push(...tracker.measure())
    }
    clock.now_ms = until_ms
    return drafts
  }

  it('are taken at their times and told once, when the last is known', () => {
    const [detected] = open()
    const start_ms = clock.now_ms
    const moments: number[] = []
    while (tracker.measure_at_ms < start_ms + 1_000) {
      moments.push(tracker.measure_at_ms - start_ms)
      clock.now_ms = tracker.measure_at_ms
      seen = `0.${clock.now_ms - start_ms}`
      expect(tracker.measure()).toEqual([])
    }
    expect(moments).toEqual([50, 100, 250, 500])
    seen = null
    const [measured, ...others] = pass(start_ms + 5_000)
    expect(others).toEqual([])
    expect(measured!.type).toBe('opportunity.measured')
    expect(Event.parse({ id: '1-0', ...measured }).data).toMatchObject({
      id: detected!.data.id,
      status: 'detected',
      markouts: [
        { after_ms: 50, profit_percent: '0.50' },
        { after_ms: 100, profit_percent: '0.100' },
        { after_ms: 250, profit_percent: '0.250' },
        { after_ms: 500, profit_percent: '0.500' },
        { after_ms: 1_000, profit_percent: null },
      ],
    })
    expect(tracker.measure_at_ms).toBe(Number.POSITIVE_INFINITY)
  })

  it('are taken when they are due, whichever way the sum of the two times is rounded', () => {
    // so that (now - detected) - 50 is below zero
    clock.now_ms = 4078.6480377820067
    open()
    clock.now_ms = tracker.measure_at_ms
    tracker.measure()
    expect(tracker.measure_at_ms).toBeGreaterThan(clock.now_ms)
  })

  it('are in every later update and in the end', () => {
    open()
    pass(clock.now_ms + 300)
    const [updated] = open({ profit_percent: '0.9000' })
    expect(percents(updated!)).toHaveLength(3)
    pass(clock.now_ms + 300)
    expect(percents(close('closed')[0]!)).toHaveLength(4)
    const [measured] = pass(clock.now_ms + 1_000)
    expect(measured!.data).toMatchObject({ status: 'expired', expiry_reason: 'closed' })
    expect(percents(measured!)).toHaveLength(5)
    expect(isLastWord(measured!)).toBe(true)
  })

  it('leave nothing to say after the end of a long life', () => {
    open()
    expect(pass(clock.now_ms + 2_000)).toHaveLength(1)
    const [expired] = close('closed')
    expect(percents(expired!)).toHaveLength(5)
    expect(isLastWord(expired!)).toBe(true)
    expect(pass(clock.now_ms + 2_000)).toEqual([])
  })

  it('belong each to its own life when a gap comes back at once', () => {
    const [first] = open()
    clock.now_ms += 10
    close('closed')
    const [second] = open()
    const measured = pass(clock.now_ms + 1_000)
    expect(measured.map(({ data }) => data.id)).toEqual([first!.data.id, second!.data.id])
    expect(measured.map(({ data }) => 'status' in data && data.status)).toEqual([
      'expired',
      'detected',
    ])
  })

  it('that come too late are not known, and those in time are', () => {
    open()
    clock.now_ms += 120
    tracker.measure()
    expect(percents(close('closed')[0]!)).toEqual([null, '0.5000'])
  })

  it('walk the legs of the detection, not those of a later update', () => {
    const asked: unknown[] = []
    tracker = trackerWith((legs) => {
      asked.push(legs[0]?.order_size)
      return null
    })
    open()
    open({ legs: [{ ...leg, order_size: '2' }, leg] })
    pass(clock.now_ms + 60)
    expect(asked).toEqual(['1'])
  })

  it('of another worker are not ours to take', () => {
    open()
    tracker.forget()
    expect(pass(clock.now_ms + 2_000)).toEqual([])
    expect(tracker.open()).toEqual([])
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
