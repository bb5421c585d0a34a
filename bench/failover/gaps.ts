/**
 * Gaps that last longer than any take-over may, made one after the other all the time, and whether
 * each of them was told. The market itself says which there were and for how long.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { NamedLeg } from '../../sandbox/market/chain.ts'
import { KEYS } from '../../shared/keys.ts'
import { type NearMiss, nearMissFromStream } from '../../shared/near-miss.ts'
import type { Sandbox } from '../load/sandbox.ts'
import { pairs } from './ledger.ts'
import { pathOf, type ToldLife } from './story.ts'

/** One line of the sandbox's truth.jsonl. */
interface TrueGap {
  readonly from_ms: number
  readonly to_ms: number
  readonly type: string
  readonly legs: readonly NamedLeg[]
}

const EVERY_MS = 1_500
/** as workers/publish/near-misses.ts thins them out */
const REPEAT_AFTER_MS = 60_000
const LASTS_MS = 15_000
/** within what a coin may be off without being taken for another one */
const FACTORS = [0.98, 1.02]
/** the dearest coins of the sandbox, which every exchange trades for dollars or tethers */
const MARKETS = [
  'kraken ETH/USD',
  'coinbase BTC/USD',
  'kraken SOL/USD',
  'binance ETH/USDT',
  'bybit BTC/USDT',
  'coinbase SOL/USD',
  'binance XRP/USDT',
  'bybit SOL/USDT',
]

/** Tears one market after the other away from the others until the signal aborts. */
export async function keepTearing(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    const market = MARKETS[turn % MARKETS.length]
    const factor = FACTORS[Math.floor(turn / MARKETS.length) % FACTORS.length]
    await sandbox.tell(`tear ${market} ${factor} ${LASTS_MS}`)
    await sleep(EVERY_MS, undefined, { signal }).catch(() => {})
  }
}

/**
 * Two-legged gaps between the two moments that lasted `least_ms` or more, and those never told, with
 * what the guards said of them, as far as the near-misses that are left know it.
 */
export async function longGaps(
  truth_file: string,
  lives: Iterable<ToldLife>,
  redis: Redis,
  { from_ms, to_ms, least_ms }: { from_ms: number; to_ms: number; least_ms: number },
) {
  const told = Map.groupBy(
    [...lives].filter(({ newest }) => newest.type === 'cross_exchange'),
    ({ newest }) => pathOf(newest.legs.slice(0, 2)),
  )
  const lines = (await readFile(truth_file, 'utf8')).split('\n').filter((line) => line !== '')
  const gaps = lines
    .map((line) => JSON.parse(line) as TrueGap)
    .filter(
      (gap) =>
        gap.type === 'cross_exchange' &&
        gap.legs.length === 2 &&
        gap.from_ms >= from_ms &&
        gap.to_ms <= to_ms &&
        gap.to_ms - gap.from_ms >= least_ms,
    )
  const missed = gaps.filter(
    (gap) =>
      !told
        .get(pathOf(gap.legs))
        ?.some((life) => life.detected_ms <= gap.to_ms && life.expired_ms >= gap.from_ms),
  )
  const refusals = missed.length === 0 ? [] : await nearMisses(redis)
  return { gaps: gaps.length, missed: missed.map((gap) => describe(gap, refusals)) }
}

/** All that are kept. */
export async function nearMisses(redis: Redis): Promise<NearMiss[]> {
  const entries = await redis.xrange(KEYS.near_misses, '-', '+')
  return entries.map(([id, fields]) => nearMissFromStream(id, pairs(fields)))
}

/** An episode is kept once a minute: one from before the gap may stand for those within it. */
function describe({ legs, from_ms, to_ms }: TrueGap, refusals: readonly NearMiss[]): string {
  const path = pathOf(legs)
  const said = refusals
    .filter(({ type, observed_at, legs }) => {
      const at_ms = Date.parse(observed_at)
      const is_then = at_ms >= from_ms - REPEAT_AFTER_MS && at_ms <= to_ms
      return is_then && type === 'cross_exchange' && pathOf(legs.slice(0, 2)) === path
    })
    .map(({ guard, why, observed_at }) => `${observed_at} ${guard}: ${why}`)
  const from = new Date(from_ms).toISOString()
  return [`${path} for ${to_ms - from_ms} ms from ${from}`, ...said].join('; ')
}
