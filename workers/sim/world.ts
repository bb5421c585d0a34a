/**
 * One story, lived through: the exchanges outside, the links, and the worker's core on our side, all
 * in virtual time, with the watchers looking at every step. Neither socket nor timer nor clock of
 * the machine is used, so the same story always makes the same events.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import { silentLog } from '../../shared/log.ts'
import type { Market } from '../../shared/market.ts'
import type { Leg } from '../../shared/opportunity.ts'
import { Books, type MarketBook } from '../book/books.ts'
import { Detector, type DetectorLimits, type DetectorOptions } from '../detection/detector.ts'
import { markout } from '../detection/markout.ts'
import { exchanges } from '../exchanges/index.ts'
import { dialects } from '../exchanges/testing.ts'
import { createIds } from '../lifecycle/id.ts'
import { Tracker, type TrackerOptions } from '../lifecycle/tracker.ts'
import { TICK_MS, Turns } from '../ops/lateness.ts'
import { seededRandom } from '../replay/random.ts'
import { Outside, START_MS } from './outside.ts'
import { Port } from './port.ts'
import { Queue } from './queue.ts'
import { nameOf, type Step, type Story } from './story.ts'
import { Tally } from './tally.ts'
import { TrueMarket } from './true-market.ts'
import { Views } from './views.ts'
import { Violation } from './violation.ts'
import { BookWatch } from './watch-books.ts'
import { type Circumstances, DetectionWatch } from './watch-detection.ts'
import { LifeWatch } from './watch-lives.ts'

/** A fault made on purpose, to see that a watcher sees it. */
export interface Mutation {
  readonly port?: (port: Port) => void
  readonly detector?: (options: DetectorOptions) => DetectorOptions
  readonly tracker?: (options: TrackerOptions) => Tracker
}

/** As configured by default, but for the smallest size, which each story has its own. */
const LIMITS = { min_percent: 0.5, max_percent: 10, max_book_age_ms: 5_000, max_skew_ms: 2_000 }
const SWEEP_EVERY_MS = 200
const RECHECK_EVERY_MS = 250
/** the loop is late when a turn took so long, and for so long after it (ops/lateness.ts) */
const LATE_MS = 62
const SETTLE_MS = 95
/** After the last step: calm, and changes everywhere, until every book is live again. */
const CALM_TICK_MS = 400
const CALM_LIMIT_MS = 180_000
/** then the last markouts are due */
const LAST_MS = 1_200

export const EXCHANGES = exchanges.filter(({ id }) => id in dialects)

export class World {
  readonly tally = new Tally()
  /** what was announced, in its order */
  readonly drafts: Draft[] = []
  now_ms = 0
  private readonly story: Story
  private readonly mutation: Mutation
  private readonly outside = new Queue()
  private readonly timers = new Queue()
  private readonly arrivals = new Queue()
  private readonly clock: Clock
  private readonly books = new Books()
  private readonly markets = new Map<string, TrueMarket>()
  private readonly outsides = new Map<string, Outside>()
  private readonly ports: Port[] = []
  private readonly views: Views
  private readonly limits: DetectorLimits
  private readonly detector: Detector
  private readonly newId: TrackerOptions['newId']
  private readonly watch: { books: BookWatch; detection: DetectionWatch; lives: LifeWatch }
  private readonly turns = new Turns(0)
  private tracker: Tracker
  private late_until_ms = Number.NEGATIVE_INFINITY
  private is_ticking = false
  private answered = false
  private markout_at_ms = Number.POSITIVE_INFINITY

  constructor(story: Story, mutation: Mutation = {}) {
    this.story = story
    this.mutation = mutation
    this.clock = {
      monotonic_ms: () => this.now_ms,
      wall_ms: () => Math.floor(START_MS + this.now_ms),
    }
    this.newId = createIds(seededRandom(story.seed))
    this.limits = { ...LIMITS, min_volume_usd: story.min_volume_usd }
    this.views = new Views(this.books, this.connect())
    this.detector = this.createDetector()
    const detection = new DetectionWatch(this.views, this.limits, this.tally)
    const lives = new LifeWatch(this.views, detection, this.tally)
    this.watch = { books: new BookWatch(this.views), detection, lives }
    this.tracker = this.createTracker()
    for (const step of story.steps) {
      this.outside.add(step.at_ms, (at_ms) => this.happen(step, at_ms))
    }
    for (const port of this.ports) this.every(SWEEP_EVERY_MS, () => port.sweep())
    this.every(RECHECK_EVERY_MS, () => this.recheck())
  }

  /** @throws Violation when a watcher saw what must not be; Error when the core itself gave up */
  async run(): Promise<void> {
    await this.runUntil(this.story.steps.at(-1)?.at_ms ?? 0)
    await this.clear()
    await this.runUntil(this.now_ms + LAST_MS)
    this.watch.books.all()
    this.watch.detection.open.clear()
    this.tell(this.tracker.end('shutdown'))
    this.watch.lives.end()
  }

  private async runUntil(end_ms: number): Promise<void> {
    const { outside, timers, arrivals } = this
    for (;;) {
      const next_ms = Math.min(outside.next_ms, timers.next_ms, arrivals.next_ms)
      if (next_ms > end_ms) break
      this.now_ms = Math.max(this.now_ms, next_ms)
      outside.runUntil(this.now_ms)
      // as in Node: timers first, then what came, then what was put off to the end of the turn
      timers.runUntil(this.now_ms, this.now_ms)
      outside.runUntil(this.now_ms)
      arrivals.runUntil(this.now_ms, this.now_ms)
      if (this.answered) await this.settle()
      this.round()
      this.tally.count('turns')
    }
    this.now_ms = Math.max(this.now_ms, end_ms)
  }

  /** The weather clears: every book must come back. */
  private async clear(): Promise<void> {
    const begin_ms = this.now_ms
    for (const outside of this.outsides.values()) outside.clear()
    const random = seededRandom(this.story.seed)
    for (const [name, market] of this.markets) {
      const outside = this.outsideOf(name)
      outside.publish(market, market.move(0, random), this.now_ms)
      this.setTrading(name, true, this.now_ms)
    }
    for (const outside of this.outsides.values()) this.setMaintenance(outside, false, this.now_ms)
    while (this.views.all.some(({ entry }) => entry.state !== 'live')) {
      if (this.now_ms - begin_ms > CALM_LIMIT_MS) this.complainOfLost()
      for (const [name, market] of this.markets) {
        this.outsideOf(name).publish(market, market.tick(random), this.now_ms)
      }
      await this.runUntil(this.now_ms + CALM_TICK_MS)
    }
  }

  private complainOfLost(): never {
    const lost = this.views.all.filter(({ entry }) => entry.state !== 'live')
    const names = lost.map(({ market: { spec }, entry }) => `${nameOf(spec)} is ${entry.state}`)
    throw new Violation('every book comes back', `after minutes of calm ${names.join(', ')}`)
  }

  /** Answers are promises: whoever waits for one goes on now. */
  private async settle(): Promise<void> {
    this.answered = false
    for (let i = 0; i < 4; i++) await null
    for (const port of this.ports) this.watch.books.frame(port, null, this.now_ms)
  }

  private connect(): Map<MarketBook, readonly [TrueMarket, Port]> {
    const { story, books, clock } = this
    const of_entry = new Map<MarketBook, readonly [TrueMarket, Port]>()
    for (const [i, spec] of story.exchanges.entries()) {
      const exchange = EXCHANGES.find(({ id }) => id === spec.id)
      const dialect = dialects[spec.id]
      if (exchange === undefined || dialect === undefined) throw new Error(`no ${spec.id}`)
      const separator = /[-/]/.exec(dialect.market)?.[0] ?? ''
      const random = seededRandom(story.seed + i)
      const markets = story.markets
        .filter((market) => market.exchange === spec.id)
        .map((market) => {
          const name = `${market.base}${separator}${market.quote}`
          return new TrueMarket(market, name, START_MS, random)
        })
      if (markets.length === 0) continue
      const seed = story.seed + 1_000 * (i + 1)
      const queues = { events: this.outside, arrivals: this.arrivals, seed }
      const outside = new Outside(exchange, dialect, spec, markets, queues)
      this.outsides.set(spec.id, outside)
      const entries = markets.map((market) => books.add(marketOf(market)))
      const port = new Port({
        outside,
        books,
        entries,
        clock,
        random: seededRandom(seed + 1),
        timers: this.timers,
        tally: this.tally,
        onFrame: (from, frame) => {
          if (frame === null) this.answered = true
          else this.watch.books.frame(from, frame, this.now_ms)
        },
        onHeard: (from) => this.watch.books.heard(from, this.now_ms),
      })
      this.mutation.port?.(port)
      this.ports.push(port)
      for (const [n, entry] of entries.entries()) {
        const market = markets[n] as TrueMarket
        this.markets.set(nameOf(market.spec), market)
        of_entry.set(entry, [market, port])
      }
    }
    return of_entry
  }

  private createDetector(): Detector {
    const options: DetectorOptions = {
      books: this.books,
      limits: this.limits,
      clock: this.clock,
      is_simulated: () => true,
      arrivals: {
        late: () => this.is_ticking && this.turns.late(this.now_ms),
        behind: (entry) => this.views.all[entry.index]?.port.isBehind(entry) === true,
      },
      log: silentLog,
    }
    return new Detector(this.mutation.detector?.(options) ?? options)
  }

  private createTracker(): Tracker {
    const options: TrackerOptions = {
      clock: this.clock,
      newId: this.newId,
      measure: (legs) => this.measure(legs),
      min_percent: this.limits.min_percent,
    }
    return this.mutation.tracker?.(options) ?? new Tracker(options)
  }

  private measure(legs: readonly Leg[]): string | null {
    const percent = markout(legs, this.books)
    this.watch.lives.measure(legs, percent, this.now_ms)
    return percent
  }

  private every(every_ms: number, run: () => void): void {
    this.timers.add(this.now_ms + every_ms, () => {
      run()
      this.every(every_ms, run)
    })
  }

  private get circumstances(): Circumstances {
    return { now_ms: this.now_ms, is_late: this.now_ms < this.late_until_ms }
  }

  /** What the pipeline does once a turn of the loop. */
  private round(): void {
    if (!this.books.has_dirty) return
    const dirty = this.books.takeDirty()
    const verdicts = this.detector.run(dirty)
    this.watch.detection.refused(this.detector.takeNearMisses(), this.circumstances)
    this.watch.detection.round(dirty, verdicts, this.circumstances)
    this.tally.count('rounds')
    this.tell(this.tracker.apply(verdicts))
  }

  private recheck(): void {
    const verdicts = this.detector.recheck()
    this.watch.detection.refused(this.detector.takeNearMisses(), this.circumstances)
    this.watch.detection.recheck(verdicts, this.circumstances)
    this.tell([...this.tracker.apply(verdicts), ...this.tracker.sweep()])
  }

  private tell(drafts: readonly Draft[]): void {
    this.drafts.push(...drafts)
    this.watch.lives.told(drafts, this.now_ms)
    this.watch.lives.expectSame(this.tracker.open())
    this.awaitMarkouts()
  }

  /** As the term does: one timer, for the markout that is due next. */
  private awaitMarkouts(): void {
    const { tracker } = this
    const { measure_at_ms } = tracker
    if (measure_at_ms === this.markout_at_ms) return
    this.markout_at_ms = measure_at_ms
    if (measure_at_ms === Number.POSITIVE_INFINITY) return
    this.timers.add(this.now_ms + Math.ceil(Math.max(0, measure_at_ms - this.now_ms)), () => {
      if (tracker !== this.tracker || measure_at_ms !== this.markout_at_ms) return
      this.markout_at_ms = Number.POSITIVE_INFINITY
      this.tell(tracker.measure())
    })
  }

  private happen(step: Step, at_ms: number): void {
    const random = seededRandom(step.seed)
    this.tally.count(`step: ${step.kind}`)
    if ('market' in step) this.happenToMarket(step, random, at_ms)
    else if ('exchange' in step) this.happenToExchange(step, at_ms)
    else if (step.kind === 'stall') this.timers.add(at_ms, () => this.stall(step.for_ms))
    else this.timers.add(at_ms, () => this.takeOver())
  }

  private happenToMarket(
    step: Extract<Step, { market: string }>,
    random: () => number,
    at_ms: number,
  ): void {
    const market = this.markets.get(step.market)
    if (market === undefined) return
    const outside = this.outsideOf(step.market)
    switch (step.kind) {
      case 'tick':
        return outside.publish(market, market.tick(random), at_ms)
      case 'cross':
        return outside.publish(market, market.cross(random), at_ms)
      case 'empty':
        return outside.publish(market, market.empty(step.side), at_ms)
      case 'move':
        return outside.publish(market, market.move(step.percent, random), at_ms)
      case 'trading':
        return this.setTrading(step.market, step.open, at_ms)
      case 'fee':
        return this.setFee(market, step.percent)
    }
  }

  private happenToExchange(step: Extract<Step, { exchange: string }>, at_ms: number): void {
    const outside = this.outsides.get(step.exchange)
    if (outside === undefined) return
    switch (step.kind) {
      case 'lose':
      case 'double':
      case 'swap':
        return outside.spoil(step.kind)
      case 'cut':
        return outside.cut(at_ms)
      case 'replace':
        return outside.tell(at_ms, () => this.portOf(outside).closing())
      case 'mute':
        return outside.mute()
      case 'hold':
        return outside.hold(at_ms + step.for_ms)
      case 'maintenance':
        return this.setMaintenance(outside, step.on, at_ms)
      case 'clock':
        return outside.setClock(step.by_ms)
      case 'rest':
        return outside.answer(step.answer)
    }
  }

  private setTrading(name: string, open: boolean, at_ms: number): void {
    const market = this.markets.get(name) as TrueMarket
    const outside = this.outsideOf(name)
    outside.tell(at_ms, (now_ms) => {
      const view = this.views.all.find((one) => one.market === market)
      if (view === undefined) return
      view.is_closed = !open
      this.portOf(outside).intake.tradingFrame(market.name, open, now_ms)
    })
  }

  private setMaintenance(outside: Outside, on: boolean, at_ms: number): void {
    outside.tell(at_ms, (now_ms) => {
      const port = this.portOf(outside)
      for (const view of this.views.all) if (view.port === port) view.is_down = on
      port.intake.systemFrame(on ? 'maintenance' : 'online', 'for a while', now_ms)
    })
  }

  /** The account's fee was read anew: the feed's, at our end. */
  private setFee(market: TrueMarket, percent: string | null): void {
    const view = this.views.all.find((one) => one.market === market)
    if (view === undefined) return
    const { entry } = view
    this.books.revise(entry, { ...entry.market, taker_fee_percent: percent })
  }

  /** Our loop is blocked: the world goes on, and we hear of it afterwards. */
  private stall(for_ms: number): void {
    this.turns.tick(this.now_ms)
    this.watch.lives.stalled(this.now_ms, this.now_ms + for_ms)
    this.tally.count('late turns')
    this.now_ms += for_ms
    if (for_ms >= LATE_MS) this.late_until_ms = this.now_ms + SETTLE_MS
    if (this.is_ticking) return
    this.is_ticking = true
    this.timers.add(this.now_ms, () => this.tick())
  }

  /** Before a stall and once it is over every tick comes in time: those are left out. */
  private tick(): void {
    if (this.turns.tick(this.now_ms)) {
      this.is_ticking = false
      this.recheck()
    } else {
      this.timers.add(this.now_ms + TICK_MS, () => this.tick())
    }
  }

  /** Another leader goes on with what is open. */
  private takeOver(): void {
    if (this.is_ticking) {
      // in a late turn nobody can say what is still open
      this.timers.add(this.now_ms + TICK_MS, () => this.takeOver())
      return
    }
    const left = this.tracker.open()
    this.watch.lives.takenOver()
    this.tracker.forget()
    this.tracker = this.createTracker()
    this.tracker.inherit(left)
    const verdicts = this.detector.recheck()
    this.watch.detection.refused(this.detector.takeNearMisses(), this.circumstances)
    this.watch.detection.recheck(verdicts, this.circumstances)
    const drafts = this.tracker.apply(verdicts)
    this.tell([...this.tracker.disown(), ...drafts])
  }

  private outsideOf(market: string): Outside {
    return this.outsides.get(market.split(' ')[0] as string) as Outside
  }

  private portOf(outside: Outside): Port {
    return this.ports.find((port) => port.outside === outside) as Port
  }
}

function marketOf({ spec, name }: TrueMarket): Market {
  const { exchange, base, quote, size_step, minimum_size, minimum_notional } = spec
  const symbol = `${base}/${quote}`
  const rules = { price_step: '0.00000001', size_step, minimum_size, minimum_notional }
  const taker_fee_percent = spec.fee_percent
  return { exchange, symbol, market: name, base, quote, ...rules, taker_fee_percent, trading: true }
}
