/**
 * The thread that watches the main one's event loop. When it counts no turn for too long it asks
 * the inspector where the code is, tells it in one log line, and ends the process with code 1; by
 * force when even that gets no answer. It counts its own looks, not time: when the whole process was
 * stopped, or the machine slept, both threads wake together and nothing is frozen.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { type Debugger, Session } from 'node:inspector'
import { workerData } from 'node:worker_threads'
import { systemClock, timestamp } from '../../shared/clock.ts'
import { redact } from './redact.ts'

export interface ThreadData {
  /** its one number grows with every turn of the main loop */
  readonly beats: Int32Array
  /** between two looks */
  readonly every_ms: number
  /** so many looks without a beat mean frozen */
  readonly looks: number
  readonly error_log_file: string | null
}

/** How long the inspector may take to interrupt the main thread. */
const ANSWER_WITHIN_MS = 1_000
const FRAMES_MAX = 20
const STDOUT = 1

const { beats, every_ms, looks, error_log_file } = workerData as ThreadData

let seen = Atomics.load(beats, 0)
let still = 0
const timer = setInterval(() => {
  const now = Atomics.load(beats, 0)
  still = now === seen ? still + 1 : 0
  seen = now
  if (still < looks) return
  clearInterval(timer)
  endProcess()
}, every_ms)

function endProcess(): void {
  const session = new Session()
  let told = false
  setTimeout(() => {
    if (!told) tell(null)
    process.kill(process.pid, 'SIGKILL')
  }, ANSWER_WITHIN_MS)
  session.on('Debugger.paused', ({ params }) => {
    told = true
    tell(params.callFrames.slice(0, FRAMES_MAX).map(placeOf))
    // not process.exit: what waits for the end of the process would run on the frozen loop
    session.post('Runtime.evaluate', { expression: 'process.reallyExit(1)' })
  })
  session.connectToMainThread()
  session.post('Debugger.enable')
  session.post('Debugger.pause')
}

function placeOf({ functionName, url, location }: Debugger.CallFrame): string {
  return `${functionName || '(anonymous)'} ${url}:${location.lineNumber + 1}`
}

/** As workers/ops/log.ts would, whose loop stands still. `stack` is null when nothing answered. */
function tell(stack: readonly string[] | null): void {
  const entry = {
    timestamp: timestamp(systemClock.wall_ms()),
    level: 'error',
    message: 'the event loop is frozen: exiting',
    frozen_ms: Math.round(every_ms * looks),
    stack,
  }
  const line = `${JSON.stringify(redact(entry))}\n`
  for (const write of [
    () => writeSync(STDOUT, line),
    () => error_log_file !== null && appendFileSync(error_log_file, line),
  ]) {
    try {
      write()
    } catch {
      // a full disk or a closed pipe: the process ends all the same
    }
  }
}
