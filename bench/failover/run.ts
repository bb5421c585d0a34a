/**
 * The proof that two workers are one service: kills under load, stores that go away, an end in order;
 * and afterwards one consistent story in the stream, the same in PostgreSQL, and no gap that was long
 * enough to be told and was not.
 */
import { STEP_EVERY_MS } from '../../sandbox/exchanges/simulation.ts'
import { LEASE_TTL_MS } from '../../workers/ops/lease.ts'
import { isFinished, unequal } from './compare.ts'
import {
  type Emptied,
  type Ended,
  emptied,
  endInOrder,
  killLeader,
  type Outage,
  postgresDown,
  redisDown,
  redisFull,
} from './drills.ts'
import { keepTearing, longGaps } from './gaps.ts'
import { Rig, type RigOptions, until } from './rig.ts'

export interface FailoverOptions extends RigOptions {
  /** how often the leader is killed */
  readonly kills: number
  readonly redis_down_ms: number
  readonly postgres_down_ms: number
  readonly redis_full_ms: number
  /** told when a phase begins */
  readonly onPhase?: (phase: string) => void
}

export interface FailoverResult {
  readonly lease_ttl_ms: number
  /** from each kill until the standby led and knew what was left, in order */
  readonly take_overs_ms: readonly number[]
  readonly redis: Outage
  readonly postgres: Outage
  /** no room for anything, and nothing in the stream that may be cut */
  readonly full: Outage
  readonly restarted_empty: Emptied
  readonly drain: Ended
  readonly events: number
  readonly opportunities: number
  /** of the steps that the market wanted to take: less than 1 on a machine without time */
  readonly steps_share: number
  /** gaps that lasted longer than any take-over may take … */
  readonly long_gaps: number
  /** … and those of them that nobody was told of */
  readonly missed: readonly string[]
  /** everything that should not have happened, in words; empty: nothing */
  readonly wrong: readonly string[]
}

/** longer than a take-over may take: whoever is shorter may fall into one */
const SLACK_MS = 2_000
const MOST_COMPLAINTS = 40

export async function runFailover(options: FailoverOptions): Promise<FailoverResult> {
  const { onPhase = () => {} } = options
  onPhase('start')
  const rig = await Rig.start(options)
  const tearing = new AbortController()
  try {
    await rig.startWorker()
    await rig.ready(1)
    await rig.startWorker()
    await rig.ready(2)
    const { steps } = await rig.sandbox.status()
    const from_ms = Date.now()
    const torn = keepTearing(rig.sandbox, tearing.signal)
    onPhase('kills')
    const take_overs_ms: number[] = []
    for (let i = 0; i < options.kills; i++) take_overs_ms.push(await killLeader(rig, Math.random))
    onPhase('an end in order')
    const drain = await endInOrder(rig)
    onPhase('redis down')
    const redis = await redisDown(rig, options.redis_down_ms)
    onPhase('postgres down')
    const postgres = await postgresDown(rig, options.postgres_down_ms)
    onPhase('redis full')
    const full = await redisFull(rig, options.redis_full_ms)
    onPhase('redis restarted empty')
    const restarted_empty = await emptied(rig)
    tearing.abort()
    await torn
    const to_ms = Date.now()
    const steps_taken = (await rig.sandbox.status()).steps - steps
    const steps_share = steps_taken / ((to_ms - from_ms) / STEP_EVERY_MS)
    onPhase('compare')
    // without exchanges everything ends, and what was told can be finished
    await rig.sandbox.stop()
    await until('the end of all', () => isFinished(rig))
    await rig.stopWorkers()
    await until('the ledger', () => rig.ledger.isUpToDate(rig.redis))
    const wrong = [...rig.ledger.faults, ...(await unequal(rig))]
    const least_ms = LEASE_TTL_MS + 2 * SLACK_MS
    const { gaps, missed } = await longGaps(rig.truth_file, rig.ledger.lives.values(), rig.redis, {
      ...{ from_ms, to_ms, least_ms },
    })
    const { told, lives } = rig.ledger
    return {
      lease_ttl_ms: LEASE_TTL_MS,
      ...{ take_overs_ms, redis, postgres, full, restarted_empty, drain },
      events: told.length,
      opportunities: lives.size,
      steps_share,
      long_gaps: gaps,
      missed,
      wrong,
    }
  } catch (error) {
    // what the workers said is all there is to explain it
    const said = rig.complaints.slice(-MOST_COMPLAINTS).join('\n')
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error })
  } finally {
    tearing.abort()
    await rig.stop()
  }
}
