/**
 * The seeds of one run on all cores: lane n of N lives every N-th seed, beginning with the n-th. The
 * first that fails ends them all. What a seed does depends on nothing but the seed.
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Tally } from './tally.ts'

export interface Share {
  readonly first: number
  readonly step: number
  /** how many seeds; infinite while only time ends it */
  readonly seeds: number
  readonly lasts_ms: number
}

export interface Outcome {
  readonly lived: number
  readonly counts: readonly (readonly [what: string, times: number])[]
  readonly failed: { readonly seed: number; readonly story: string } | null
}

export interface Run {
  readonly lived: number
  readonly tally: Tally
  /** of the smallest seed that failed: its story */
  readonly failed: string | null
}

/** @throws what a lane throws by itself: the simulation is broken, not what it simulates */
export async function runLanes(run: Omit<Share, 'step'>): Promise<Run> {
  const step = Math.min(availableParallelism(), run.seeds)
  const lanes = Array.from({ length: step }, (_, lane) => startLane(run, lane, step))
  const endAll = () => {
    for (const lane of lanes) lane.postMessage('end')
  }
  const outcomes = await Promise.all(
    lanes.map(async (lane) => {
      const [outcome] = (await once(lane, 'message')) as [Outcome]
      if (outcome.failed !== null) endAll()
      return outcome
    }),
  )
  const tally = new Tally()
  for (const { counts } of outcomes) for (const [what, times] of counts) tally.count(what, times)
  const failures = outcomes.flatMap(({ failed }) => failed ?? [])
  const [first] = failures.toSorted((a, b) => a.seed - b.seed)
  return {
    lived: outcomes.reduce((sum, { lived }) => sum + lived, 0),
    tally,
    failed: first?.story ?? null,
  }
}

function startLane({ first, seeds, lasts_ms }: Omit<Share, 'step'>, lane: number, step: number) {
  const workerData: Share = {
    first: first + lane,
    step,
    seeds: Math.ceil((seeds - lane) / step),
    lasts_ms,
  }
  return new Worker(new URL('./share.ts', import.meta.url), { workerData })
}
