// @ts-check
/**
 * The thread that watches the main one's event loop. When it counts no turn for too long it asks
 * the inspector where the code is, tells it in one log line, and ends the process with code 1; by
 * force when even that gets no answer. It counts its own looks, not time: when the whole process was
 * stopped, or the machine slept, both threads wake together and nothing is frozen.
 *
 * Plain JavaScript without imports of ours: to strip types a thread loads a compiler of its own,
 * which cost 9 MB. What it logs are places in our code, so there is nothing to redact.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { Session } from 'node:inspector'
import { workerData } from 'node:worker_threads'

/**
 * @typedef {object} ThreadData
 * @property {Int32Array} beats its one number grows with every turn of the main loop
 * @property {number} every_ms between two looks
 * @property {number} looks so many without a beat mean frozen
 * @property {string | null} error_log_file
 */

/** How long the inspector may take to interrupt the main thread. */
const ANSWER_WITHIN_MS = 1_000
const FRAMES_MAX = 20
const STDOUT = 1

/** @type {ThreadData} */
const { beats, every_ms, looks, error_log_file } = workerData

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

function endProcess() {
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

/** @param {import('node:inspector').Debugger.CallFrame} frame */
function placeOf({ functionName, url, location }) {
  return `${functionName || '(anonymous)'} ${url}:${location.lineNumber + 1}`
}

/**
 * In the form of workers/ops/log.ts, whose loop stands still.
 * @param {readonly string[] | null} stack null when nothing answered
 */
function tell(stack) {
  const entry = {
    timestamp: new Date().toISOString(),
    level: 'error',
    message: 'the event loop is frozen: exiting',
    frozen_ms: Math.round(every_ms * looks),
    stack,
  }
  const line = `${JSON.stringify(entry)}\n`
  attempt(() => writeSync(STDOUT, line))
  if (error_log_file !== null) attempt(() => appendFileSync(error_log_file, line))
}

/**
 * A full disk or a closed pipe: the process ends all the same.
 * @param {() => void} write
 */
function attempt(write) {
  try {
    write()
  } catch {}
}
