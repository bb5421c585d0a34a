/** The score of known truth can be less than one: what it must notice, and what it must not count. */
import { describe, expect, it } from 'vitest'
import type { NamedLeg } from '../sandbox/market/chain.ts'
import type { SimulatedMarket } from '../sandbox/market/source.ts'
import { type Claim, type Gap, judge } from './truth/judge.ts'
import { type Run, report, score } from './truth/score.ts'
import type { WireEvent } from './truth/wire.ts'

const START_MS = 1_790_000_000_000

function market(exchange: string): SimulatedMarket {
  return {
    exchange,
    base: 'ABC',
    quote: 'USD',
    symbol: 'ABC/USD',
    price_decimals: 2,
    size_decimals: 4,
    minimum_size: '0.001',
    minimum_notional: '1',
    taker_fee_percent: '0.2',
  }
}

const markets = [market('coinbase'), market('kraken')]

/** A book of one level a side. */
function book(exchange: string, at_ms: number, bid: number, ask: number): WireEvent {
  return {
    exchange,
    ts: START_MS + at_ms,
    symbol: 'ABC/USD',
    whole: true,
    bids: [[bid, 50]],
    asks: [[ask, 50]],
  }
}

/** A gap of 2 % between 1,000 and 1,400 ms. */
const wire = [
  book('coinbase', 0, 99.9, 100),
  book('kraken', 0, 99.9, 100),
  book('kraken', 1_000, 102.5, 102.6),
  book('kraken', 1_400, 99.9, 100),
  book('coinbase', 5_000, 99.9, 100),
]
const legs: NamedLeg[] = [
  { exchange: 'coinbase', symbol: 'ABC/USD', side: 'buy' },
  { exchange: 'kraken', symbol: 'ABC/USD', side: 'sell' },
]

function claim(detected_ms: number, expired_ms: number, change: Partial<Claim> = {}): Claim {
  return {
    id: `opp_${detected_ms}`,
    type: 'cross_exchange',
    legs,
    detected_ms: START_MS + detected_ms,
    expired_ms: START_MS + expired_ms,
    ...change,
  }
}

function scored(claims: readonly Claim[], change: Partial<Run> = {}) {
  const judged = judge({
    markets,
    wire,
    claims,
    min_percent: 0.5,
    min_volume_usd: 1_000,
    tradable: () => true,
  })
  const run: Run = {
    ...judged,
    from_ms: START_MS,
    to_ms: START_MS + 5_000,
    late: [],
    touched: () => false,
    unknowable: () => false,
    ...change,
  }
  return score(run)[0]!
}

describe('the score', () => {
  it('is one and one for what was there and was found', () => {
    expect(scored([claim(1_004, 1_402)])).toMatchObject({
      gaps: 1,
      claims: 1,
      precision: 1,
      recall: 1,
    })
  })

  it.each([
    ['nothing was announced', []],
    ['it was announced too late', [claim(1_600, 1_700)]],
    ['it had ended before the gap began', [claim(200, 900)]],
    [
      'the opposite direction was announced',
      [
        claim(1_004, 1_402, {
          legs: [...legs].map((leg) => ({
            ...leg,
            side: leg.side === 'buy' ? ('sell' as const) : ('buy' as const),
          })),
        }),
      ],
    ],
  ])('misses a gap when %s', (_when, claims) => {
    const result = scored(claims)
    expect(result.recall).toBe(0)
    expect(report('test', [result])).toContain('missed cross_exchange coinbase buy ABC/USD')
  })

  it.each([
    ['before its gap', claim(990, 1_402)],
    ['long after its gap', claim(1_600, 1_700)],
    [
      'in the wrong direction',
      claim(1_100, 1_200, {
        legs: [legs[1]!, legs[0]!].map((leg, i) => ({
          ...leg,
          side: i === 0 ? ('buy' as const) : ('sell' as const),
        })),
      }),
    ],
    [
      'on a market that does not exist',
      claim(1_100, 1_200, { legs: [legs[0]!, { ...legs[1]!, symbol: 'ABC/EUR' }] }),
    ],
    [
      'with legs that are no chain',
      claim(1_100, 1_200, { legs: [legs[0]!, { ...legs[1]!, side: 'buy' }] }),
    ],
  ])('calls an opportunity false that was announced %s', (_when, one) => {
    const result = scored([claim(1_004, 1_402), one])
    expect(result).toMatchObject({ precision: 0.5, claims: 2 })
    expect(report('test', [result])).toContain('  false ')
  })

  it('does not count what is shorter than 50 ms, or begins or ends outside the run', () => {
    expect(scored([], { from_ms: START_MS + 1_100 }).gaps).toBe(0)
    expect(scored([], { to_ms: START_MS + 1_300 }).gaps).toBe(0)
    const [gap] = judge({
      markets,
      wire,
      claims: [],
      min_percent: 0.5,
      min_volume_usd: 1_000,
      tradable: () => true,
    }).gaps
    expect(scored([], { gaps: [{ ...gap!, to_ms: gap!.from_ms + 50 }] }).gaps).toBe(0)
  })

  it('asks for more profit and more volume than the thresholds by no more than rounding', () => {
    const at = (min_percent: number, min_volume_usd: number) =>
      judge({ markets, wire, claims: [], min_percent, min_volume_usd, tradable: () => true }).gaps
    // 102.5 × 0.998² / 100 is 2.0904 % above what was paid
    expect(at(2.0, 1_000)).toHaveLength(1)
    expect(at(2.0, 4_900)).toHaveLength(1)
    expect(at(2.1, 1_000)).toHaveLength(0)
    expect(at(2.0, 5_100)).toHaveLength(0)
  })

  it('excuses a gap only when the worker was late for nearly all of it', () => {
    const late = (from_ms: number, to_ms: number, late_ms: number) => [
      { from_ms: START_MS + from_ms, to_ms: START_MS + to_ms, late_ms },
    ]
    const excused = { excused_late: 1, gaps: 0, recall: 1 }
    expect(scored([], { late: late(900, 1_250, 80) })).toMatchObject(excused)
    const two = [...late(900, 1_100, 80), ...late(1_200, 1_300, 90)]
    expect(scored([], { late: two })).toMatchObject(excused)
    const counted = { excused_late: 0, gaps: 1, recall: 0 }
    expect(scored([], { late: late(900, 1_200, 80) })).toMatchObject(counted)
    expect(scored([], { late: late(1_100, 1_500, 80) })).toMatchObject(counted)
    expect(scored([], { late: late(900, 1_250, 40) })).toMatchObject(counted)
    const found = scored([claim(1_004, 1_402)], { late: late(900, 1_250, 80) })
    expect(found).toMatchObject({ excused_late: 0, gaps: 1, recall: 1 })
  })

  it('takes a gap for told by a shorter chain that is open in its time, and only then', () => {
    const dollars = { ...market('kraken'), base: 'XYZ', symbol: 'XYZ/USD' }
    const cross = { ...dollars, quote: 'ABC', symbol: 'XYZ/ABC' }
    const judged = judge({
      markets: [...markets, dollars, cross],
      wire: [...wire],
      claims: [claim(1_004, 1_402)],
      min_percent: 0.5,
      min_volume_usd: 1_000,
      tradable: () => true,
    })
    const longer = {
      ...judged.gaps[0]!,
      type: 'multi_leg' as const,
      key: 'multi_leg USD > ABC > XYZ',
      coins: ['USD', 'ABC', 'XYZ'],
      legs: [
        legs[0]!,
        { exchange: 'kraken', symbol: 'XYZ/ABC', side: 'buy' } as const,
        { exchange: 'kraken', symbol: 'XYZ/USD', side: 'sell' } as const,
      ],
    }
    const told = (gap: Gap) => {
      const run = { ...judged, gaps: [gap], from_ms: START_MS, to_ms: START_MS + 5_000, late: [] }
      return score({ ...run, touched: () => false, unknowable: () => false })[2]!
    }
    expect(told(longer)).toMatchObject({ gaps: 1, told_shorter: 1, recall: 1 })
    const [from_ms, to_ms] = [START_MS + 2_000, START_MS + 3_000]
    expect(told({ ...longer, from_ms, to_ms })).toMatchObject({ told_shorter: 0, recall: 0 })
    expect(told({ ...longer, coins: ['USD', 'XYZ', 'QRS'] })).toMatchObject({ recall: 0 })
    expect(told({ ...longer, legs: longer.legs.slice(1) })).toMatchObject({ recall: 0 })
  })

  it('counts a false claim that nobody could know to be false apart', () => {
    const claims = [claim(990, 1_402)]
    expect(scored(claims, { unknowable: () => true })).toMatchObject({
      precision: 1,
      unknowable: 1,
    })
    expect(scored(claims)).toMatchObject({ precision: 0, unknowable: 0 })
  })

  it('leaves out what a fault touches, and what could not be traded is no gap and no true claim', () => {
    expect(scored([], { touched: () => true })).toMatchObject({ gaps: 0, touched: 1, recall: 1 })
    const halted = judge({
      markets,
      wire,
      claims: [claim(1_004, 1_402)],
      min_percent: 0.5,
      min_volume_usd: 1_000,
      tradable: ({ exchange }) => exchange !== 'kraken',
    })
    expect(halted.gaps).toEqual([])
    expect(halted.claims).toMatchObject([{ is_true: false }])
  })
})
