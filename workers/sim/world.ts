/**
 * One story, lived through: the exchanges outside, the links, and the worker's core on our side, all
 * in virtual time, with the watchers looking at every step. Neither socket nor timer nor clock of
 * the machine is used, so the same story always makes the same events.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Draft } from '../../shared/event.ts'
import { silentLog } from '../../shared/log.ts'
import type { Leg } from '../../shared/opportunity.ts'
import { Books } from '../book/books.ts'
import { Detector, type DetectorLimits, type DetectorOptions } from '../detection/detector.ts'
import { markout } from '../detection/markout.ts'
import { createIds } from '../lifecycle/id.ts'
import { Tracker, type TrackerOptions } from '../lifecycle/tracker.ts'
import { TICK_MS } from '../ops/lateness.ts'
import { seededRandom } from '../replay/random.ts'
import { connect } from './connect.ts'
import type { Circumstances } from './guarding.ts'
import { START_MS } from './outside.ts'
import type { Port, PortListener } from './port.ts'
import { Queue } from './queue.ts'
import { Stalls } from './stalls.ts'
import { nameOf, type Story } from './story.ts'
import { Tally } from './tally.ts'
import { Views } from './views.ts'
import { Violation } from './violation.ts'
import { BookWatch } from './watch-books.ts'
import { DetectionWatch } from './watch-detection.ts'
import { LifeWatch } from './watch-lives.ts'
import { Weather } from './weather.ts'

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
/** After the last step: calm, and changes everywhere, until every book is live again. */
const CALM_TICK_MS = 400
const CALM_LIMIT_MS = 180_000
/** then what was held back is looked at again, and the last markouts are waited for */
const LAST_LOOK_MS = 300

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
  private readonly ports: readonly Port[]
  private readonly views: Views
  private readonly limits: DetectorLimits
  private readonly detector: Detector
  private readonly newId: TrackerOptions['newId']
  private readonly watch: { books: BookWatch; detection: DetectionWatch; lives: LifeWatch }
  private readonly weather: Weather
  private readonly stalls = new Stalls(this.timers, () => this.recheck())
  private tracker: Tracker
  /** a take-over is under way */
  private is_inheriting = false
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
    const sources = connect(story, {
      books: this.books,
      clock: this.clock,
      tally: this.tally,
      outside: this.outside,
      timers: this.timers,
      arrivals: this.arrivals,
      listener: this.listener(),
    })
    this.views = new Views(this.books, sources)
    this.ports = [...new Set(this.views.all.map(({ port }) => port))]
    for (const port of this.ports) mutation.port?.(port)
    this.detector = this.createDetector()
    const detection = new DetectionWatch(this.views, this.limits, this.tally)
    const lives = new LifeWatch(this.views, detection, this.tally)
    this.watch = { books: new BookWatch(this.views), detection, lives }
    this.tracker = this.createTracker()
    this.weather = new Weather({
      views: this.views,
      setFee: ({ entry }, percent) =>
        this.books.revise(entry, { ...entry.market, taker_fee_percent: percent }),
      stall: (for_ms) => this.timers.add(this.now_ms, () => this.stall(for_ms)),
      takeOver: () => this.timers.add(this.now_ms, () => this.takeOver()),
    })
    for (const step of story.steps) {
      this.outside.add(step.at_ms, (at_ms) => {
        this.tally.count(`step: ${step.kind}`)
        this.weather.happen(step, at_ms)
      })
    }
    for (const port of this.ports) this.every(SWEEP_EVERY_MS, () => port.sweep())
    this.every(RECHECK_EVERY_MS, () => this.recheck())
  }

  /** @throws Violation when a watcher saw what must not be; Error when the core itself gave up */
  async run(): Promise<void> {
    await this.runUntil(this.story.steps.at(-1)?.at_ms ?? 0)
    await this.clear()
    do await this.runUntil(this.now_ms + LAST_LOOK_MS)
    while (this.tracker.measure_at_ms < Number.POSITIVE_INFINITY)
    this.watch.books.all()
    for (const { intake } of this.ports) this.tally.count('resyncs', intake.counters.resyncs)
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
    const random = seededRandom(this.story.seed)
    this.weather.clear(random, begin_ms)
    while (this.views.all.some(({ entry }) => entry.state !== 'live')) {
      if (this.now_ms - begin_ms > CALM_LIMIT_MS) this.complainOfLost()
      this.weather.breathe(random, this.now_ms)
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

  /** What the watchers hear of each port. */
  private listener(): PortListener {
    return {
      frame: (port, frame) => this.watch.books.frame(port, frame, this.now_ms),
      answered: () => {
        this.answered = true
      },
      heard: (port) => this.watch.books.heard(port, this.now_ms),
      gone: (port) => this.watch.books.gone(port),
    }
  }

  private createDetector(): Detector {
    const options: DetectorOptions = {
      books: this.books,
      limits: this.limits,
      clock: this.clock,
      is_simulated: () => true,
      arrivals: {
        late: () => this.stalls.isLate(this.now_ms),
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
    return { now_ms: this.now_ms, ...this.stalls.lateness(this.now_ms) }
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
    const drafts = this.tracker.apply(verdicts)
    // as the term does: in a late turn nobody can say what is still open
    if (this.is_inheriting && !this.stalls.isLate(this.now_ms)) {
      this.is_inheriting = false
      drafts.unshift(...this.tracker.disown())
    }
    this.tell([...drafts, ...this.tracker.sweep()])
  }

  private tell(drafts: readonly Draft[]): void {
    this.drafts.push(...drafts)
    this.watch.lives.told(drafts, this.now_ms)
    // what was left and is not judged yet is open without being the tracker's
    if (!this.is_inheriting) this.watch.lives.expectSame(this.tracker.open())
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

  /** Our loop is blocked: the world goes on, and we hear of it afterwards. */
  private stall(for_ms: number): void {
    const from_ms = this.now_ms
    this.now_ms += for_ms
    this.stalls.add(from_ms, this.now_ms)
    this.watch.lives.stalled(from_ms, this.now_ms)
    this.tally.count('late turns')
  }

  /** Another leader goes on with what is open. */
  private takeOver(): void {
    if (this.is_inheriting) {
      this.timers.add(this.now_ms + TICK_MS, () => this.takeOver())
      return
    }
    const left = this.tracker.open()
    this.watch.lives.takenOver()
    this.tracker.forget()
    this.tracker = this.createTracker()
    this.tracker.inherit(left)
    this.is_inheriting = true
    this.recheck()
  }
}
