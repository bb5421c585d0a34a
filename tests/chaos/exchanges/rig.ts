/**
 * One worker on four sandbox exchanges, with a network that can fail before each of them; Redis is
 * real, PostgreSQL absent: nothing that is announced waits for it. It records what was on the wire,
 * what was announced, how late every loop was and what was in doubt, for the checker.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { nearMisses } from '../../../bench/failover/gaps.ts'
import { Ledger } from '../../../bench/failover/ledger.ts'
import { until } from '../../../bench/failover/rig.ts'
import type { ToldLife } from '../../../bench/failover/story.ts'
import { compareBooks } from '../../../bench/load/exact.ts'
import type { Sandbox } from '../../../bench/load/sandbox.ts'
import type { WorkerView } from '../../../bench/load/worker.ts'
import { SANDBOX_EXCHANGES } from '../../../sandbox/exchanges/index.ts'
import { STEP_EVERY_MS } from '../../../sandbox/exchanges/simulation.ts'
import { createMarketModel } from '../../../sandbox/market/model.ts'
import type { Random } from '../../../sandbox/market/random.ts'
import type { Child } from '../../../sandbox/process.ts'
import type { Event } from '../../../shared/event.ts'
import { Doubts } from '../../truth/doubts.ts'
import { readWire } from '../../truth/wire.ts'
import { checkStory, checkTruth, together } from '../checker.ts'
import type { ChaosContext, ChaosRig, Verdict } from '../fault.ts'
import type { Lateness } from './lateness.ts'
import type { Network } from './network.ts'
import { rightlyDated } from './steps.ts'

/** of each exchange, faults happen to one of so many markets */
const BUSIEST = 6
const NEVER = Number.NEGATIVE_INFINITY
/** a market that held for so long has its next loss treated as a first one (workers/feed/resyncs.ts) */
const RESTED_MS = 31_000
/** Every exchange that the sandbox plays. */
export const EXCHANGE_IDS = SANDBOX_EXCHANGES.map(({ profile }) => profile.id)
const THRESHOLDS = { min_percent: 0.5, min_volume_usd: 1_000 } as const
const READY_WITHIN_MS = 90_000
/** what is on its way when the market stops arrives within this, or is lost */
const STILL_WITHIN_MS = 10_000

/** a connection that lived so long is lost for a new reason (workers/feed/connection.ts: 30 s) */
const STABLE_AFTER_MS = 31_000

/** A line of the worker's log. */
export interface Complaint {
  /** all of it */
  readonly line: string
  readonly level: string
  readonly timestamp: string
  readonly message: string
  readonly exchange?: string
  readonly market?: string
}

/** as the feed logs it */
const LOST = 'a book lost its thread'

/** What ends the parts of a rig; the last that started first. */
export type Stops = (() => Promise<unknown>)[]

/** The market that all of it is about. */
export interface MarketOptions {
  readonly seed: number
  readonly symbols: number
  readonly rate: number
  readonly tears: number
}

export interface WatchedBook {
  readonly exchange: string
  /** in the exchange's spelling */
  readonly market: string
  readonly symbol: string
}

export class ExchangesRig implements ChaosRig {
  readonly sandbox: Sandbox
  readonly networks: ReadonlyMap<string, Network>
  readonly child: Child
  readonly worker: WorkerView
  readonly redis: Redis
  readonly lateness: Lateness
  readonly doubts = new Doubts()
  /** all that was ever published, in order */
  readonly events: Event[] = []
  /** the worker's warnings and errors, as it logged them */
  readonly complaints: Complaint[]
  /** the busiest first */
  private readonly busy: readonly WatchedBook[]
  /** our monotonic clock when it was picked last, ms */
  private readonly picked = new Map<WatchedBook, number>()
  private readonly market: MarketOptions
  private readonly ledger: Ledger
  private readonly record_file: string
  private readonly from_ms = Date.now()
  private readonly steps_before: number
  private paused_ms = 0
  private paused_since_ms = 0
  private readonly stops: Stops

  constructor(
    parts: Pick<
      ExchangesRig,
      'sandbox' | 'networks' | 'child' | 'worker' | 'redis' | 'complaints' | 'lateness'
    > & {
      market: MarketOptions
      record_file: string
      steps_before: number
      stops: Stops
      busy: readonly WatchedBook[]
    },
  ) {
    this.sandbox = parts.sandbox
    this.networks = parts.networks
    this.child = parts.child
    this.worker = parts.worker
    this.redis = parts.redis
    this.complaints = parts.complaints
    this.lateness = parts.lateness
    this.market = parts.market
    this.busy = parts.busy
    this.record_file = parts.record_file
    this.steps_before = parts.steps_before
    this.stops = parts.stops
    this.ledger = new Ledger(parts.redis.duplicate(), (event) =>
      this.events.push(rightlyDated(event)),
    )
  }

  network(exchange: string): Network {
    const found = this.networks.get(exchange)
    if (found === undefined) throw new Error(`no network of ${exchange}`)
    return found
  }

  /**
   * One of the markets of the exchange that change most often, and none that was picked just now: who
   * loses its thread again so soon is asked for more slowly.
   */
  pick(exchange: string, random: Random): WatchedBook {
    const now_ms = performance.now()
    const busy = this.busy.filter((book) => book.exchange === exchange).slice(0, BUSIEST)
    const rested = busy.filter((book) => !(now_ms - (this.picked.get(book) ?? NEVER) < RESTED_MS))
    const books = rested.length > 0 ? rested : busy
    const found = books[random.integer(books.length)]
    if (found === undefined) throw new Error(`nothing happens on ${exchange}`)
    this.picked.set(found, now_ms)
    return found
  }

  /** Warnings and errors about exchanges since that moment, as the worker logged them. */
  said(from_ms: number): string[] {
    return this.complaints
      .filter(({ timestamp, exchange }) => exchange && Date.parse(timestamp) >= from_ms)
      .map(({ line }) => line)
  }

  /** When the worker lost the thread of that book first since that moment, as it says itself. */
  lost({ exchange, market }: WatchedBook, from_ms: number): number | undefined {
    const found = this.complaints.find(
      (told) =>
        told.message === LOST &&
        told.exchange === exchange &&
        told.market === market &&
        Date.parse(told.timestamp) >= from_ms,
    )
    return found && Date.parse(found.timestamp)
  }

  /** Opportunities that were announced and have not ended. */
  open(): ToldLife[] {
    return this.ledger.open()
  }

  life(id: string): ToldLife | undefined {
    return this.ledger.lives.get(id)
  }

  /** @throws Error when some book is not live in time */
  async allLive(): Promise<void> {
    const isLive = async () => (await this.worker.list()).every(({ state }) => state === 'live')
    await until('every book to be live', isLive, READY_WITHIN_MS)
  }

  /** The market stands still and is not held against itself for that. */
  async pause(): Promise<void> {
    await this.sandbox.pause()
    this.paused_since_ms = Date.now()
  }

  async resume(): Promise<void> {
    this.paused_ms += Date.now() - this.paused_since_ms
    await this.sandbox.resume()
  }

  /** Stops the market and holds every book against its own; what is on its way may arrive first. */
  async exact(): Promise<Verdict> {
    await this.pause()
    let compared = await compareBooks(this.sandbox, this.worker, EXCHANGE_IDS)
    const deadline_ms = performance.now() + STILL_WITHIN_MS
    while (compared.wrong.length > 0 && performance.now() < deadline_ms) {
      await sleep(STILL_WITHIN_MS / 20)
      compared = await compareBooks(this.sandbox, this.worker, EXCHANGE_IDS)
    }
    await this.resume()
    return { measured: `${compared.books} books exact`, failures: compared.wrong }
  }

  /** All live, and for whom time counts on connections that have been there for long: who lost one
   * just now waits longer. */
  async settled({ timed }: Pick<ChaosContext, 'timed'>): Promise<void> {
    const newest_ms = Math.max(
      ...[...this.networks.values()].map(({ handshakes }) => handshakes.at(-1)?.at_ms ?? 0),
    )
    if (timed) await sleep(Math.max(0, newest_ms + STABLE_AFTER_MS - performance.now()))
    await this.allLive()
  }

  async check(): Promise<Verdict> {
    await this.allLive()
    const to_ms = Date.now()
    const steps = (await this.sandbox.status()).steps - this.steps_before
    const steps_share = steps / ((to_ms - this.from_ms - this.paused_ms) / STEP_EVERY_MS)
    const exact = await this.exact()
    this.lateness.stop()
    await this.child.stop()
    await until('the ledger', () => this.ledger.isUpToDate(this.redis))
    await this.sandbox.stop()
    const { markets } = createMarketModel({
      exchanges: SANDBOX_EXCHANGES.map(({ profile }) => profile),
      ...this.market,
    })
    const wire = readWire(this.record_file)
    const { doubts, from_ms, events } = this
    const { windows: late, ours: relay_late } = this.lateness
    const refusals = await nearMisses(this.redis)
    const truth = {
      markets,
      wire,
      doubts,
      late,
      relay_late,
      from_ms,
      to_ms,
      steps_share,
      refusals,
      ...THRESHOLDS,
    }
    return together([exact, checkStory(events), checkTruth(events, truth)])
  }

  async stop(): Promise<void> {
    this.lateness.stop()
    this.ledger.close()
    await stopAll(this.stops)
  }
}

export async function stopAll(stops: Stops): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop()
}
