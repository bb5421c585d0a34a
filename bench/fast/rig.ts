/**
 * The worker's own road from frames to books, and to verdicts where detection is on, driven by tapes
 * on a virtual clock: sequence, checksums, crossed and quiet books and ages are all checked.
 */
import type { Clock } from '../../shared/clock.ts'
import { silentLog } from '../../shared/log.ts'
import { Books } from '../../workers/book/books.ts'
import { Detector } from '../../workers/detection/detector.ts'
import { Intake } from '../../workers/feed/intake.ts'
import type { Line } from '../../workers/feed/line.ts'
import type { Tape } from './tape.ts'

/** The worker's settings where the environment says nothing. */
const LIMITS = {
  min_percent: 0.5,
  max_percent: 10,
  min_volume_usd: 1_000,
  max_book_age_ms: 5_000,
  max_skew_ms: 2_000,
}
const SWEEP_EVERY_MS = 200
/** the first tick comes when books are out of their quarantine */
const START_MS = 1_000

export interface RigCounts {
  readonly frames: number
  readonly slow_path: number
  readonly gaps: number
  readonly checksums_failed: number
  readonly checksums_ok: number
  readonly books_live: number
  readonly books_total: number
  readonly verdicts: number
}

interface Player {
  readonly intake: Intake
  readonly line: Line
}

/** Frames of several tapes in the order in which they were received. */
export interface Mix {
  readonly tapes: readonly Tape[]
  readonly frames: readonly Buffer[]
  /** number of the tape that each frame is of */
  readonly tape_of: Uint8Array
  /** since the first frame, ms */
  readonly elapsed_ms: Float64Array
}

export function mixOf(tapes: readonly Tape[]): Mix {
  const all = tapes
    .flatMap(({ frames, times_ms }, tape) =>
      frames.map((frame, i) => ({ tape, frame, at_ms: times_ms[i] ?? 0 })),
    )
    .sort((a, b) => a.at_ms - b.at_ms)
  const began_ms = all[0]?.at_ms ?? 0
  return {
    tapes,
    frames: all.map(({ frame }) => frame),
    tape_of: Uint8Array.from(all, ({ tape }) => tape),
    elapsed_ms: Float64Array.from(all, ({ at_ms }) => at_ms - began_ms),
  }
}

export class Rig {
  readonly books = new Books()
  private readonly players: readonly Player[]
  private readonly clock: Clock
  private readonly detector: Detector | null
  private now_ms = START_MS
  private swept_ms = 0
  private verdicts = 0

  /** Books are built from the preludes. */
  constructor(tapes: readonly Tape[], detection: boolean) {
    this.clock = { monotonic_ms: () => this.now_ms, wall_ms: () => this.now_ms }
    this.players = tapes.map((tape) => this.player(tape))
    this.detector = detection
      ? new Detector({
          books: this.books,
          limits: LIMITS,
          clock: this.clock,
          is_simulated: () => true,
          log: silentLog,
        })
      : null
    for (const [i, tape] of tapes.entries()) this.build(this.players[i] as Player, tape)
    this.detect()
  }

  /** One frame of tape number `tape`, `elapsed_ms` after the first measured one. */
  frame(tape: number, frame: Buffer, elapsed_ms: number): void {
    this.now_ms = START_MS + elapsed_ms
    const player = this.players[tape] as Player
    player.line.frame(frame, this.now_ms)
    if (this.now_ms - this.swept_ms >= SWEEP_EVERY_MS) this.sweep()
    if (this.detector !== null && this.books.has_dirty) this.detect()
  }

  /** Frames [from, to) of a mix. */
  play({ frames, tape_of, elapsed_ms }: Mix, from = 0, to = frames.length): void {
    for (let i = from; i < to; i++) {
      this.frame(tape_of[i] as number, frames[i] as Buffer, elapsed_ms[i] as number)
    }
  }

  counts(): RigCounts {
    const counters = this.players.map(({ intake }) => intake.counters)
    const sum = (key: 'frames' | 'slow_path' | 'gaps' | 'checksums_failed' | 'checksums_ok') =>
      counters.reduce((total, one) => total + one[key], 0)
    return {
      frames: sum('frames'),
      slow_path: sum('slow_path'),
      gaps: sum('gaps'),
      checksums_failed: sum('checksums_failed'),
      checksums_ok: sum('checksums_ok'),
      books_live: this.books.all.filter(({ state }) => state === 'live').length,
      books_total: this.books.all.length,
      verdicts: this.verdicts,
    }
  }

  private player(tape: Tape): Player {
    const entries = tape.markets.map((market) => this.books.add(market))
    const nothing = () => {}
    const intake = new Intake(tape.exchange, entries, this.books, {
      lost: nothing,
      needsSnapshot: nothing,
      synced: nothing,
      subscribed: nothing,
      refused: nothing,
      closing: nothing,
      system: nothing,
      badFrame: nothing,
    })
    const line = intake.line()
    intake.begin(line, intake.lanes, 0)
    return { intake, line }
  }

  private build({ intake, line }: Player, { prelude }: Tape): void {
    for (const step of prelude) {
      if ('frame' in step) {
        line.frame(step.frame, START_MS)
        continue
      }
      const lane = intake.lanes.find(({ market }) => market === step.market)
      if (lane !== undefined) intake.snapshot(lane, step.body, START_MS)
    }
  }

  private sweep(): void {
    this.swept_ms = this.now_ms
    for (const { intake } of this.players) intake.sweep(this.now_ms)
  }

  private detect(): void {
    const dirty = this.books.takeDirty()
    if (this.detector !== null) this.verdicts += this.detector.run(dirty).length
  }
}
