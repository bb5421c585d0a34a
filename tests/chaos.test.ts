/**
 * Chaos in short: that the checker sees what must never be, and a few rows of the matrix against the
 * real processes. Nothing here is judged by the clock; `npm run chaos` does that.
 */
import { describe, expect, it } from 'vitest'
import type { SimulatedMarket } from '../sandbox/market/source.ts'
import type { Draft, Event } from '../shared/event.ts'
import { detected, expired, opportunity, updated } from '../workers/publish/testing.ts'
import { checkStory, checkTruth, type Truth } from './chaos/checker.ts'
import { corrupt } from './chaos/exchanges/connections.ts'
import { gap, reordered, repeated } from './chaos/exchanges/sequence.ts'
import { type Outcome, runFaults } from './chaos/session.ts'
import { Doubts } from './truth/doubts.ts'
import type { WireEvent } from './truth/wire.ts'

const SEED = 3
const ID = '1'
const START_MS = 1_790_000_000_000

function events(...drafts: Draft[]): Event[] {
  return drafts.map((draft, n) => ({ ...draft, id: `${START_MS}-${n}` }) as Event)
}

describe('the checker of the story', () => {
  it('finds nothing in what is whole', () => {
    expect(checkStory(events(detected(ID), updated(ID, '0.7'), expired(ID))).failures).toEqual([])
  })

  it.each<[string, Event[]]>([
    ['never ended', events(detected(ID))],
    ['after its end', events(detected(ID), expired(ID), expired(ID))],
    ['nobody was told of', events(expired(ID))],
    ['detected twice', events(detected(ID), expired(ID), detected(ID), expired(ID))],
    ['came after', events(detected(ID), expired(ID)).map((one) => ({ ...one, id: '5-0' }))],
  ])('finds what %s', (words, all) => {
    expect(checkStory(all).failures.join()).toContain(words)
  })

  it('finds an exchange that is on both sides', () => {
    const { legs, ...one } = opportunity(ID)
    const alone = { ...one, legs: legs.map((leg) => ({ ...leg, exchange: 'kraken' })) }
    const ends = [detected(ID), expired(ID)].map((draft) => ({
      ...draft,
      data: { ...draft.data, ...alone, status: (draft.data as typeof alone).status },
    }))
    expect(checkStory(events(...(ends as Draft[]))).failures.join()).toContain('with itself')
  })
})

describe('the checker of the truth', () => {
  const market = (exchange: string): SimulatedMarket => ({
    exchange,
    base: 'ABC',
    quote: 'USD',
    symbol: 'ABC/USD',
    price_decimals: 2,
    size_decimals: 4,
    minimum_size: '0.001',
    minimum_notional: '1',
    taker_fee_percent: '0.2',
  })
  const book = (exchange: string, at_ms: number, bid: number): WireEvent => ({
    exchange,
    ts: START_MS + at_ms,
    symbol: 'ABC/USD',
    whole: true,
    bids: [[bid, 50]],
    asks: [[bid + 0.1, 50]],
  })
  /** a gap of 2 % between 1,000 and 1,400 ms */
  const truth: Truth = {
    markets: [market('coinbase'), market('kraken')],
    wire: [
      book('coinbase', 0, 99.9),
      book('kraken', 0, 99.9),
      book('kraken', 1_000, 102.5),
      book('kraken', 1_400, 99.9),
      book('coinbase', 5_000, 99.9),
    ],
    doubts: new Doubts(),
    late: [],
    relay_late: [],
    from_ms: START_MS,
    to_ms: START_MS + 5_000,
    min_percent: 0.5,
    min_volume_usd: 1_000,
    steps_share: 1,
    refusals: [],
  }
  const told = (from_ms: number, to_ms: number): Event[] => {
    const one = opportunity(ID)
    const [first, second] = one.legs
    if (first === undefined || second === undefined) throw new Error('two legs')
    const legs = [
      { ...first, exchange: 'coinbase', symbol: 'ABC/USD', side: 'buy' as const },
      { ...second, exchange: 'kraken', symbol: 'ABC/USD', side: 'sell' as const },
    ]
    const [detected_at, expired_at] = [from_ms, to_ms].map((at_ms) =>
      new Date(START_MS + at_ms).toISOString(),
    ) as [string, string]
    const data = { ...one, legs, detected_at, expired_at }
    return events({ type: 'opportunity.detected', timestamp: detected_at, data })
  }

  it('is content with a gap that was told in time', () => {
    expect(checkTruth(told(1_020, 1_410), truth).failures).toEqual([])
  })

  it('finds a phantom and a gap that nobody was told of', () => {
    const { failures } = checkTruth(told(3_000, 3_200), truth)
    expect(failures).toHaveLength(2)
    expect(failures.join()).toMatch(/phantom .*never told/)
  })

  it('excuses only what a fault held in doubt', () => {
    const doubts = new Doubts()
    doubts.always({ exchange: 'kraken', symbol: 'ABC/USD' })
    expect(checkTruth([], { ...truth, doubts }).failures).toEqual([])
    expect(checkTruth(told(3_000, 3_200), { ...truth, doubts }).failures).toHaveLength(1)
  })
})

it('frames lost, repeated, swapped and broken leave one true story', async () => {
  const outcomes: Outcome[] = []
  await runFaults([corrupt, gap, repeated, reordered], {
    seed: SEED,
    timed: false,
    log: () => {},
    onOutcome: (outcome) => outcomes.push(outcome),
  })
  expect(outcomes.map(({ name, failures }) => ({ name, failures }))).toEqual(
    outcomes.map(({ name }) => ({ name, failures: [] })),
  )
  expect(outcomes.map(({ rows }) => rows)).toEqual([[5], [1], [2], [3], [5, 1, 2, 3]])
})
