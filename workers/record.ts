/**
 * `npm run record -- --out FILE`: connects to the exchanges exactly as the worker does and writes
 * everything that they say and hear into a capture file. Ctrl-C ends it, the file is whole then. It
 * detects nothing and needs no store.
 */
import { systemClock as clock } from '../shared/clock.ts'
import { userPath } from './arguments.ts'
import { Books } from './book/books.ts'
import { type RecordOptions, readRecordOptions } from './capture/options.ts'
import { Recorder } from './capture/recorder.ts'
import { describeProblem } from './config/problems.ts'
import { exchanges } from './exchanges/index.ts'
import { createLog, tellOperator } from './ops/log.ts'
import { Watch } from './watch.ts'

const USAGE =
  'usage: npm run record -- --out FILE [--exchanges ID,…] [--symbols BASE/QUOTE,…] [--seconds N]'
const PROGRESS_EVERY_MS = 5_000
/** npm, the bootstrap and the terminal each pass on the same Ctrl-C */
const SAME_SIGNAL_MS = 1_000

/** Returns the exit code. */
async function record({ out, watch: config, seconds }: RecordOptions): Promise<number> {
  const file = userPath(out, 'record', process.env)
  const recorder = await Recorder.create(file, clock)
  const log = createLog({ level: 'warn', error_log_file: null, clock, stream: process.stderr })
  const books = new Books()
  const watch = new Watch({
    exchanges,
    config,
    books,
    clock,
    log,
    random: Math.random,
    tap: recorder,
  })
  const started_ms = clock.monotonic_ms()
  const progress = (verb: string) => {
    const { frames, bytes } = recorder.counts
    const after_s = Math.round((clock.monotonic_ms() - started_ms) / 1_000)
    const live = watch.statuses().map((one) => `${one.id} ${one.books_live}/${one.books_total}`)
    const size = `${frames} frames, ${(bytes / 1e6).toFixed(1)} MB`
    tellOperator(`${verb} ${after_s} s: ${size}; books live: ${live.join(', ')}`)
  }
  watch.start()
  tellOperator(`recording into ${file}; Ctrl-C ends it`)
  const timer = setInterval(() => progress('recording'), PROGRESS_EVERY_MS)
  const failure = await Promise.race([untilTold(seconds), recorder.written.catch(asError)])
  clearInterval(timer)
  progress('recorded')
  await watch.stop()
  if (failure instanceof Error) {
    tellOperator(`${file}: cannot be written: ${failure.message}`)
    return 1
  }
  await recorder.close()
  if (recorder.counts.frames > 0) return 0
  tellOperator('no exchange sent anything: the file holds no frames')
  return 1
}

const asError = (error: Error) => error

/** Resolves after `seconds`, on the first signal, or when whoever started this process is gone. */
function untilTold(seconds: number | null): Promise<void> {
  return new Promise((resolve) => {
    if (seconds !== null) setTimeout(resolve, seconds * 1_000)
    let told_ms = Number.NaN
    const onSignal = () => {
      if (clock.monotonic_ms() - told_ms > SAME_SIGNAL_MS) process.exit(1)
      if (Number.isNaN(told_ms)) told_ms = clock.monotonic_ms()
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
    process.on('SIGHUP', onSignal)
    process.once('disconnect', resolve)
  })
}

const settings = readRecordOptions(
  process.argv.slice(2),
  process.env,
  exchanges.map(({ id }) => id),
)
if (!settings.ok) {
  tellOperator([...settings.problems.map(describeProblem), USAGE].join('\n'))
  process.exit(1)
}
try {
  process.exit(await record(settings.options))
} catch (error) {
  tellOperator((error as Error).message)
  process.exit(1)
}
