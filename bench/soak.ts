/**
 * `npm run soak -- --minutes 30 --rate 3`: the worker, the edge, readers and receivers for half an
 * hour at three times the usual rate, and whether memory grows. A quarter of the time is warm-up and
 * not judged. Figures go to standard output as a JSON line, a table for people to standard error; its
 * last line is the verdict, also after SIGINT or SIGTERM. Ends with 1 when something grows or ended
 * by itself. A second signal ends everything at once.
 */
import { killAll } from '../sandbox/process.ts'
import { allLive } from './load/run.ts'
import { numbers } from './numbers.ts'
import { jsonLine, table, verdictOf } from './soak/report.ts'
import { startRig } from './soak/rig.ts'
import { watch } from './soak/watch.ts'

const DEFAULTS = {
  minutes: '30',
  rate: '3',
  symbols: '24',
  readers: '20',
  webhooks: '5',
  seed: '7',
}
const WARM_UP_SHARE = 1 / 4
/** a terminal, npm and the bootstrap may all pass on the same Ctrl-C */
const SAME_SIGNAL_WITHIN_MS = 700

// a developer's own stores are not for this
process.env.REDIS_URL = ''
process.env.DATABASE_URL = ''

const number = numbers(DEFAULTS)
const run_ms = number('minutes') * 60_000
const say = (text: string) => process.stderr.write(`${text}\n`)

let last_lines = 'soak: nothing was watched: it was stopped before the warm-up was over'
const stopping = new AbortController()
let stopping_since_ms = 0
const onSignal = (name: NodeJS.Signals) => {
  if (!stopping.signal.aborted) {
    stopping_since_ms = performance.now()
    say(`soak: ${name}, it ends as soon as it can; once more to end at once`)
    stopping.abort(name)
  } else if (performance.now() - stopping_since_ms > SAME_SIGNAL_WITHIN_MS) {
    killAll()
    say(last_lines)
    process.exit(1)
  }
}
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
// the bootstrap is gone: nobody is left who could tell us to end
process.on('disconnect', () => stopping.signal.aborted || stopping.abort('its parent ended'))
process.channel?.unref()

const rig = await startRig({
  seed: number('seed'),
  symbols: number('symbols'),
  rate: number('rate'),
  readers: number('readers'),
  webhooks: number('webhooks'),
})
try {
  say('soak: start')
  await allLive(rig.stack, stopping.signal)
  const result = await watch(rig, {
    warm_up_ms: run_ms * WARM_UP_SHARE,
    watch_ms: run_ms * (1 - WARM_UP_SHARE),
    signal: stopping.signal,
    onPhase: (phase) => say(`soak: ${phase}`),
  })
  if (result !== null) {
    process.stdout.write(`${jsonLine(result)}\n`)
    last_lines = table(result)
    const is_bad = verdictOf(result) === 'growing'
    if (is_bad || (result.ended_early !== null && !stopping.signal.aborted)) process.exitCode = 1
  }
} finally {
  // before the parts end, which takes a while and says nothing
  say(last_lines)
  await rig.stop()
}
