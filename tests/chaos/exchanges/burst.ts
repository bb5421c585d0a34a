/** Row 15: twenty times the usual market, for half a minute. */
import { runLoad } from '../../../bench/load/run.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'

const SYMBOLS = 5
const FACTOR = 20
const STEADY_S = 5
const BURST_S = 30
/** of the heap: what a worker of this size may hold, whatever comes in */
const MOST_HEAP_MB = 256
/** for a machine of its own; on any other they are only shown */
const GOAL_LAG_MS = 50
const GOAL_SIGNAL_FACTOR = 5

export const burst: Fault = {
  row: 15,
  name: 'burst x20 for 30 s',
  injected: 'the market hurries',
  required: 'heap <= 256 MB, every book exact',
  async run(context) {
    const findings = new Findings(context)
    await context.alone()
    const { seed } = context
    const { steady, burst, comparison } = await runLoad({
      ...{ seed, symbols: SYMBOLS, rate: 1, burst_factor: FACTOR, settle_seconds: 2 },
      ...{ steady_seconds: STEADY_S, burst_seconds: BURST_S, onPhase: context.log },
    })
    const { heap_mb, lateness_p99_ms, frames_received } = burst
    findings.hold(heap_mb <= MOST_HEAP_MB, `the heap grew to ${heap_mb.toFixed(0)} MB`)
    findings.hold(comparison.wrong.length === 0, comparison.wrong.slice(0, 3).join('; '))
    findings.note(`${Math.round(frames_received)} frames/s, heap ${heap_mb.toFixed(0)} MB`)
    findings.note(
      `${comparison.books - comparison.wrong.length} of ${comparison.books} books exact`,
    )
    findings.note(`lag p99 ${lateness_p99_ms.toFixed(0)} ms (goal ${GOAL_LAG_MS})`)
    const [usual, hurried] = [steady.tick_to_signal_p99_ms, burst.tick_to_signal_p99_ms]
    if (usual !== null && hurried !== null) {
      const factor = (hurried / usual).toFixed(1)
      findings.note(`tick to signal p99 x${factor} (goal x${GOAL_SIGNAL_FACTOR})`)
    }
    return findings.verdict()
  },
}
