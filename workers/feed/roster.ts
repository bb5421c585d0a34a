/**
 * Keeps an exchange's list of markets: asks until it has one, then again every ten minutes and when
 * something hints that it changed. It judges no market; what to watch is its owner's choice.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import {
  type Backoff,
  BLOCKED_RETRY_MS,
  backoff_ms,
  isBlocked,
  isThrottled,
  type Random,
  THROTTLED_RETRY_MS,
} from './backoff.ts'
import { fetchInstruments, type InstrumentList, RestError } from './instruments.ts'
import type { Tap } from './tap.ts'

const RETRY: Backoff = { base_ms: 1_000, cap_ms: 60_000 }
/** a market that has gone may come back: what halted is asked for more often, for so long */
const RESTLESS_FOR_MS = 3_600_000

/** How often to ask; every wait is lengthened by up to a tenth, at random. */
export interface RosterTiming {
  readonly period_ms: number
  /** while markets have gone lately */
  readonly restless_ms: number
  /** at least so long between two questions, whatever hints */
  readonly gap_ms: number
}

export const ROSTER_TIMING: RosterTiming = {
  period_ms: 600_000,
  restless_ms: 60_000,
  gap_ms: 30_000,
}

export interface RosterOptions {
  readonly exchange: Exchange
  readonly rest_url: string
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  readonly timing: RosterTiming
  readonly tap: Tap | undefined
  /** a list came, the first or another */
  readonly onList: (list: InstrumentList) => void
}

export class Roster {
  /** the newest that is believed; null before the first */
  list: InstrumentList | null = null
  /** why there is no list yet */
  state: 'connecting' | 'down' | 'blocked' = 'connecting'
  reason: string | null = null
  private readonly options: RosterOptions
  private timer: NodeJS.Timeout | undefined
  private stopped = false
  private attempts = 0
  /** our monotonic clock, ms */
  private asked_ms = Number.NEGATIVE_INFINITY
  private due_ms = Number.POSITIVE_INFINITY
  private restless_until_ms = Number.NEGATIVE_INFINITY
  /** the last list had lost so much that another must say the same */
  private doubted = false

  constructor(options: RosterOptions) {
    this.options = options
  }

  start(): void {
    void this.ask()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  /** The list may have changed: asks soon, and not more often than the gap. */
  hint(): void {
    const { clock, timing } = this.options
    if (this.list === null) return
    const now_ms = clock.monotonic_ms()
    const wait_ms = Math.max(0, this.asked_ms + timing.gap_ms - now_ms)
    if (now_ms + wait_ms < this.due_ms) this.schedule(wait_ms)
  }

  private async ask(): Promise<void> {
    this.asked_ms = this.options.clock.monotonic_ms()
    this.due_ms = Number.POSITIVE_INFINITY
    let wait_ms: number
    try {
      const list = await fetchInstruments(this.options)
      this.attempts = 0
      wait_ms = this.arrived(list)
    } catch (error) {
      wait_ms = this.failed(error)
    }
    this.schedule(wait_ms)
  }

  private arrived(list: InstrumentList): number {
    const { timing, clock, log, exchange } = this.options
    const gone = countGone(this.list, list)
    if (gone > 0) this.restless_until_ms = clock.monotonic_ms() + RESTLESS_FOR_MS
    const half = countTrading(this.list) / 2
    if (gone > half && !this.doubted) {
      this.doubted = true
      log.warn('most markets are gone: the list is asked for again', {
        exchange: exchange.id,
        gone,
      })
      return timing.gap_ms
    }
    this.doubted = false
    this.list = list
    if (!this.stopped) this.options.onList(list)
    const restless = clock.monotonic_ms() < this.restless_until_ms
    return restless ? timing.restless_ms : timing.period_ms
  }

  private failed(error: unknown): number {
    const { exchange, random, log } = this.options
    const status = error instanceof RestError ? error.status : undefined
    this.state = isBlocked(status) ? 'blocked' : 'down'
    this.reason = error instanceof Error ? error.message : String(error)
    const wait_ms = waitFor(status, this.attempts++, random)
    log.warn('no list of markets', { exchange: exchange.id, wait_ms, reason: this.reason })
    return wait_ms
  }

  private schedule(wait_ms: number): void {
    if (this.stopped) return
    const { clock, random } = this.options
    const jittered_ms = Math.round(wait_ms * (1 + random() / 10))
    this.due_ms = clock.monotonic_ms() + jittered_ms
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.ask(), jittered_ms)
  }
}

function waitFor(status: number | undefined, attempt: number, random: Random): number {
  if (isBlocked(status)) return BLOCKED_RETRY_MS
  if (isThrottled(status)) return THROTTLED_RETRY_MS
  return Math.round(backoff_ms(attempt, RETRY, random))
}

function countTrading(list: InstrumentList | null): number {
  return list?.markets.filter(({ trading }) => trading).length ?? 0
}

/** Markets that traded in the one list and do not in the other. */
function countGone(before: InstrumentList | null, after: InstrumentList): number {
  const trading = after.markets.filter((market) => market.trading)
  const names = new Set(trading.map(({ market }) => market))
  return (
    before?.markets.filter(({ market, trading: traded }) => traded && !names.has(market)).length ??
    0
  )
}
