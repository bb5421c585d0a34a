/**
 * The worker under supervision: when it ends by itself it is started again, but deliberately late,
 * so that everybody can watch the outage: /health must notice a dead worker after 15 s.
 */
import { join } from 'node:path'
import { HEARTBEAT_DEAD_AFTER_MS } from '../shared/health.ts'
import { PROJECT_DIR } from './environment.ts'
import { SetupError } from './failure.ts'
import type { Journal } from './journal.ts'
import { type Child, type Exit, startChild } from './process.ts'

const RESTART_AFTER_MS = HEARTBEAT_DEAD_AFTER_MS + 5_000
/** Its own deadline for an orderly end is 18 s. */
const STOP_WITHIN_MS = 20_000

export interface SupervisedWorker {
  /** Rejects when the worker ends before `until` resolves: a first start that fails is not retried. */
  mustLiveUntil<T>(until: Promise<T>): Promise<T>
  stop(): Promise<void>
}

/** @param env the worker's whole environment */
export function superviseWorker(
  env: Readonly<Record<string, string>>,
  journal: Journal,
): SupervisedWorker {
  const on_line = journal.lines('worker')
  let stopping = false
  let restart: NodeJS.Timeout | undefined

  const launch = (): Child => {
    const child = startChild({
      name: 'worker',
      command: process.execPath,
      args: [join(PROJECT_DIR, 'workers', 'main.ts')],
      env,
      on_line,
      stop_within_ms: STOP_WITHIN_MS,
    })
    child.exited.then((exit) => {
      if (stopping) return
      journal.say(
        `the worker ended (${describe(exit)}) and starts again in ${RESTART_AFTER_MS / 1_000} s; ` +
          `the wait is on purpose: /health must say within ${HEARTBEAT_DEAD_AFTER_MS / 1_000} s that it is gone`,
      )
      restart = setTimeout(() => {
        worker = launch()
        journal.say(`the worker was started again (process ${worker.pid})`)
      }, RESTART_AFTER_MS)
    })
    return child
  }
  let worker = launch()
  const first = worker

  return {
    mustLiveUntil(until) {
      const died = first.exited.then((exit) => {
        throw new SetupError(`the worker did not start (${describe(exit)}):\n${first.tail()}`)
      })
      return Promise.race([until, died])
    },
    async stop() {
      stopping = true
      clearTimeout(restart)
      await worker.stop()
    },
  }
}

function describe({ code, signal }: Exit): string {
  return signal ?? `code ${code}`
}
