/**
 * What the operator asked of `npm start`, from the command line and the environment. Every problem is
 * found before anything starts, and all are told in one message. The worker checks its own variables.
 */
import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { environment, PROJECT_DIR, SMALL_PROCESS, variable } from './environment.ts'
import type { Source } from './exchange-servers.ts'
import { reasonOf, SetupError } from './failure.ts'
import { COINS } from './market/coins.ts'
import { DEFAULT_SYMBOLS } from './market/model.ts'
import { requireFreePort } from './ports.ts'
import { run } from './run.ts'

const USAGE = `Options of npm start (after --):
  --live            the real exchanges' public data instead of the sandbox
  --captures DIR    the sandbox exchanges play recorded frames, endlessly
  --seed N          another market (1)
  --symbols N       how many coins it trades, 1 to ${COINS.length} (${DEFAULT_SYMBOLS})
  --rate X          how many times the messages of a quiet market, 0.1 to 50 (1)
  --record FILE     writes the frames that the sandbox sends into a capture file`

/** Where the worker is told to look while only its other variables are checked. */
const PLACEHOLDERS = {
  REDIS_URL: 'redis://127.0.0.1:6379',
  DATABASE_URL: 'postgres://spreadwire@127.0.0.1:5432/spreadwire',
}

export interface StartOptions {
  readonly source: Source
  readonly record_file: string | undefined
  readonly edge_port: number
  readonly worker_port: number
  readonly data_dir: string
}

/** @throws SetupError that names every bad option and variable */
export async function readOptions(args: readonly string[]): Promise<StartOptions> {
  const problems: string[] = []
  const values = readArguments(args)
  const source = readSource(values, problems)
  const edge_port = readPort('EDGE_PORT', 8787, problems)
  const worker = await checkWorker()
  if (worker !== undefined) problems.push(worker)
  else readPort('PORT', 8080, problems)
  if (problems.length > 0) throw new SetupError(problems.join('\n'))
  const worker_port = readPort('PORT', 8080, problems)
  await requirePorts({ EDGE_PORT: edge_port, PORT: worker_port })
  return {
    source,
    record_file: values.record === undefined ? undefined : fromCaller(values.record),
    edge_port,
    worker_port,
    data_dir: resolve(PROJECT_DIR, variable('DATA_DIR') ?? '.data'),
  }
}

interface Values {
  readonly live?: boolean | undefined
  readonly captures?: string | undefined
  readonly seed?: string | undefined
  readonly symbols?: string | undefined
  readonly rate?: string | undefined
  readonly record?: string | undefined
}

function readArguments(args: readonly string[]): Values {
  const text = { type: 'string' } as const
  const options = {
    live: { type: 'boolean' },
    captures: text,
    seed: text,
    symbols: text,
    rate: text,
    record: text,
  } as const
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new SetupError(`${reasonOf(error)}\n\n${USAGE}`)
  }
}

function readSource(values: Values, problems: string[]): Source {
  const { live, captures } = values
  const excluded = Object.keys(values).filter((name) => {
    if (live) return name !== 'live'
    return captures !== undefined && (name === 'seed' || name === 'symbols')
  })
  const mode = live ? '--live' : '--captures'
  for (const name of excluded) problems.push(`--${name} means nothing with ${mode}`)
  if (live) return { kind: 'live' }
  const rate = readNumber('rate', values.rate ?? '1', { from: 0.1, to: 50 }, problems)
  if (captures === undefined) {
    const whole = { from: 1, to: COINS.length, whole: true }
    const symbols = readNumber(
      'symbols',
      values.symbols ?? String(DEFAULT_SYMBOLS),
      whole,
      problems,
    )
    const any = { from: 0, to: 2 ** 32 - 1, whole: true }
    const seed = readNumber('seed', values.seed ?? '1', any, problems)
    return { kind: 'market', seed, symbols, rate }
  }
  const folder = fromCaller(captures)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    problems.push(`--captures: there is no folder ${folder}`)
  }
  return { kind: 'captures', folder, rate }
}

function readNumber(
  name: string,
  text: string,
  range: { from: number; to: number; whole?: boolean },
  problems: string[],
): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  const fits = value >= range.from && value <= range.to
  if (!fits || (range.whole && !Number.isInteger(value))) {
    const kind = range.whole ? 'a whole number' : 'a number'
    problems.push(`--${name}: "${text}", expected ${kind} from ${range.from} to ${range.to}`)
  }
  return value
}

function readPort(name: string, otherwise: number, problems: string[]): number {
  const text = variable(name) ?? String(otherwise)
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(port >= 1 && port <= 65_535)) {
    problems.push(`${name}: "${text}", expected a port from 1 to 65535`)
  }
  return port
}

/** npm changes into the project's folder; a path was meant from where the operator stands. */
function fromCaller(path: string): string {
  return resolve(variable('INIT_CWD') ?? process.cwd(), path)
}

/** What the worker itself says about its variables; undefined when all are well. */
async function checkWorker(): Promise<string | undefined> {
  const placeholders = Object.entries(PLACEHOLDERS).map(([name, value]) => [
    name,
    variable(name) ?? value,
  ])
  const checked = await run(
    process.execPath,
    [join(PROJECT_DIR, 'workers', 'main.ts'), '--check-config'],
    { env: environment({ ...SMALL_PROCESS, ...Object.fromEntries(placeholders) }) },
  )
  return checked.ok ? undefined : checked.output.trim()
}

async function requirePorts(ports: Readonly<Record<string, number>>): Promise<void> {
  const problems: string[] = []
  const seen = new Map<number, string>()
  for (const [name, port] of Object.entries(ports)) {
    const other = seen.get(port)
    if (other !== undefined) problems.push(`${other} and ${name} are both ${port}: choose two`)
    seen.set(port, name)
    await requireFreePort(port, name).catch((error) => problems.push(reasonOf(error)))
  }
  if (problems.length > 0) throw new SetupError(problems.join('\n'))
}
