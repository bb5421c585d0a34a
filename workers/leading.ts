/**
 * Everything that this worker does as a leader, put together: the lease, of each shard a term with
 * its publisher and boards, and how terms begin, move to another worker and end. It decides nothing
 * about markets.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Clock } from '../shared/clock.ts'
import type { Draft } from '../shared/event.ts'
import type { Market } from '../shared/market.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import type { WatchedMarket } from '../shared/watched.ts'
import type { Books } from './book/books.ts'
import type { Measure } from './lifecycle/markouts.ts'
import { Tracker } from './lifecycle/tracker.ts'
import { every } from './ops/every.ts'
import { Lease, type TermKind } from './ops/lease.ts'
import type { OperatorLog } from './ops/log.ts'
import { MarketBoard } from './ops/markets.ts'
import { type Prices, ProofBoard } from './ops/proofs.ts'
import { TopBoard } from './ops/top.ts'
import { readLiveSet } from './publish/live-set.ts'
import type { NearMisses } from './publish/near-misses.ts'
import { Publisher, type PublisherOptions } from './publish/stream.ts'
import { createTrim, type Trim } from './publish/trim.ts'
import { shardOf } from './shards.ts'
import { Term } from './term.ts'

export interface LeadingOptions {
  /** a `command` connection */
  readonly redis: Redis
  readonly clock: Clock
  readonly log: OperatorLog
  readonly worker_id: string
  readonly shard_count: number
  readonly min_percent: number
  readonly books: Books
  readonly newId: (wall_ms: number) => string
  readonly measure: Measure
  readonly feeOf: (market: Market) => WatchedMarket['taker_fee']
  readonly near_misses: NearMisses
  /** which coins have proven themselves */
  readonly prices: Prices
  readonly readiness: () => number
  readonly onPublished: (type: Draft['type'], waited_ms: number) => void
  /** the shards that this worker leads are others than before */
  readonly onShards: (shards: ReadonlySet<number>) => void
  /** the term of a shard has begun or begins anew: `pipeline.lead` */
  readonly onLead: (shard: number, token: number, kind: TermKind) => void
}

const BOARD_EVERY_MS = 1_000
const FLUSH_DEADLINE_MS = 6_000
const TAKEN_WITHIN_MS = 1_000
/** For another one's last words. */
const LEFT_WITHIN_MS = 5_000
const ASK_EVERY_MS = 100

export class Leading {
  /** by shard */
  readonly terms: readonly Term[]
  private readonly options: LeadingOptions
  private readonly lease: Lease
  private readonly desks: readonly Desk[]
  private readonly trim: Trim
  private readonly giving = new Set<number>()
  private stopBoards: () => Promise<void> = async () => {}

  constructor(options: LeadingOptions) {
    const { redis, clock, log, worker_id, shard_count, readiness } = options
    this.options = options
    this.trim = createTrim(redis)
    const shards = Array.from({ length: shard_count }, (_, shard) => shard)
    const { relieve } = this.trim
    const onFenced = () => void this.lease.ask()
    this.desks = shards.map((shard) => createDesk(shard, { ...options, relieve, onFenced }))
    this.terms = this.desks.map(({ term }) => term)
    this.lease = new Lease({
      ...{ redis, clock, log, worker_id, shard_count, readiness },
      onLead: (shard, token, kind) => {
        options.onLead(shard, token, kind)
        this.tellShards()
      },
      onLose: (shard) => {
        this.terms[shard]?.lose()
        this.tellShards()
      },
      onExcess: (shard) => void this.give(shard),
    })
  }

  /** The fencing tokens of what this worker leads, in the order of the shards. */
  get tokens(): ReadonlyMap<number, number> {
    return this.lease.tokens
  }

  /** Events that wait for Redis. */
  get depth(): number {
    return this.desks.reduce((sum, { publisher }) => sum + publisher.depth, 0)
  }

  get dropped_total(): number {
    return this.desks.reduce((sum, { publisher }) => sum + publisher.dropped_total, 0)
  }

  start(): void {
    this.lease.start()
    this.stopBoards = every(
      BOARD_EVERY_MS,
      () => this.writeBoards(),
      // Outages are told by the connection, and a lost term by the lease.
      (error) => this.options.log.debug('the board was not written', { error }),
    )
  }

  /**
   * Ends every term: what is open goes on under a successor, or ends where there is none, also when the
   * successor leaves in the same moment. Nothing may be applied to the terms afterwards.
   */
  async stop(): Promise<void> {
    await this.takeWhatIsLeft()
    const { lease, terms } = this
    const has_successor = lease.has_successor
    for (const term of terms) term.end(has_successor)
    await this.flush()
    if (has_successor) {
      await lease.ask()
      if (!lease.has_successor) {
        await Promise.all([...lease.tokens.keys()].map((shard) => terms[shard]?.sweepUp()))
        await this.flush()
      }
    }
    await lease.release()
    await this.stopBoards()
  }

  /**
   * Nobody leaves anything to this worker any more. What another leaves that goes in the same moment is
   * waited for and taken, where nobody else is there to go on with it.
   */
  private async takeWhatIsLeft(): Promise<void> {
    const { lease, terms } = this
    const { clock } = this.options
    const until_ms = clock.monotonic_ms() + LEFT_WITHIN_MS
    await lease.announceLeave()
    const isSettled = () => lease.has_successor || lease.tokens.size === terms.length
    while (!isSettled() && clock.monotonic_ms() < until_ms) {
      await sleep(ASK_EVERY_MS)
      await lease.ask()
    }
    const taken = Promise.all(terms.map((term) => term.taken))
    await Promise.race([taken, sleep(TAKEN_WITHIN_MS, undefined, { ref: false })])
  }

  private async flush(desks = this.desks): Promise<void> {
    const flushes = desks.map(({ publisher }) => publisher.flush(FLUSH_DEADLINE_MS))
    if (!(await Promise.all(flushes)).includes(false)) return
    const count = desks.reduce((sum, { publisher }) => sum + publisher.depth, 0)
    this.options.log.error('events were not delivered', { count })
  }

  private async give(shard: number): Promise<void> {
    const desk = this.desks[shard]
    if (desk === undefined || this.giving.has(shard)) return
    this.giving.add(shard)
    this.options.log.info('another worker should lead: handing on', { shard })
    desk.term.handOn()
    await this.flush([desk])
    await this.lease.give(shard)
    desk.term.lose()
    this.giving.delete(shard)
    this.tellShards()
  }

  private tellShards(): void {
    this.options.onShards(new Set(this.lease.tokens.keys()))
  }

  private async writeBoards(): Promise<void> {
    const { near_misses } = this.options
    const [first] = this.lease.tokens
    if (first !== undefined) await near_misses.write(...first)
    if (this.lease.tokens.has(0)) await this.trim.trim()
    for (const [shard, token] of this.lease.tokens) {
      await this.desks[shard]?.top.write(token)
      await this.desks[shard]?.markets.write(token)
    }
    for (const [shard, { proofs }] of this.desks.entries()) {
      await proofs.exchange(this.lease.tokens.get(shard))
    }
  }
}

interface Desk {
  readonly publisher: Publisher
  readonly term: Term
  readonly top: TopBoard
  readonly markets: MarketBoard
  readonly proofs: ProofBoard
}

type DeskOptions = LeadingOptions & Pick<PublisherOptions, 'relieve' | 'onFenced'>

function createDesk(shard: number, options: DeskOptions): Desk {
  const { redis, clock, log, books, shard_count, relieve, onFenced } = options
  const { newId, measure, min_percent, feeOf, prices, onPublished } = options
  const publisher = new Publisher({ redis, shard, clock, log, relieve, onFenced, onPublished })
  const tracker = new Tracker({ clock, newId, measure, min_percent })
  const isOwn = ({ legs }: Opportunity) => shardOf(legs, shard_count) === shard
  const readLive = async () => (await readLiveSet(redis, log)).filter(isOwn)
  const owns = (market: Market) => shardOf([market], shard_count) === shard
  const board = { redis, clock, books, shard, owns }
  return {
    publisher,
    term: new Term({ tracker, publisher, clock, log, readLive }),
    top: new TopBoard(board),
    markets: new MarketBoard({ ...board, feeOf }),
    proofs: new ProofBoard({ redis, clock, shard, owns, prices }),
  }
}
