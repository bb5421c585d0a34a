/**
 * Wrong clocks change nothing: the same frames, with the exchange's clock or ours set by half a
 * minute, before or in the middle of the run, lead to the same verdicts at the same moments.
 */
import { describe, expect, it } from 'vitest'
import type { Clock } from '../shared/clock.ts'
import { silentLog } from '../shared/log.ts'
import { Books } from './book/books.ts'
import { Detector } from './detection/detector.ts'
import { bybit } from './exchanges/bybit.ts'
import type { Exchange } from './exchanges/exchange.ts'
import { kraken } from './exchanges/kraken.ts'
import { type Change, dialects, TrueBook, testMarket } from './exchanges/testing.ts'
import { Intake, type IntakeListener } from './feed/intake.ts'

const MARKET = 'BTC/USD'
const EPOCH_MS = Date.UTC(2026, 0, 1)
const STEP_MS = 20
const STEPS = 1_500
/** the second exchange's frames of this time are all read at its end */
const STALL = { from_ms: 12_000, to_ms: 14_000 }

/** Milliseconds that a clock is wrong by, at a moment of the run. */
type Wrong = (run_ms: number) => number

const deaf: IntakeListener = {
  lost: () => {},
  needsSnapshot: () => {},
  synced: () => {},
  subscribed: () => {},
  refused: () => {},
  closing: () => {},
  system: () => {},
  badFrame: () => {},
}

function venue(exchange: Exchange, books: Books, truth: TrueBook) {
  const entry = books.add(testMarket(exchange.id, MARKET))
  const intake = new Intake(exchange, [entry], books, deaf)
  const line = intake.line()
  intake.begin(line, intake.lanes, 0)
  const dialect = dialects[exchange.id]!
  let batch = 0
  return {
    entry,
    line,
    intake,
    snapshot: (now_ms: number) => line.frame(Buffer.from(dialect.snapshot(truth, MARKET)), now_ms),
    delta: (changes: readonly Change[]) =>
      Buffer.from(dialect.delta(truth, truth.change(changes), ++batch, MARKET)),
  }
}

/** Kraken is steady; Bybit's bid is 3 % higher now and then, and its socket stalls once. */
function verdictsWith(exchange_wrong: Wrong, wall_wrong: Wrong): string[] {
  let now_ms = 0
  const clock: Clock = {
    monotonic_ms: () => now_ms,
    wall_ms: () => EPOCH_MS + now_ms + wall_wrong(now_ms),
  }
  const books = new Books()
  const levels = (): Change[] => [
    ['bid', '99.9000', '50.0000'],
    ['ask', '100.0000', '50.0000'],
  ]
  const [cheap_truth, dear_truth] = [new TrueBook(levels()), new TrueBook(levels())]
  const cheap = venue(kraken, books, cheap_truth)
  const dear = venue(bybit, books, dear_truth)
  const limits = {
    min_percent: 0.5,
    max_percent: 10,
    min_volume_usd: 100,
    max_book_age_ms: 3_000,
    max_skew_ms: 5_000,
  }
  const lines = new Map([cheap, dear].map(({ entry, line }) => [entry, line]))
  const detector = new Detector({
    books,
    limits,
    clock,
    is_simulated: () => false,
    log: silentLog,
    arrivals: {
      late: () => false,
      behind: (entry) => lines.get(entry)?.transit.behind === true,
    },
  })
  const verdicts: string[] = []
  const judge = () => {
    for (const verdict of [...detector.run(books.takeDirty()), ...detector.recheck()]) {
      const what = verdict.kind === 'open' ? verdict.candidate.profit_percent : verdict.reason
      verdicts.push(`${now_ms} ${verdict.kind} ${what}`)
    }
  }
  const stamp = (truth: TrueBook) => {
    // TrueBook adds its own step with each change
    truth.time_ms = EPOCH_MS + now_ms + exchange_wrong(now_ms) - 100
  }
  cheap.snapshot(0)
  dear.snapshot(0)
  let waiting: Buffer[] = []
  let high = false
  for (let step = 1; step < STEPS; step++) {
    now_ms = step * STEP_MS
    stamp(cheap_truth)
    stamp(dear_truth)
    cheap.line.frame(cheap.delta([['bid', '98.0000', `${1 + (step % 7)}.0000`]]), now_ms)
    const wanted = now_ms % 3_000 < 1_000
    const changes: Change[] =
      wanted === high
        ? [['bid', '97.0000', `${1 + (step % 5)}.0000`]]
        : [
            ['bid', '103.0000', wanted ? '50.0000' : '0.0000'],
            ['ask', '100.0000', wanted ? '0.0000' : '50.0000'],
            ['ask', '103.1000', wanted ? '50.0000' : '0.0000'],
          ]
    high = wanted
    waiting.push(dear.delta(changes))
    if (now_ms < STALL.from_ms || now_ms >= STALL.to_ms) {
      for (const frame of waiting) {
        dear.line.frame(frame, now_ms)
        judge()
      }
      waiting = []
    }
    for (const { intake } of [cheap, dear]) intake.sweep(now_ms)
    judge()
  }
  expect([cheap, dear].map(({ entry }) => entry.state)).toEqual(['live', 'live'])
  expect(detector.rejected.backlog).toBeGreaterThan(0)
  return verdicts
}

const right: Wrong = () => 0
const by =
  (wrong_ms: number): Wrong =>
  () =>
    wrong_ms
const setAt =
  (at_ms: number, wrong_ms: number): Wrong =>
  (run_ms) =>
    run_ms < at_ms ? 0 : wrong_ms

describe('a wrong clock', () => {
  const expected = verdictsWith(right, right)

  it('has something to spoil: gaps are found and closed, and a stalled socket is seen', () => {
    expect(expected.filter((line) => line.includes('open')).length).toBeGreaterThan(100)
    expect(expected.filter((line) => line.includes('closed')).length).toBeGreaterThan(8)
    const within = expected.filter((line) => {
      const at_ms = Number.parseInt(line, 10)
      return at_ms > STALL.from_ms + 1_000 && at_ms <= STALL.to_ms && line.includes('open')
    })
    expect(within).toEqual([])
  })

  it.each([-30_000, 30_000])('of the exchange, by %i ms', (wrong_ms) => {
    expect(verdictsWith(by(wrong_ms), right)).toEqual(expected)
  })

  it.each([-30_000, 30_000])('of the exchange, set in the middle by %i ms', (wrong_ms) => {
    expect(verdictsWith(setAt(7_500, wrong_ms), right)).toEqual(expected)
  })

  it.each([-30_000, 30_000])('of ours, by %i ms', (wrong_ms) => {
    expect(verdictsWith(right, by(wrong_ms))).toEqual(expected)
  })

  it.each([-30_000, 30_000])('of ours, set in the middle by %i ms', (wrong_ms) => {
    expect(verdictsWith(right, setAt(7_500, wrong_ms))).toEqual(expected)
  })
})
