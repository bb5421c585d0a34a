/**
 * Compares costs on a machine that other programs share: contenders take turns in one process, a
 * short slice of the same frames each, the first rounds warm up the compiler, and of the others the
 * median of every slice counts. A slice is shorter than what the operating system gives a program
 * at a time, so that those in which somebody else had the processor are few and nobody's cost.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Handles frames [from, to). */
export type Play = (from: number, to: number) => void

export interface Contender {
  readonly name: string
  /** makes everything ready, unmeasured; what it returns is measured */
  readonly prepare: () => Play
}

const WARM_UP_ROUNDS = 5
const ROUNDS = 11
const SLICE = 100

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void

/**
 * Collects the young garbage, so that nobody pays for what came before. Not the old: with it die the
 * shapes of objects that nobody holds just now, and the code that was compiled for them.
 */
export const collectGarbage = () => collect({ type: 'minor' })

/** Median nanoseconds a frame of each contender, by name; all take the same `frames` frames. */
export function race(frames: number, contenders: readonly Contender[]): Map<string, number> {
  const slices = Math.ceil(frames / SLICE)
  const costs = contenders.map(() => Array.from({ length: slices }, (): number[] => []))
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const players = contenders.map(({ prepare }) => prepare())
    collectGarbage()
    for (let slice = 0; slice < slices; slice++) {
      const [from, to] = [slice * SLICE, Math.min(frames, (slice + 1) * SLICE)]
      for (let turn = 0; turn < players.length; turn++) {
        // nobody always plays after the same other
        const who = (turn + slice + round + WARM_UP_ROUNDS) % players.length
        const began_ns = process.hrtime.bigint()
        players[who]?.(from, to)
        const took_ns = Number(process.hrtime.bigint() - began_ns)
        if (round >= 0) costs[who]?.[slice]?.push(took_ns)
      }
    }
  }
  return new Map(
    contenders.map(({ name }, who) => {
      const total_ns = (costs[who] ?? []).reduce((sum, slice) => sum + median(slice), 0)
      return [name, total_ns / frames]
    }),
  )
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [below, above] = [sorted[middle - 1] ?? Number.NaN, sorted[middle] ?? Number.NaN]
  return sorted.length % 2 === 1 ? above : (below + above) / 2
}
