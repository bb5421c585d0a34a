/** Compares what was published with what arrived. Receivers that fail or hang are nobody's measure. */
import { behaviourOf, takersOf } from './endpoints.ts'
import type { Receipt } from './receivers.ts'

export interface Published {
  readonly at_ms: number
  /** its number */
  readonly symbol: number
}

/** From shortly before the worker was killed until the next one had worked off what waited. */
export interface Outage {
  readonly from_ms: number
  readonly to_ms: number
}

export interface Verdict {
  /** pairs of an event and an endpoint that takes everything */
  readonly expected: number
  readonly lost: number
  readonly duplicates: number
  /** milliseconds from the event to its first receipt, sorted; `steady` without the outages */
  readonly all: readonly number[]
  readonly steady: readonly number[]
}

export function judge(
  published: ReadonlyMap<string, Published>,
  receipts: readonly Receipt[],
  outages: readonly Outage[],
): Verdict {
  const first = new Map<string, number>()
  let duplicates = 0
  for (const [endpoint, id, at_ms] of receipts) {
    if (behaviourOf(endpoint) !== 'takes') continue
    const key = `${endpoint} ${id}`
    if (first.has(key)) duplicates++
    else first.set(key, at_ms)
  }
  const all: number[] = []
  const steady: number[] = []
  let expected = 0
  for (const [id, { at_ms, symbol }] of published) {
    const is_steady = !outages.some(({ from_ms, to_ms }) => at_ms >= from_ms && at_ms <= to_ms)
    for (const endpoint of takersOf(symbol)) {
      expected++
      const received_ms = first.get(`${endpoint} ${id}`)
      if (received_ms === undefined) continue
      all.push(received_ms - at_ms)
      if (is_steady) steady.push(received_ms - at_ms)
    }
  }
  const ascending = (a: number, b: number) => a - b
  const lost = expected - all.length
  return { expected, lost, duplicates, all: all.sort(ascending), steady: steady.sort(ascending) }
}

/** Of sorted values. */
export function quantileOf(values: readonly number[], share: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
}
