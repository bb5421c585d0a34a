/** The figures of a run for machines, a JSON line a phase, and for people, one table. */
import type { Outage } from './drills.ts'
import type { FailoverResult } from './run.ts'

const MOST_WRONG_SHOWN = 20
const GOAL_DRAIN_MS = 5_000
const GOAL_REBUILT_MS = 2_000
const GOAL_EXIT_MS = 20_000

export function jsonLines(result: FailoverResult): string[] {
  const { take_overs_ms, lease_ttl_ms, redis, postgres, full, restarted_empty, drain } = result
  const { events, opportunities, long_gaps, missed, wrong, steps_share } = result
  return [
    { phase: 'kills', ...quantiles(take_overs_ms), lease_ttl_ms, goal_ms: lease_ttl_ms + 2_000 },
    { phase: 'redis down', ...redis, goal_ms: GOAL_DRAIN_MS },
    { phase: 'postgres down', ...postgres },
    { phase: 'redis full', ...full, goal_ms: GOAL_DRAIN_MS },
    { phase: 'redis emptied', ...restarted_empty, goal_ms: GOAL_REBUILT_MS },
    { phase: 'end in order', ...drain, goal_ms: GOAL_EXIT_MS },
    {
      ...{ phase: 'compare', events, opportunities, long_gaps, missed: missed.length },
      ...{ wrong: wrong.length, steps_share: Math.round(steps_share * 1_000) / 1_000 },
    },
  ].map((figures) => JSON.stringify({ bench: 'failover', ...figures }))
}

export function table(result: FailoverResult): string {
  const { take_overs_ms, lease_ttl_ms, redis, postgres, full, restarted_empty, drain } = result
  const { missed, wrong } = result
  const { kills, p50_ms, p99_ms, most_ms } = quantiles(take_overs_ms)
  const judged = (value_ms: number, goal_ms: number) =>
    `${value_ms} ms (goal ${goal_ms} ms: ${value_ms <= goal_ms ? 'reached' : 'MISSED'})`
  return [
    `leader killed ${kills} times; take-over p50 ${p50_ms} ms, p99 ${judged(p99_ms, lease_ttl_ms + 2_000)}, most ${most_ms} ms`,
    outage('Redis', redis, judged(redis.drained_ms, GOAL_DRAIN_MS)),
    outage('PostgreSQL', postgres, `${postgres.drained_ms} ms`),
    `Redis full for ${full.down_ms} ms: ${full.detected_meanwhile} opportunities began meanwhile; all arrived after ${judged(full.drained_ms, GOAL_DRAIN_MS)}`,
    `Redis emptied: live set of ${restarted_empty.live} again after ${judged(restarted_empty.rebuilt_ms, GOAL_REBUILT_MS)}`,
    `SIGTERM: ended with ${drain.code} after ${judged(drain.exit_ms, GOAL_EXIT_MS)}; the next one led after ${drain.next_ms} ms`,
    `${result.events} events of ${result.opportunities} opportunities`,
    `${result.long_gaps} gaps longer than any take-over, ${missed.length} of them never told; the market had time for ${(100 * result.steps_share).toFixed(0)} % of its steps`,
    ...missed.slice(0, MOST_WRONG_SHOWN).map((one) => `  never told: ${one}`),
    wrong.length === 0 ? 'nothing lost, nothing twice, every row equal' : `${wrong.length} WRONG:`,
    ...wrong.slice(0, MOST_WRONG_SHOWN).map((one) => `  ${one}`),
  ].join('\n')
}

function outage(store: string, { down_ms, detected_meanwhile }: Outage, drained: string): string {
  return `${store} away for ${down_ms / 1_000} s: ${detected_meanwhile} opportunities began meanwhile; all arrived after ${drained}`
}

function quantiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  return { kills: values.length, p50_ms: at(0.5), p99_ms: at(0.99), most_ms: sorted.at(-1) ?? 0 }
}
