/**
 * What a frame leaves behind: bytes of garbage, and the worst delays, most of which the collector
 * makes. Both against `JSON.parse` of the same frames.
 */
import { getHeapStatistics } from 'node:v8'
import { collectGarbage, median, type Play } from './race.ts'

/** so few frames leave too little to start the collector, which would hide it */
const CHUNK = 400
const ROUNDS = 9
const WARM_UP_ROUNDS = 2
const TAIL = 0.9999
/** whoever loses the processor loses it for longer */
const SUSPECT_MS = 0.02

/** Median bytes a frame; `prepare` makes a fresh player. */
export function garbage(frames: number, prepare: () => Play): number {
  const bytes: number[] = []
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const play = prepare()
    collectGarbage()
    for (let from = 0; from + CHUNK <= frames; from += CHUNK) {
      const before = getHeapStatistics().used_heap_size
      play(from, from + CHUNK)
      const grown = getHeapStatistics().used_heap_size - before
      // less than before: the collector ran
      if (round >= 0 && grown >= 0) bytes.push(grown / CHUNK)
    }
  }
  return median(bytes)
}

/**
 * Median over the rounds of the 99.99th percentile of a frame's duration, ns. Frames during which
 * the operating system gave the processor to others are nobody's: they would be all that is seen.
 */
export function tail(frames: number, prepare: () => Play): number {
  const tails: number[] = []
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const play = prepare()
    collectGarbage()
    const durations: number[] = []
    let switches = process.resourceUsage().involuntaryContextSwitches
    for (let i = 0; i < frames; i++) {
      const began_ms = performance.now()
      play(i, i + 1)
      const took_ms = performance.now() - began_ms
      if (took_ms > SUSPECT_MS) {
        const before = switches
        switches = process.resourceUsage().involuntaryContextSwitches
        if (switches !== before) continue
      }
      durations.push(took_ms)
    }
    durations.sort((a, b) => a - b)
    const worst_ms = durations[Math.floor(durations.length * TAIL)] ?? Number.NaN
    if (round >= 0) tails.push(worst_ms * 1e6)
  }
  return median(tails)
}
