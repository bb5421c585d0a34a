/**
 * How the process ends: in order on SIGTERM or SIGINT, at once on the second signal, and with
 * exit code 1 on an error that nobody handled, because then nothing can be trusted any more, or when
 * the watchdog gives up.
 */
import type { LogFields } from '../../shared/log.ts'
import type { OperatorLog } from './log.ts'

/** Railway kills 30 s after SIGTERM; whatever hangs must not get there. */
const DEADLINE_MS = 18_000
const LOG_DEADLINE_MS = 1_000

/** `end` takes everything down; when it resolves the process exits with code 0. */
export function installShutdown(log: OperatorLog, end: () => Promise<void>): void {
  let ending = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (ending) process.exit(1)
    ending = true
    log.info('shutting down', { signal })
    setTimeout(() => {
      log.error('shutting down took too long', { deadline_ms: DEADLINE_MS })
      void exit(log, 1)
    }, DEADLINE_MS).unref()
    end().then(
      () => {
        log.info('shut down')
        return exit(log, 0)
      },
      (error) => {
        log.error('shutting down failed', { error })
        return exit(log, 1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}

/** Installed before anything can fail. SIGUSR2 turns the log's level: SIGUSR1 is Node's debugger. */
export function installLastResort(log: OperatorLog): void {
  process.on('SIGUSR2', () => log.turnLevel())
  process.on('uncaughtException', (error, origin) => {
    log.error('nobody handled this error: exiting', { origin, error })
    void exit(log, 1)
  })
}

/** For the watchdog: the last line says why, the platform starts a new process. */
export function giveUp(log: OperatorLog, why: string, fields: LogFields): void {
  log.error(why, fields)
  void exit(log, 1)
}

async function exit(log: OperatorLog, code: number): Promise<never> {
  await Promise.race([
    log.close(),
    new Promise((resolve) => setTimeout(resolve, LOG_DEADLINE_MS).unref()),
  ])
  process.exit(code)
}
