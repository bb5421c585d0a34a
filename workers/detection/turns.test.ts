/**
 * A detector that has more to do than a turn lasts: its clock runs while it works. It must say the
 * same as one with all the time in the world, only later, and never fall silent for its own work.
 */
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../shared/log.ts'
import { Turns } from '../ops/lateness.ts'
import type { Verdict } from './candidate.ts'
import { Detector } from './detector.ts'
import { ManualClock, TestBooks } from './testing.ts'

const COINS = 100
/** more than a turn takes for all of them */
const LOOK_MS = 1
const TURN_MS = 10

/** Every look at the clock takes time once it is told so: one look is one judgement. */
class WorkingClock extends ManualClock {
  look_ms = 0

  override monotonic_ms(): number {
    this.now_ms += this.look_ms
    return this.now_ms
  }
}

function slowWorld(late: () => boolean = () => false) {
  const clock = new WorkingClock()
  const world = new TestBooks(clock)
  const { books } = world
  const detector = new Detector({
    books,
    limits: {
      min_percent: 0.5,
      max_percent: 10,
      min_volume_usd: 1_000,
      max_book_age_ms: 60_000,
      max_skew_ms: 60_000,
    },
    clock,
    is_simulated: () => false,
    arrivals: { late, behind: () => false },
    log: silentLog,
  })
  const pairs = Array.from({ length: COINS }, (_, i) => ({
    cheap: world.add('kraken', `C${i}/USD`),
    dear: world.add('coinbase', `C${i}/USD`),
  }))
  /** The dear side bids so much for every coin; the sell side of the other is at 100. */
  const quote = (bid: string) => {
    for (const { cheap, dear } of pairs) {
      world.set(cheap, [['99.00', '50']], [['100.00', '50']])
      world.set(dear, [[bid, '50']], [['120.00', '50']])
    }
  }
  const turn = () => detector.run(books.takeDirty())
  /** All turns until there is nothing left to do. */
  const turns = (first = turn()) => {
    const all = [first]
    while (detector.has_more) all.push(turn())
    return all
  }
  return { clock, detector, quote, turn, turns }
}

const keys = (verdicts: readonly Verdict[]) =>
  verdicts.map((verdict) => (verdict.kind === 'open' ? verdict.candidate.key : verdict.key))

describe('a detector with more to do than a turn lasts', () => {
  it('ends each turn in time and says in all what it would have said at once', () => {
    const quick = slowWorld()
    quick.quote('101.00')
    const at_once = quick.turn()
    expect(at_once).toHaveLength(COINS)
    expect(quick.detector.has_more).toBe(false)

    const slow = slowWorld()
    slow.quote('101.00')
    slow.clock.look_ms = LOOK_MS
    const lasted_ms: number[] = []
    const said: Verdict[] = []
    do {
      const begun_ms = slow.clock.now_ms
      said.push(...slow.turn())
      lasted_ms.push(slow.clock.now_ms - begun_ms)
    } while (slow.detector.has_more)
    expect(lasted_ms.length).toBeGreaterThan(COINS / TURN_MS - 1)
    // a turn ends with the judgement in which its time ran out
    expect(Math.max(...lasted_ms)).toBeLessThan(TURN_MS + 5 * LOOK_MS)
    expect(keys(said)).toEqual(keys(at_once))
  })

  it('judges what it left by the books of now', () => {
    const { clock, quote, turn, turns, detector } = slowWorld()
    quote('101.00')
    clock.look_ms = LOOK_MS
    const first = turn()
    expect(first.length).toBeGreaterThan(0)
    expect(detector.has_more).toBe(true)
    quote('99.00')
    const rest = turns().flat()
    expect(rest.map(({ kind }) => kind)).toEqual(first.map(() => 'closed'))
    expect(keys(rest).toSorted()).toEqual(keys(first).toSorted())
  })

  it('tells everything anew in one pass, once each, and goes on with a pass that is not over', () => {
    const { clock, quote, turn, turns, detector } = slowWorld()
    quote('101.00')
    turn()
    clock.look_ms = LOOK_MS
    const passes = [detector.recheck(), detector.recheck(), ...turns()]
    expect(passes.length).toBeGreaterThan(3)
    expect(keys(passes.flat()).toSorted()).toEqual(
      keys(turns(detector.recheck()).flat()).toSorted(),
    )
    expect(passes.flat()).toHaveLength(COINS)
  })

  it('has surveyed only when all was told since, and in time', () => {
    let is_late = false
    const { clock, quote, turn, turns, detector } = slowWorld(() => is_late)
    quote('101.00')
    turn()
    clock.look_ms = LOOK_MS
    detector.recheck()
    const told = [detector.survey()]
    expect(detector.is_surveyed).toBe(false)
    is_late = true
    told.push(turn())
    expect(told[1]).toEqual([])
    is_late = false
    told.push(...turns())
    // those of the late turn are missing
    expect(detector.is_surveyed).toBe(false)
    told.push(...turns(detector.recheck()))
    expect(detector.is_surveyed).toBe(true)
    expect(new Set(keys(told.flat())).size).toBe(COINS)
  })

  it('has surveyed nothing in a late turn, not even when it knows of nothing', () => {
    let is_late = true
    const { detector, turn } = slowWorld(() => is_late)
    detector.survey()
    expect(detector.is_surveyed).toBe(false)
    is_late = false
    turn()
    expect(detector.is_surveyed).toBe(true)
  })

  it('does not fall silent for its own work, however restless the market is', () => {
    const loop: { turns?: Turns; now_ms: () => number } = { now_ms: () => 0 }
    const { clock, detector, quote, turn } = slowWorld(
      () => loop.turns?.late(loop.now_ms()) === true,
    )
    loop.now_ms = () => clock.now_ms
    loop.turns = new Turns(clock.now_ms)
    clock.look_ms = LOOK_MS
    const told: Verdict[][] = []
    for (let i = 0; i < 100; i++) {
      quote((101 + i / 100).toFixed(2))
      // as the loop goes: the timer, which rechecks when it has caught up, and a turn
      const caught_up = loop.turns.tick(clock.now_ms)
      told.push([...(caught_up ? detector.recheck() : []), ...turn()])
    }
    expect(new Set(keys(told.flat())).size).toBe(COINS)
    expect(told.filter((verdicts) => verdicts.length === 0)).toEqual([])
  })
})
