/**
 * The command that runs the sandbox exchanges: simulated markets, or recordings with --captures.
 * Prints one JSON line with the addresses when everything listens, and ends on SIGTERM, SIGINT or
 * when the process that started it is gone. Where that one holds a pipe to its standard input, it may
 * command the market (commands.ts). Problems go to standard error.
 */
import { fstatSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parseFault } from '../market/faults.ts'
import { type Controls, hearCommands } from './commands.ts'
import type { SandboxExchange } from './exchange.ts'
import { type Host, openHost } from './host.ts'
import { SANDBOX_EXCHANGES } from './index.ts'
import { playCaptures } from './playback.ts'
import { record } from './recorder.ts'
import type { Observer } from './server.ts'
import { type SimulationOptions, simulate } from './simulation.ts'

const USAGE =
  'usage: node sandbox/exchanges/main.ts (--seed N --symbols N --truth FILE | --captures DIR) ' +
  '[--exchanges ID,…] [--rate X] [--record FILE] [--min-percent P] [--min-volume-usd V] [--tears X] ' +
  '[--fault "stranger EXCHANGE ASSET FACTOR" | --fault "unit EXCHANGE ASSET 1000"]…'
const PARENT_CHECK_EVERY_MS = 500

interface Options {
  /** what is served: simulated markets or a directory of recordings */
  readonly market: SimulationOptions | { readonly captures: string; readonly rate: number }
  readonly record: string | undefined
}

/** @throws Error that tells what is wrong with the command line */
function readOptions(): Options {
  const text = { type: 'string' } as const
  const { fault: faults = [], ...single } = parseArgs({
    options: {
      seed: text,
      symbols: text,
      exchanges: text,
      rate: text,
      truth: text,
      captures: text,
      record: text,
      'min-percent': text,
      'min-volume-usd': text,
      tears: text,
      fault: { type: 'string', multiple: true },
    },
  }).values
  const values: Readonly<Record<string, string | undefined>> = single
  const word = (name: string) => {
    const value = values[name]
    if (typeof value !== 'string' || value === '') throw new Error(`--${name} is missing`)
    return value
  }
  const number = (name: string) => {
    const value = Number(word(name))
    if (!Number.isFinite(value)) throw new Error(`--${name} is no number: ${values[name]}`)
    return value
  }
  const numberOr = (name: string, otherwise: number) =>
    values[name] === undefined ? otherwise : number(name)
  const record = values.record === undefined ? undefined : word('record')
  const rate = numberOr('rate', 1)
  if (values.captures !== undefined) return { market: { captures: word('captures'), rate }, record }
  return {
    market: {
      seed: number('seed'),
      symbols: number('symbols'),
      exchanges: values.exchanges === undefined ? SANDBOX_EXCHANGES : named(word('exchanges')),
      rate,
      truth: word('truth'),
      min_percent: numberOr('min-percent', 0.5),
      min_volume_usd: numberOr('min-volume-usd', 1_000),
      tears: numberOr('tears', 1),
      faults: faults.map(parseFault),
    },
    record,
  }
}

/** Those of this list, in the registry's order: another order is another market. */
function named(list: string): readonly SandboxExchange[] {
  const ids = list.split(',')
  const known = SANDBOX_EXCHANGES.map(({ profile }) => profile.id)
  const unknown = ids.find((id) => !known.includes(id))
  if (unknown !== undefined) {
    throw new Error(`--exchanges: "${unknown}", expected some of ${known.join(',')}`)
  }
  return SANDBOX_EXCHANGES.filter(({ profile }) => ids.includes(profile.id))
}

interface Market {
  readonly hosts: readonly Host[]
  /** undefined: it goes its own way */
  readonly controls?: Controls
  stop(): void
}

async function play(
  { captures, rate }: { readonly captures: string; readonly rate: number },
  observe: Observer | undefined,
): Promise<Market> {
  const hosts: Host[] = []
  for (const server of await playCaptures(captures, rate, complain)) {
    hosts.push(await openHost(server, observe))
  }
  return { hosts, stop: () => {} }
}

function complain(problem: string): void {
  process.stderr.write(`sandbox exchanges: ${problem}\n`)
}

/** Resolves when it is time to end. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
    const parent = process.ppid
    setInterval(() => process.ppid !== parent && resolve(), PARENT_CHECK_EVERY_MS).unref()
    if (!hasOwner()) return
    process.stdin.once('close', () => resolve())
    process.stdin.resume()
  })
}

/** True when a process holds the other end of our standard input: it is no terminal and no file. */
function hasOwner(): boolean {
  const stdin = fstatSync(0)
  return stdin.isFIFO() || stdin.isSocket()
}

async function main({ market, record: file }: Options): Promise<void> {
  const told = untilTold()
  const recorder =
    file === undefined
      ? undefined
      : record(file, (problem) => complain(`cannot record: ${problem.message}`))
  const { hosts, controls, stop }: Market =
    'captures' in market
      ? await play(market, recorder?.observe)
      : await simulate(market, recorder?.observe)
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const exchanges = Object.fromEntries(hosts.map(({ id, addresses }) => [id, addresses]))
  say(JSON.stringify({ exchanges }))
  if (hasOwner()) hearCommands(process.stdin, controls, say)
  await told
  stop()
  await Promise.all(hosts.map((host) => host.close()))
  await recorder?.close()
}

let options: Options
try {
  options = readOptions()
} catch (error) {
  complain(`${(error as Error).message}\n${USAGE}`)
  process.exit(2)
}
main(options).then(
  () => process.exit(0),
  (error: Error) => {
    complain(error.stack ?? error.message)
    process.exit(1)
  },
)
