import { describe, expect, it } from 'vitest'
import type { Opportunity } from '../../../shared/opportunity.ts'
import { exchange, health, opportunity } from '../testing/examples.ts'
import { type Action, initialState, type Row, reduce, type State } from './state.ts'
import { arrange, assetPath, isSimulated, totals, trouble } from './view.ts'

const START_MS = Date.parse('2026-09-01T12:00:00.000Z')

function page(...actions: Action[]): State {
  return actions.reduce(reduce, initialState(START_MS))
}

function rows(...opportunities: Opportunity[]): Row[] {
  const now_ms = START_MS
  return [...page({ type: 'live_set', opportunities, grace_ms: 0, now_ms }).rows.values()]
}

const ids = (arranged: Row[]) => arranged.map((row) => row.opportunity.id)

describe('the order of the table', () => {
  const old = opportunity({
    detected_at: '2026-09-01T11:00:00.000Z',
    profit_percent: '10.0000',
    profit_usd: '2.5',
  })
  const young = opportunity({
    detected_at: '2026-09-01T11:59:00.000Z',
    profit_percent: '9.0000',
    profit_usd: '12.5',
  })

  it('is newest first, or largest first by number and not by text', () => {
    expect(ids(arrange(rows(old, young), 'detected_at', null))).toEqual([young.id, old.id])
    expect(ids(arrange(rows(old, young), 'profit_percent', null))).toEqual([old.id, young.id])
    expect(ids(arrange(rows(old, young), 'profit_usd', null))).toEqual([young.id, old.id])
  })

  it('stays while it is held, and what is new follows', () => {
    const newest = opportunity({ detected_at: '2026-09-01T11:59:59.000Z' })
    const held = [old.id, 'opp_gone', young.id]
    expect(ids(arrange(rows(newest, young, old), 'detected_at', held))).toEqual([
      old.id,
      young.id,
      newest.id,
    ])
  })
})

describe('the totals', () => {
  const exchanges = [
    exchange({ id: 'kraken', books_live: 90, books_total: 92, messages_per_second: 10 }),
    exchange({ id: 'bybit', books_live: 0, books_total: 8, connected: false }),
  ]
  const told: Action[] = [
    {
      type: 'live_set',
      opportunities: [
        opportunity({ profit_usd: '0.1', profit_percent: '0.9' }),
        opportunity({ profit_usd: '0.2', profit_percent: '1.1' }),
      ],
      grace_ms: 0,
      now_ms: START_MS,
    },
    { type: 'exchanges', exchanges, now_ms: START_MS },
  ]

  it('add decimals exactly', () => {
    expect(totals(page(...told))).toMatchObject({
      live: 2,
      profit_usd: '0.3',
      best_percent: '1.1',
      books_live: 90,
      books_total: 100,
      exchanges_connected: 1,
      exchanges_total: 2,
    })
  })

  it('count no book as live without a worker', () => {
    const worker = { alive: false, heartbeat_age_ms: null, worker_id: null }
    const dead: Action = { type: 'health', health: health({ worker }), now_ms: START_MS }
    expect(totals(page(...told, dead))).toMatchObject({
      books_live: 0,
      books_total: 100,
      exchanges_connected: 0,
      messages_per_second: 0,
    })
  })

  it('have no best when nothing is live', () => {
    expect(totals(initialState(START_MS))).toMatchObject({ live: 0, best_percent: null })
  })
})

describe('trouble', () => {
  const lost: Action = { type: 'stream_lost', reason: '', retry_at_ms: 0, now_ms: START_MS }

  it('is not a break of a moment, but a longer one', () => {
    expect(trouble(page(lost, { type: 'tick', now_ms: START_MS + 1_000 }))).toBe('none')
    expect(trouble(page(lost, { type: 'tick', now_ms: START_MS + 5_000 }))).toBe('stream_lost')
  })

  it('is a dead worker before anything else', () => {
    const worker = { alive: false, heartbeat_age_ms: null, worker_id: null }
    const dead: Action = { type: 'health', health: health({ worker }), now_ms: START_MS }
    expect(trouble(page(lost, dead, { type: 'tick', now_ms: START_MS + 5_000 }))).toBe(
      'worker_dead',
    )
  })

  it('is health that nobody answers for a while', () => {
    const failure: Action = { type: 'failure', of: 'health', reason: 'x', now_ms: START_MS }
    const known: Action = { type: 'health', health: health(), now_ms: START_MS }
    expect(trouble(page(known, { ...failure, now_ms: START_MS + 5_000 }))).toBe('none')
    expect(trouble(page(known, { ...failure, now_ms: START_MS + 60_000 }))).toBe('health_unknown')
  })
})

describe('simulation', () => {
  it('is called by any of its signs', () => {
    const now_ms = START_MS
    expect(isSimulated(page())).toBe(false)
    const signs: Action[] = [
      { type: 'health', health: health({ simulated: true }), now_ms },
      { type: 'exchanges', exchanges: [exchange({ id: 'kraken', simulated: true })], now_ms },
      { type: 'live_set', opportunities: [opportunity({ simulated: true })], grace_ms: 0, now_ms },
    ]
    for (const sign of signs) expect(isSimulated(page(sign))).toBe(true)
  })
})

describe('the path of a chain', () => {
  it('follows what each leg gives and receives', () => {
    const [leg] = opportunity().legs
    const legs = [
      { ...leg!, symbol: 'BTC/USDT', side: 'buy' as const },
      { ...leg!, symbol: 'ETH/BTC', side: 'buy' as const },
      { ...leg!, symbol: 'ETH/USDT', side: 'sell' as const },
    ]
    expect(assetPath(opportunity({ type: 'triangular', legs }))).toEqual([
      'USDT',
      'BTC',
      'ETH',
      'USDT',
    ])
  })
})
