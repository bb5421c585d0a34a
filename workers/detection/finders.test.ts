/** What caches and indexes find must be what looking at everything finds, event by event. */
import { expect, it } from 'vitest'
import { silentLog } from '../../shared/log.ts'
import type { MarketBook } from '../book/books.ts'
import { Detector } from './detector.ts'
import type { CreateFinder } from './finder.ts'
import { type OracleMarket, randomWorld, seeded } from './oracle/world.ts'
import { TestBooks } from './testing.ts'
import { SlowFinder } from './testing-finder.ts'

const LIMITS = {
  min_percent: 0.1,
  max_percent: 3,
  min_volume_usd: 20,
  max_book_age_ms: 2_000,
  max_skew_ms: 1_500,
}

class Rig {
  readonly world = new TestBooks()
  readonly detector: Detector
  behind: MarketBook | undefined
  late = false

  constructor(createFinder?: CreateFinder) {
    this.detector = new Detector({
      books: this.world.books,
      clock: this.world.clock,
      limits: LIMITS,
      is_simulated: () => false,
      arrivals: { late: () => this.late, behind: (entry) => entry === this.behind },
      log: silentLog,
      createFinder,
    })
  }

  /** One thing that happens, chosen by `random`, and what the detector makes of it. */
  step(markets: readonly OracleMarket[], random: () => number): string {
    const { books, clock } = this.world
    clock.now_ms += Math.floor(random() * 120)
    const kind = random()
    const entry = books.all[Math.floor(random() * books.all.length)]
    if (entry === undefined || kind < 0.05) this.add(markets[books.all.length], random)
    else if (kind < 0.75) this.requote(entry, markets[entry.index] as OracleMarket, random)
    else if (kind < 0.79) books.move(entry, 'stale', 'gap', clock.now_ms)
    else if (kind < 0.81) books.move(entry, 'halted', 'halted', clock.now_ms)
    else if (kind < 0.85) this.behind = random() < 0.5 ? entry : undefined
    else if (kind < 0.87) this.late = random() < 0.3
    else if (kind < 0.9) {
      const taker_fee_percent = random() < 0.3 ? null : (random() * 0.2).toFixed(2)
      books.revise(entry, { ...entry.market, taker_fee_percent })
    }
    const verdicts = [
      ...(random() < 0.8 ? this.detector.run(books.takeDirty()) : []),
      ...(random() < 0.2 ? this.detector.recheck() : []),
    ]
    const near_misses = this.detector.takeNearMisses()
    return JSON.stringify({ verdicts, near_misses, rejected: this.detector.rejected }, null, 1)
  }

  private add(market: OracleMarket | undefined, random: () => number): void {
    if (market === undefined) return
    const { exchange, base, quote, size_step, minimum_size, minimum_notional } = market
    const rules = { size_step, minimum_size, minimum_notional, taker_fee_percent: '0.05' }
    this.requote(this.world.add(exchange, `${base}/${quote}`, rules), market, random)
  }

  /** The book it has by nature, moved by up to a percent; now and then by more, or crossed. */
  private requote(entry: MarketBook, { bids, asks }: OracleMarket, random: () => number): void {
    const wild = random() < 0.05 ? 0.06 : 0.004
    const factor = 1 + (random() - 0.5) * wild
    const move = (price: string, by: number) => (Number(price) * by).toPrecision(7)
    this.world.set(
      entry,
      bids.map(([price, size]) => [move(price, random() < 0.02 ? factor * 1.01 : factor), size]),
      asks.map(([price, size]) => [move(price, factor), size]),
    )
    entry.since_ms = this.world.clock.now_ms - (random() < 0.05 ? 10 : 60_000)
  }
}

it('makes the same events with caches and indexes as by looking at everything', () => {
  let opened = 0
  let guarded = 0
  for (let seed = 1; seed <= 40; seed++) {
    const { markets } = randomWorld(seeded(seed), seed % 3 !== 0)
    const fast = new Rig()
    const slow = new Rig((books, fees) => new SlowFinder(books, fees))
    const [random_a, random_b] = [seeded(1_000 + seed), seeded(1_000 + seed)]
    for (let i = 0; i < 300; i++) {
      const [made, expected] = [fast.step(markets, random_a), slow.step(markets, random_b)]
      expect(made, `world ${seed}, step ${i}`).toBe(expected)
      opened += made.split('"kind": "open"').length - 1
    }
    guarded += Object.values(fast.detector.rejected).filter((count) => count > 0).length
  }
  expect(opened).toBeGreaterThan(500)
  expect(guarded).toBeGreaterThan(150)
}, 120_000)
