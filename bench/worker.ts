/**
 * `node bench/worker.ts`: the whole worker under the load of the sandbox exchanges, with real stores.
 * Figures go to standard output as JSON lines, a table for people to standard error. Ends with 1 when
 * a book of the worker is not exactly the market's. It judges no figure: machines differ.
 */
import { jsonLines, table } from './load/report.ts'
import { runLoad } from './load/run.ts'
import { numbers } from './numbers.ts'

/** As the goal has it: 4 exchanges with 300 markets and 8,000 frames a second. */
const DEFAULTS = {
  symbols: '300',
  rate: '8',
  burst: '12',
  seconds: '30',
  'burst-seconds': '30',
  seed: '7',
}
const SETTLE_SECONDS = 10

// a developer's own stores are not for this
process.env.REDIS_URL = ''
process.env.DATABASE_URL = ''

const number = numbers(DEFAULTS)

const result = await runLoad({
  seed: number('seed'),
  symbols: number('symbols'),
  rate: number('rate'),
  burst_factor: number('burst'),
  settle_seconds: SETTLE_SECONDS,
  steady_seconds: number('seconds'),
  burst_seconds: number('burst-seconds'),
  onPhase: (phase) => process.stderr.write(`worker bench: ${phase}\n`),
})
for (const line of jsonLines(result)) process.stdout.write(`${line}\n`)
process.stderr.write(`${table(result)}\n`)
process.exitCode = result.comparison.wrong.length === 0 ? 0 : 1
