/** The guards of the detection in words, and how often each refused. Pure. */
import type { Guard, NearMiss } from '../../../shared/near-miss.ts'

/** Complete by its type. */
export const GUARD_NAMES: Record<Guard, string> = {
  stale: 'Book too old',
  skew: 'Books apart in time',
  backlog: 'Worker was behind',
  quarantine: 'Market on probation',
  crossed: 'Book crossed in itself',
  halted: 'Trading halted',
  identity: 'Not the same coin',
  leveraged: 'Leveraged token',
  implausible: 'Too good to be true',
  fee_unknown: 'Fee not known',
  below_minimum: 'Below the minimum',
}

// A newer server may know a guard that this page does not: its own word is then the best one.
export const guardName = (guard: Guard) => GUARD_NAMES[guard] ?? guard

/** The most frequent first; what was counted and not kept counts too. */
export function countByGuard(misses: readonly NearMiss[]): [guard: Guard, count: number][] {
  const counts = new Map<Guard, number>()
  for (const { guard, repeated } of misses) {
    counts.set(guard, (counts.get(guard) ?? 0) + 1 + repeated)
  }
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
}
