/**
 * `npm start`: the whole system on this machine until it is told to stop. Standard output gets the
 * one line `ready <address>`; everything for people goes to standard error. It ends with 0 when it
 * was told to, with 1 and one message when something is wrong.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadEnvFile } from 'node:process'
import { parseEnv } from 'node:util'
import { systemClock } from '../shared/clock.ts'
import { PROJECT_DIR, variable } from './environment.ts'
import { SetupError } from './failure.ts'
import { readOptions } from './options.ts'
import { killAll } from './process.ts'
import { type Stack, startStack } from './stack.ts'

/** A terminal, npm and the bootstrap may all pass on the same Ctrl-C. */
const SAME_SIGNAL_WITHIN_MS = 700

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Resolves at the first request to end; the second one ends everything at once. */
function untilTold(): AbortSignal {
  const told = new AbortController()
  let first_ms = 0
  const onSignal = () => {
    if (!told.signal.aborted) {
      first_ms = systemClock.monotonic_ms()
      tell('stopping; once more to stop at once')
      told.abort(new Stopped())
    } else if (systemClock.monotonic_ms() - first_ms > SAME_SIGNAL_WITHIN_MS) {
      killAll()
      process.exit(130)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  // the bootstrap is gone: nobody is left who could tell us to end
  process.on('disconnect', () => told.signal.aborted || told.abort(new Stopped()))
  process.channel?.unref()
  return told.signal
}

class Stopped extends Error {}

/** `.env` never overrides what the environment says. */
function readEnvFile(): Record<string, string> {
  const file = join(PROJECT_DIR, '.env')
  if (!existsSync(file)) return {}
  loadEnvFile(file)
  const names = Object.keys(parseEnv(readFileSync(file, 'utf8')))
  return Object.fromEntries(names.map((name) => [name, variable(name) ?? '']))
}

async function main(): Promise<void> {
  const signal = untilTold()
  const settings = readEnvFile()
  const options = await readOptions(process.argv.slice(2))
  const stack = await startStack({ ...options, settings, signal })
  process.stdout.write(`ready http://localhost:${options.edge_port}\n`)
  await untilEnd(stack, signal)
}

async function untilEnd(stack: Stack, signal: AbortSignal): Promise<void> {
  const told = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
    if (signal.aborted) resolve(undefined)
  })
  const broken = await Promise.race([told, stack.broken])
  await stack.stop()
  if (broken !== undefined) throw new SetupError(`${broken} ended by itself, so everything stopped`)
}

try {
  await main()
  process.exit(0)
} catch (error) {
  if (error instanceof Stopped) process.exit(0)
  tell(error instanceof SetupError ? error.message : String((error as Error).stack ?? error))
  process.exit(1)
}
