/**
 * Asks an exchange by REST who trades, where its stream does not say: regularly, and at once when
 * something hints at a halt. A market that the answer does not name is halted; an answer that does
 * not come changes nothing.
 */
import type { Clock } from '../../shared/clock.ts'
import {
  FrameError,
  type TradingReport,
  type TradingStatusProcedure,
} from '../exchanges/exchange.ts'
import type { Fleet } from './fleet.ts'
import { Frozen } from './frozen.ts'
import type { Intake } from './intake.ts'
import type { Rest } from './rest.ts'

/** at least so long between two questions of a kind, whatever hints */
const GAP_MS = 2_000
/** a hint costs a question: so long a silence comes about by chance once in e^10 */
const SUSPICIOUS = { times_usual: 10, least_ms: 3_000 }
/** an address that does not know the path will not learn it soon */
const REFUSED_RETRY_MS = 600_000

export interface TradingStatusOptions {
  readonly rest: Pick<Rest, 'take' | 'get' | 'elsewhere' | 'stopped'>
  readonly clock: Clock
  readonly intake: Intake
  /** another protocol of the same exchange may tell by itself what this one does not */
  readonly fleet: Pick<Fleet, 'protocol'>
  readonly onBadFrame: (error: FrameError) => void
}

/** When to ask one kind of question; our monotonic clock, ms. */
interface Turn {
  due_ms: number
  /** no hint makes it due before */
  earliest_ms: number
  /** no question of a kind overtakes another */
  asking: boolean
}

export class TradingStatus {
  private readonly options: TradingStatusOptions
  private readonly turns = new Map<TradingStatusProcedure, Turn>()
  private readonly frozen = new Frozen(SUSPICIOUS)

  constructor(options: TradingStatusOptions) {
    this.options = options
  }

  /** Somebody may have stopped trading: asks soon. */
  hint(): void {
    for (const turn of this.turns.values()) {
      turn.due_ms = Math.min(turn.due_ms, turn.earliest_ms)
    }
  }

  /** Asks what is due. Call it a few times a second. */
  sweep(now_ms: number): void {
    const { fleet, intake, rest } = this.options
    const { trading_status } = fleet.protocol
    if (trading_status === undefined || rest.stopped) return
    if (this.frozen.notice(intake.lanes, now_ms).length > 0) this.hint()
    for (const procedure of trading_status) {
      const turn = this.turnOf(procedure)
      if (turn.asking || now_ms < turn.due_ms || !this.mayAsk(procedure)) continue
      turn.asking = true
      turn.due_ms = now_ms + procedure.every_ms
      turn.earliest_ms = now_ms + GAP_MS
      void this.ask(procedure, turn)
    }
  }

  private mayAsk({ own_address_only, weight }: TradingStatusProcedure): boolean {
    const { rest } = this.options
    if (own_address_only && rest.elsewhere) return false
    return rest.take(weight) === 0
  }

  private async ask(procedure: TradingStatusProcedure, turn: Turn): Promise<void> {
    const { rest, clock } = this.options
    const answer = await rest.get(procedure.path, procedure.own_address_only)
    turn.asking = false
    if (rest.stopped) return
    if (answer.kind === 'body') this.read(procedure, answer.body)
    if (answer.kind !== 'refused') return
    turn.earliest_ms = clock.monotonic_ms() + REFUSED_RETRY_MS
    turn.due_ms = turn.earliest_ms
  }

  private read({ parse }: TradingStatusProcedure, body: string): void {
    try {
      this.apply(parse(body))
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.options.onBadFrame(error)
    }
  }

  private apply({ system, trading }: TradingReport): void {
    const { intake, clock } = this.options
    const now_ms = clock.monotonic_ms()
    if (system !== undefined) intake.systemFrame(system.state, system.reason, now_ms)
    if (trading === undefined) return
    for (const { market, trading: open } of intake.lanes) {
      if (trading.has(market) !== open) intake.tradingFrame(market, !open, now_ms)
    }
  }

  private turnOf(procedure: TradingStatusProcedure): Turn {
    const known = this.turns.get(procedure)
    if (known !== undefined) return known
    const turn: Turn = {
      due_ms: Number.NEGATIVE_INFINITY,
      earliest_ms: Number.NEGATIVE_INFINITY,
      asking: false,
    }
    this.turns.set(procedure, turn)
    return turn
  }
}
