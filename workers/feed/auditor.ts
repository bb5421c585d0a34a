/**
 * Asks by REST, market by market, whether the books are right, where the stream itself proves
 * nothing: a wrong level with right ids would stay wrong for ever. It only says which market is
 * wrong. A difference counts when the next look finds one too.
 */
import { BookUpdate } from '../book/update.ts'
import { type AuditProcedure, FrameError } from '../exchanges/exchange.ts'
import { type AuditResult, compareBooks } from './audit.ts'
import type { Lane } from './lane.ts'
import type { Rest } from './rest.ts'
import { Touches } from './touches.ts'

/** questions are never closer than this */
const LEAST_GAP_MS = 150
/** an answer that proves nothing is asked for again so soon, and so often, before its next turn */
const AGAIN_AFTER_MS = 2_000
const AGAIN_MOST = 3
/** a market that differs again after it was resynced is a riddle: it is left alone for so long */
const RIDDLE_FOR_MS = 600_000

export interface AuditorOptions {
  readonly procedure: AuditProcedure
  readonly rest: Rest
  readonly lanes: () => readonly Lane[]
  readonly now_ms: () => number
  /** the book is wrong: it has to be built again */
  readonly wrong: (lane: Lane, level: string) => void
}

interface Findings {
  differed: boolean
  /** our monotonic clock, ms */
  wrong_ms: number
  left_alone_until_ms: number
}

export class Auditor {
  ok = 0
  failed = 0
  private readonly options: AuditorOptions
  private readonly findings = new Map<Lane, Findings>()
  private timer: NodeJS.Timeout | undefined
  private stopped = false
  private turn = 0

  constructor(options: AuditorOptions) {
    this.options = options
  }

  start(): void {
    this.schedule()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  private schedule(): void {
    const { lanes, procedure } = this.options
    const gap_ms = Math.max(LEAST_GAP_MS, procedure.every_ms / Math.max(1, lanes().length))
    this.timer = setTimeout(() => {
      const lane = this.next()
      if (lane !== null) void this.audit(lane)
      this.schedule()
    }, gap_ms)
  }

  /** The next that is live and not looked at. */
  private next(): Lane | null {
    const lanes = this.options.lanes()
    for (let tried = 0; tried < lanes.length; tried++) {
      const lane = lanes[this.turn++ % lanes.length]
      if (lane !== undefined && this.isDue(lane)) return lane
    }
    return null
  }

  private isDue(lane: Lane): boolean {
    const { left_alone_until_ms } = this.findingsOf(lane)
    const free = lane.touches === null && this.options.now_ms() >= left_alone_until_ms
    return free && lane.entry.state === 'live'
  }

  private async audit(lane: Lane, again = AGAIN_MOST): Promise<void> {
    const touches = new Touches()
    lane.touches = touches
    const result = await this.look(lane, touches)
    lane.touches = null
    if (this.stopped) return
    const findings = this.findingsOf(lane)
    if (result.kind === 'agrees') {
      this.ok++
      findings.differed = false
    } else if (result.kind === 'differs' && !findings.differed) {
      findings.differed = true
      if (this.isDue(lane)) await this.audit(lane)
    } else if (result.kind === 'differs') {
      this.condemn(lane, findings, result.level)
    } else if (again > 0) {
      await pause(AGAIN_AFTER_MS)
      if (!this.stopped && this.isDue(lane)) await this.audit(lane, again - 1)
    }
  }

  private condemn(lane: Lane, findings: Findings, level: string): void {
    const now_ms = this.options.now_ms()
    this.failed++
    findings.differed = false
    if (now_ms - findings.wrong_ms < RIDDLE_FOR_MS) {
      findings.left_alone_until_ms = now_ms + RIDDLE_FOR_MS
    }
    findings.wrong_ms = now_ms
    this.options.wrong(lane, level)
  }

  /** One question, with so much time before and after it that the answer lies between. */
  private async look(lane: Lane, touches: Touches): Promise<AuditResult> {
    const { rest, procedure } = this.options
    const { last_id, exchange_time_ms } = lane.entry.book
    await pause(procedure.settle_ms)
    if (this.stopped || rest.take(procedure.weight) > 0) return { kind: 'void' }
    const answer = await rest.get(procedure.path(lane.market))
    if (answer.kind !== 'body') return { kind: 'void' }
    await pause(procedure.settle_ms)
    if (this.stopped || lane.entry.state !== 'live') return { kind: 'void' }
    const told = new BookUpdate()
    try {
      procedure.parse(answer.body, told)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      return { kind: 'void' }
    }
    return compareBooks(lane.entry.book, told, touches, { last_id, exchange_time_ms })
  }

  private findingsOf(lane: Lane): Findings {
    const known = this.findings.get(lane)
    if (known !== undefined) return known
    const [wrong_ms, left_alone_until_ms] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
    const findings = { differed: false, wrong_ms, left_alone_until_ms }
    this.findings.set(lane, findings)
    return findings
  }
}

function pause(duration_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration_ms))
}
