/**
 * Keeps V8's heap small. Left alone its young generation grows to 128 MB on a machine with enough
 * memory, and stays, for objects that live for milliseconds; a smaller one is only swept more often.
 * The old one grows to several times what lives in it before it is looked at. Import it first, for
 * its effect. All modules are loaded before the first runs, so it cannot help what loading them makes
 * grow: what is heavy to load is kept out (`light-worker` in .dependency-cruiser.mjs).
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** both halves together */
const YOUNG_GENERATION_BYTES = 16 << 20

/** How much garbage the old generation may gather beside what lives in it. */
const OLD_GROWTH_PERCENT = 40
setFlagsFromString(`--heap-growing-percent=${OLD_GROWTH_PERCENT}`)

/**
 * By how much V8 enlarges the young generation when many objects survive. --max-semi-space-size is
 * read before the first line of any program and would have to stand in every start command; this is
 * read each time.
 */
function setGrowth(factor: 1 | 2): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`)
}

function youngGeneration_bytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  return space?.space_size ?? 0
}

// V8 may shrink it while little happens: it may grow again then
let growth: 1 | 2 = 1
setGrowth(growth)
new PerformanceObserver(() => {
  const wanted = youngGeneration_bytes() < YOUNG_GENERATION_BYTES ? 2 : 1
  if (wanted === growth) return
  growth = wanted
  setGrowth(growth)
}).observe({ entryTypes: ['gc'] })
