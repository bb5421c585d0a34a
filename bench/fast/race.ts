/**
 * Compares costs on a machine that other programs share: contenders take turns in one process, the
 * first rounds warm up the compiler, and of the others the median counts, so that a round in which
 * somebody else had the processor is nobody's cost.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Contender {
  readonly name: string
  /** how many frames a run takes */
  readonly frames: number
  /** makes everything ready, unmeasured; what it returns is measured */
  readonly prepare: () => () => void
}

const WARM_UP_ROUNDS = 4
const ROUNDS = 11

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void

/**
 * Collects the young garbage, so that nobody pays for what came before. Not the old: with it die the
 * shapes of objects that nobody holds just now, and the code that was compiled for them.
 */
export const collectGarbage = () => collect({ type: 'minor' })

/** Median nanoseconds a frame of each contender, by name. */
export function race(contenders: readonly Contender[]): Map<string, number> {
  const costs = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const { name, frames, prepare } of rotated(contenders, round)) {
      const run = prepare()
      collectGarbage()
      const began_ns = process.hrtime.bigint()
      run()
      const took_ns = Number(process.hrtime.bigint() - began_ns)
      if (round >= 0) costs.get(name)?.push(took_ns / frames)
    }
  }
  return new Map([...costs].map(([name, all]) => [name, median(all)]))
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [below, above] = [sorted[middle - 1] ?? Number.NaN, sorted[middle] ?? Number.NaN]
  return sorted.length % 2 === 1 ? above : (below + above) / 2
}

/** Nobody always runs after the same other. */
function rotated<T>(all: readonly T[], by: number): T[] {
  const from = ((by % all.length) + all.length) % all.length
  return [...all.slice(from), ...all.slice(0, from)]
}
