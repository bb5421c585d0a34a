/**
 * Compares costs on a machine that other programs share: contenders take turns in one process, the
 * first rounds warm up the compiler, and of the others the median counts. Time is the processor
 * time of this thread, so that what others do to the clock on the wall is nobody's cost.
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

const WARM_UP_ROUNDS = 5

setFlagsFromString('--expose-gc')
/** Collects all garbage, so that nobody pays for what came before. */
export const collectGarbage = runInNewContext('gc') as () => void

/** Median nanoseconds a frame of each contender, by name. */
export function race(contenders: readonly Contender[], rounds: number): Map<string, number> {
  const costs = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const { name, frames, prepare } of rotated(contenders, round)) {
      const run = prepare()
      collectGarbage()
      const before = process.threadCpuUsage()
      run()
      const { user, system } = process.threadCpuUsage(before)
      if (round >= 0) costs.get(name)?.push(((user + system) * 1_000) / frames)
    }
  }
  return new Map([...costs].map(([name, all]) => [name, median(all)]))
}

function median(values: readonly number[]): number {
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
