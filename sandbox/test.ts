/**
 * `npm test`: the checks beside each other, then every test, then one line that counts them together.
 * A check that fails shows its own words and does not stop the others. With the name of a check only
 * that one runs; other arguments go to vitest, as filters.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { systemClock } from '../shared/clock.ts'
import { environment, PROJECT_DIR } from './environment.ts'
import { run } from './run.ts'

type Command = readonly [tool: string, ...args: string[]]

const CHECKS: Readonly<Record<string, readonly Command[]>> = {
  lint: [['biome', 'ci', '--error-on-warnings', '--colors=off']],
  types: [
    ['tsc', '-p', '.'],
    ['tsc', '-p', 'edge'],
    ['tsc', '-p', 'edge/testing'],
    ['tsc', '-p', 'edge/dashboard'],
    ['tsc', '-p', 'edge/dashboard/tsconfig.node.json'],
  ],
  walls: [
    [
      'depcruise',
      '--config',
      '.dependency-cruiser.mjs',
      'shared',
      'client',
      'workers',
      'edge',
      'sandbox',
    ],
  ],
  'dead code': [['knip', '--no-progress', '--treat-config-hints-as-errors']],
}

interface Count {
  passed: number
  failed: number
  skipped: number
}

const VitestResult = z.object({
  success: z.boolean(),
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
})

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const tool = (name: string) => join(PROJECT_DIR, 'node_modules', '.bin', name)

/** Runs what it is given, no more at a time than there are processors, in the order of asking. */
class Turns {
  private free = availableParallelism()
  private readonly waiting: (() => void)[] = []

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.free === 0) await new Promise<void>((resolve) => this.waiting.push(resolve))
    else this.free--
    try {
      return await work()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.free++
      else next()
    }
  }
}

async function check(name: string, commands: readonly Command[], turns: Turns): Promise<boolean> {
  let started_ms = Number.POSITIVE_INFINITY
  const outcomes = await Promise.all(
    commands.map(([command, ...args]) =>
      turns.take(async () => {
        started_ms = Math.min(started_ms, systemClock.monotonic_ms())
        const { ok, output } = await run(tool(command), args, { cwd: PROJECT_DIR })
        return ok ? [] : [`$ ${[command, ...args].join(' ')}\n${output}`]
      }),
    ),
  )
  const failures = outcomes.flat()
  const elapsed_s = (systemClock.monotonic_ms() - started_ms) / 1_000
  say(`${failures.length === 0 ? ' ok    ' : ' FAILED'} ${name} (${elapsed_s.toFixed(1)} s)`)
  for (const failure of failures) say(failure)
  return failures.length === 0
}

async function runVitest(filters: readonly string[]): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), 'spreadwire-tests-'))
  const file = join(folder, 'result.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  try {
    const ok = await show(tool('vitest'), ['run', ...reporters, ...filters])
    const result = VitestResult.parse(JSON.parse(await readFile(file, 'utf8')))
    const { numFailedTests, numPendingTests, numTodoTests } = result
    // a file that cannot be loaded and an error outside any test fail the run without failing a test
    const failed = ok && result.success ? numFailedTests : Math.max(1, numFailedTests)
    return { passed: result.numPassedTests, failed, skipped: numPendingTests + numTodoTests }
  } catch (error) {
    say(`vitest left no result: ${String(error)}`)
    return { passed: 0, failed: 1, skipped: 0 }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Runs it on our own terminal; it ends when we are told to end. */
function show(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: PROJECT_DIR, env: environment(), stdio: 'inherit' })
    const end = () => child.kill('SIGTERM')
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) {
      process.on(signal, end)
    }
    process.channel?.unref()
    child.on('error', () => resolve(false))
    child.on('close', (code) => resolve(code === 0))
  })
}

async function main(args: readonly string[]): Promise<boolean> {
  const [first = ''] = args
  const only = CHECKS[first]
  const turns = new Turns()
  if (only !== undefined) return check(first, only, turns)
  const count: Count = { passed: 0, failed: 0, skipped: 0 }
  const checks = Object.entries(CHECKS).map(([name, commands]) => check(name, commands, turns))
  for (const ok of await Promise.all(checks)) {
    if (ok) count.passed++
    else count.failed++
  }
  const tests = await runVitest(args)
  count.passed += tests.passed
  count.failed += tests.failed
  count.skipped += tests.skipped
  say(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
  return count.failed === 0
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1
