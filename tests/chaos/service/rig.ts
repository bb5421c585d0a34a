/**
 * The service as its users meet it: two workers on the sandbox exchanges, the edge, one reader of the
 * stream, one subscriber by webhook, around stores behind fault proxies. Gaps are made all the time.
 * Whatever is done to it, the stream, the reader, the subscriber and PostgreSQL must tell one story.
 */
import { isFinished, unequal } from '../../../bench/failover/compare.ts'
import { keepTearing, longGaps } from '../../../bench/failover/gaps.ts'
import { Rig, type RunningWorker, until } from '../../../bench/failover/rig.ts'
import type { ToldEvent } from '../../../bench/failover/story.ts'
import { STEP_EVERY_MS } from '../../../sandbox/exchanges/simulation.ts'
import { type Redis as RedisServer, startRedis } from '../../../sandbox/redis.ts'
import { LEASE_TTL_MS } from '../../../workers/ops/lease.ts'
import type { ChaosRig, RigKind, Verdict } from '../fault.ts'
import { Findings } from '../findings.ts'
import { Front } from './front.ts'
import { Reader } from './reader.ts'
import { compareAny, compareInOrder } from './receipts.ts'
import { Subscriber } from './subscriber.ts'

/** a quiet market, so that what is made on purpose is most of what happens */
const MARKET = { symbols: 4, rate: 1, tears: 3 }
/** whoever lasts less may fall into a take-over */
const LEAST_MS = LEASE_TTL_MS + 4_000
/** a market that was given less of its time than this had no time for its workers either */
const LEAST_STEPS = 0.8
const LEVEL_WITHIN_MS = 60_000
const MOST_SHOWN = 5

export interface Level {
  readonly level_ms: number
  /** what this is about, in order */
  readonly told: readonly ToldEvent[]
  /** alerts that were too old to be sent */
  readonly expired: number
  /** in words, the first of it */
  readonly missing: readonly string[]
}

export const SERVICE: RigKind<ServiceRig> = {
  name: 'two workers, the edge, a reader, a subscriber',
  start: ({ seed }) => ServiceRig.start(seed),
}

export class ServiceRig implements ChaosRig {
  readonly core: Rig
  readonly front: Front
  readonly reader: Reader
  readonly subscriber: Subscriber
  /** how often Redis came back empty: as often may a reader be given the live set instead */
  losses = 0
  /** so many events are known to have come to everybody, or to have been missed */
  private levelled = 0
  private expired_total = 0
  /** when nobody was there to see a gap, [from, to], wall ms */
  private readonly blind: [number, number][] = []
  private readonly servers: RedisServer[] = []
  private readonly started_ms = Date.now()
  private readonly tearing = new AbortController()
  private readonly torn: Promise<void>
  /** of the market, when this began */
  private readonly steps: number

  private constructor(
    core: Rig,
    front: Front,
    reader: Reader,
    subscriber: Subscriber,
    steps: number,
  ) {
    this.steps = steps
    this.core = core
    this.front = front
    this.reader = reader
    this.subscriber = subscriber
    this.torn = keepTearing(core.sandbox, this.tearing.signal)
  }

  static async start(seed: number): Promise<ServiceRig> {
    const variables = { WEBHOOKS_ALLOW_LOCAL: 'true' }
    const core = await Rig.start({ seed, ...MARKET, variables })
    const stops: (() => Promise<unknown>)[] = [() => core.stop()]
    try {
      const subscriber = await Subscriber.start(core.pool)
      stops.push(() => subscriber.stop())
      const front = await Front.start({
        redis_url: core.redis_proxy.url,
        database_url: core.postgres_proxy.url,
      })
      stops.push(() => front.stop())
      const reader = new Reader(front.url)
      stops.push(() => reader.leave())
      await core.startWorker()
      await core.ready(1)
      await core.startWorker()
      await core.ready(2)
      await reader.begun()
      const { steps } = await core.sandbox.status()
      return new ServiceRig(core, front, reader, subscriber, steps)
    } catch (error) {
      for (const stop of stops.reverse()) await stop()
      throw error
    }
  }

  /** One more Redis, empty and unused. */
  async server(): Promise<RedisServer> {
    const server = await startRedis()
    this.servers.push(server)
    return server
  }

  /** What is told wrong from now on. */
  newFaults(): () => readonly string[] {
    const { faults } = this.core.ledger
    const before = faults.length
    return () => faults.slice(before)
  }

  /** Nobody sees the market from that moment until now. */
  wasBlind(from_ms: number): void {
    this.blind.push([from_ms, Date.now()])
  }

  /**
   * Waits until the reader has every event that was told since this was asked last, and the subscriber
   * too, or the record says that its alert was too old. How long that took, and what never came.
   */
  async level(): Promise<Level> {
    const asked_ms = Date.now()
    const told = this.core.ledger.told.slice(this.levelled)
    this.levelled += told.length
    let unread: readonly ToldEvent[] = told
    let unsent = told.filter((event) => this.subscriber.wants(event))
    let expired = 0
    const isLevel = async () => {
      const { receipts, resets } = this.reader
      unread = compareInOrder(unread, receipts, resets).missing
      unsent = [...compareAny(unsent, this.subscriber.receipts).missing]
      if (unread.length > 0 || unsent.length === 0) return unread.length === 0
      const late = await this.expired(unsent)
      expired += late.size
      this.expired_total += late.size
      unsent = unsent.filter(({ id }) => !late.has(id))
      return unsent.length === 0
    }
    await until('everybody to be level', isLevel, LEVEL_WITHIN_MS).catch(() => {})
    const missing = [
      ...unread.slice(0, MOST_SHOWN).map(({ id, type }) => `${type} ${id} was never read`),
      ...unsent.slice(0, MOST_SHOWN).map(({ id, type }) => `${type} ${id} never came by webhook`),
    ]
    return { level_ms: Date.now() - asked_ms, told, expired, missing }
  }

  async workers(): Promise<[leader: RunningWorker, standby: RunningWorker]> {
    await this.core.ready(2)
    const leader = await this.core.leader()
    const standby = this.core.running().find((one) => one !== leader)
    if (standby === undefined) throw new Error('there is no standby')
    return [leader, standby]
  }

  async check(): Promise<Verdict> {
    const findings = new Findings({ timed: false })
    const { core, reader, subscriber } = this
    this.tearing.abort()
    await this.torn
    const to_ms = Date.now()
    const share = await this.stepsShare(to_ms)
    // without exchanges everything ends, and what was told can be finished
    await core.sandbox.stop()
    await until('the end of all', () => isFinished(core))
    await core.stopWorkers()
    await until('the ledger', () => core.ledger.isUpToDate(core.redis))
    const { missing } = await this.level()
    const { told, lives } = core.ledger
    const { repeated, wrong } = compareInOrder(told, reader.receipts, reader.resets)
    const twice = compareAny(told, subscriber.receipts).repeated
    const { gaps, missed } = await this.gaps(to_ms)
    findings.note(`${told.length} events of ${lives.size} opportunities`)
    findings.note(`read ${reader.receipts.length} (${repeated} twice, ${reader.lost} reconnects)`)
    findings.note(
      `by webhook ${subscriber.receipts.length} (${twice} twice, ${this.expired_total} too old)`,
    )
    findings.note(`${gaps} long gaps, ${missed.length} never told`)
    findings.note(`the market had ${Math.round(100 * share)} % of its time`)
    for (const one of [...core.ledger.faults, ...missing, ...wrong, ...subscriber.refused]) {
      findings.hold(false, one)
    }
    for (const one of await unequal(core)) findings.hold(false, one)
    // nothing begins where the market stands still, and late loops tell nothing
    if (share >= LEAST_STEPS) {
      for (const one of missed.slice(0, MOST_SHOWN)) findings.hold(false, `never told: ${one}`)
    }
    findings.hold(reader.refused === null, `the reader gave up: ${reader.refused}`)
    findings.hold(
      reader.resets.length <= this.losses,
      `the reader was given the live set ${reader.resets.length} times, Redis was empty ${this.losses} times`,
    )
    return findings.verdict()
  }

  async stop(): Promise<void> {
    this.tearing.abort()
    await this.torn.catch(() => {})
    await this.reader.leave()
    await this.core.stop()
    await this.front.stop()
    await this.subscriber.stop()
    for (const server of this.servers) await server.stop()
  }

  /** Of the steps that the market wanted to take. */
  private async stepsShare(to_ms: number): Promise<number> {
    const { steps } = await this.core.sandbox.status()
    return (steps - this.steps) / ((to_ms - this.started_ms) / STEP_EVERY_MS)
  }

  /** Of these the alerts that were recorded as too old to be sent. */
  private async expired(events: readonly ToldEvent[]): Promise<Set<string>> {
    const { rows } = await this.core.pool.query<{ message_id: string }>(
      `SELECT DISTINCT message_id FROM webhook_attempts
       WHERE endpoint_id = $1 AND result = 'expired' AND message_id = ANY($2)`,
      [this.subscriber.id, events.map(({ id }) => id)],
    )
    return new Set(rows.map(({ message_id }) => message_id))
  }

  /** Those that were seen by somebody all the time, and of them those that were never told. */
  private async gaps(to_ms: number): Promise<{ gaps: number; missed: string[] }> {
    const { truth_file, ledger, redis } = this.core
    const all = { gaps: 0, missed: [] as string[] }
    let from_ms = this.started_ms
    for (const [blind_ms, seen_ms] of [...this.blind, [to_ms, to_ms] as const]) {
      const span = { from_ms, to_ms: blind_ms, least_ms: LEAST_MS }
      const { gaps, missed } = await longGaps(truth_file, ledger.lives.values(), redis, span)
      all.gaps += gaps
      all.missed.push(...missed)
      from_ms = seen_ms
    }
    return all
  }
}
