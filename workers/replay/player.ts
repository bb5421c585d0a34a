/**
 * The worker's pipeline on recorded lines: intake → books → detector → tracker, with the virtual
 * clock instead of sockets and timers. It reads no file and prints nothing; events and complaints go
 * to whoever listens.
 */
import type { Draft } from '../../shared/event.ts'
import { silentLog } from '../../shared/log.ts'
import { Books } from '../book/books.ts'
import { bytesOf, type CaptureLine } from '../capture/line.ts'
import { Detector, type DetectorLimits } from '../detection/detector.ts'
import type { CreateFinder } from '../detection/finder.ts'
import { markout } from '../detection/markout.ts'
import { FrameError } from '../exchanges/exchange.ts'
import { createIds } from '../lifecycle/id.ts'
import { Tracker } from '../lifecycle/tracker.ts'
import { VirtualClock } from './clock.ts'
import { Connections, type Occurrence } from './connections.ts'
import type { Hosts } from './hosts.ts'
import type { ConnectionPlan } from './plan.ts'
import { seededRandom } from './random.ts'
import type { Survey } from './survey.ts'
import type { Numbered } from './timeline.ts'
import { Venue } from './venue.ts'

export interface PlayerOptions {
  readonly survey: Survey
  readonly hosts: Hosts
  readonly limits: DetectorLimits
  /** taker fee, percent, by exchange; the others keep their own */
  readonly fees: ReadonlyMap<string, string>
  /** absent: the fast one */
  readonly createFinder?: CreateFinder | undefined
  readonly onEvents: (drafts: readonly Draft[]) => void
  /** a line that cannot be used, with its file and number */
  readonly onProblem: (problem: string) => void
}

/** As often as the live worker does. */
const SWEEP_EVERY_MS = 200
const RECHECK_EVERY_MS = 250
/** Time goes on for so long after the last line: what it brought must be looked at, once settled. */
const LAST_LOOK_MS = RECHECK_EVERY_MS
/** Nothing that a timer watches takes longer than the longest limit and a few rounds. */
const SETTLE_MS = 1_000
const SEED = 1

export class Player {
  readonly books = new Books()
  readonly detector: Detector
  readonly venues: readonly Venue[]
  /** `in` lines, of whatever exchange */
  frames = 0
  /** `in` lines that no adapter reads */
  unread = 0
  /** lines and REST answers that are broken */
  errors = 0
  private readonly options: PlayerOptions
  private readonly clock: VirtualClock
  private readonly tracker: Tracker
  private readonly venue_of: ReadonlyMap<string, Venue>
  private readonly files: readonly FileState[]
  private readonly start_ms: number
  private end_ms: number
  private place = ''
  private markout_at_ms = Number.POSITIVE_INFINITY

  constructor(options: PlayerOptions) {
    const { survey, hosts, limits, fees } = options
    this.options = options
    this.start_ms = Math.min(...survey.files.map(({ start_ms }) => start_ms))
    this.end_ms = this.start_ms
    const { max_book_age_ms, max_skew_ms } = limits
    const quiet_ms = hosts.exchanges.map(({ keepalive }) => keepalive.quiet_ms)
    const longest_ms = Math.max(max_book_age_ms, max_skew_ms, ...quiet_ms)
    this.clock = new VirtualClock(this.start_ms, longest_ms + SETTLE_MS)
    this.venues = survey.exchanges.map(({ exchange, markets }) => {
      const fee = fees.get(exchange.id)
      const charged =
        fee === undefined ? markets : markets.map((m) => ({ ...m, taker_fee_percent: fee }))
      return new Venue(exchange, charged, this.books, (error) => this.complain(error.message))
    })
    this.venue_of = new Map(this.venues.map((venue) => [venue.exchange.id, venue]))
    const simulated = new Set(
      survey.exchanges.filter((one) => one.simulated).map(({ exchange }) => exchange.id),
    )
    this.detector = new Detector({
      books: this.books,
      limits,
      clock: this.clock,
      is_simulated: (exchange) => simulated.has(exchange),
      log: silentLog,
      createFinder: options.createFinder,
    })
    this.tracker = new Tracker({
      clock: this.clock,
      newId: createIds(seededRandom(SEED)),
      measure: (legs) => markout(legs, this.books),
      min_percent: limits.min_percent,
    })
    this.files = survey.files.map(({ path, connections }) => new FileState(path, connections))
    this.clock.every(SWEEP_EVERY_MS, () => this.sweep())
    this.clock.every(RECHECK_EVERY_MS, () => this.recheck())
  }

  /** Time from the first line to the last. */
  get elapsed_ms(): number {
    return Math.round(this.end_ms - this.start_ms)
  }

  /** The next line, at `at_ms` since 1970. */
  take(file_index: number, { number, line }: Numbered, at_ms: number): void {
    const file = this.files[file_index]
    if (file === undefined) throw new Error(`there is no file ${file_index}`)
    this.clock.advance(at_ms)
    this.end_ms = at_ms
    this.place = `${file.path}:${number}`
    if (!file.begun) this.begin(file)
    if (typeof line === 'string') {
      this.errors++
      this.complain(line)
    } else if (line.dir === 'http') {
      this.answer(line)
    } else {
      this.connection(file, file_index, number, line)
    }
    this.round()
  }

  /** After the last line: what is open ends with the recording. */
  end(): void {
    this.clock.advance(this.end_ms + LAST_LOOK_MS)
    this.round()
    this.tell(this.tracker.end('shutdown'))
  }

  private begin(file: FileState): void {
    file.begun = true
    for (const plan of file.plans) {
      if (plan.from_start) this.venue(plan.exchange.id).open(plan, this.clock.monotonic_ms())
    }
  }

  private connection(file: FileState, file_index: number, number: number, line: CaptureLine): void {
    const speaker = this.options.hosts.stream(line.url)
    const is_frame = line.dir === 'in'
    if (is_frame) this.frames++
    if (speaker === null || !speaker.is_read) {
      if (is_frame) this.unread++
      if (is_frame && speaker !== null) this.venue(speaker.exchange.id).unread++
      return
    }
    const plan = file.plan(line)
    const venue = this.venue(speaker.exchange.id)
    const now_ms = this.clock.monotonic_ms()
    venue.open(plan, now_ms)
    if (is_frame) venue.frame(plan, bytesOf(line), now_ms)
    const { last } = plan
    if (plan.replaced && last.number === number && last.file_index === file_index) {
      venue.close(plan, now_ms)
    }
  }

  private answer({ url: address, raw }: CaptureLine): void {
    const url = new URL(address)
    const exchange = this.options.hosts.rest(url)
    if (exchange === undefined) return
    try {
      this.venue(exchange.id).answer(url, raw, this.clock.monotonic_ms())
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.errors++
      this.complain(error.message)
    }
  }

  private sweep(): void {
    for (const venue of this.venues) venue.sweep(this.clock.monotonic_ms())
    this.round()
  }

  /** What the live pipeline does once a turn of the loop. */
  private round(): void {
    if (!this.books.has_dirty) return
    this.tell(this.tracker.apply(this.detector.run(this.books.takeDirty())))
    this.awaitMarkouts()
  }

  /** What time alone changes. */
  private recheck(): void {
    this.tell([...this.tracker.apply(this.detector.recheck()), ...this.tracker.sweep()])
    this.awaitMarkouts()
  }

  /** Markouts see the books as they were before a line of the same moment. */
  private awaitMarkouts(): void {
    const { measure_at_ms } = this.tracker
    if (measure_at_ms === this.markout_at_ms) return
    this.markout_at_ms = measure_at_ms
    if (measure_at_ms === Number.POSITIVE_INFINITY) return
    this.clock.once(measure_at_ms, () => {
      this.tell(this.tracker.measure())
      this.awaitMarkouts()
    })
  }

  private tell(drafts: readonly Draft[]): void {
    if (drafts.length > 0) this.options.onEvents(drafts)
  }

  private complain(reason: string): void {
    this.options.onProblem(`${this.place}: ${reason}`)
  }

  private venue(exchange_id: string): Venue {
    const venue = this.venue_of.get(exchange_id)
    if (venue === undefined) throw new Error(`the survey did not see ${exchange_id}`)
    return venue
  }
}

/** Where the player stands in one file. */
class FileState {
  readonly path: string
  begun = false
  private readonly planned: ReadonlyMap<string, readonly ConnectionPlan[]>
  private readonly connections = new Connections()
  private readonly plan_of = new Map<Occurrence, ConnectionPlan>()

  constructor(path: string, planned: ReadonlyMap<string, readonly ConnectionPlan[]>) {
    this.path = path
    this.planned = planned
  }

  get plans(): ConnectionPlan[] {
    return [...this.planned.values()].flat()
  }

  plan(line: CaptureLine): ConnectionPlan {
    const occurrence = this.connections.of(line)
    const known = this.plan_of.get(occurrence)
    if (known !== undefined) return known
    const plan = this.planned.get(occurrence.key)?.[occurrence.ordinal]
    if (plan === undefined) throw new Error('the file changed while it was being read')
    this.plan_of.set(occurrence, plan)
    return plan
  }
}
