/**
 * The command that runs the sandbox exchanges: simulated markets, or recordings with --captures.
 * Prints one JSON line with the addresses when everything listens, and ends on SIGTERM, SIGINT or
 * when the process that started it is gone. Where that one holds a pipe to its standard input, it may
 * command the market (commands.ts). Problems go to standard error.
 */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemClock } from '../../shared/clock.ts'
import { type ListingFault, parseFault } from '../market/faults.ts'
import { createMarketModel } from '../market/model.ts'
import { createTruth } from '../market/truth.ts'
import { type Controls, hearCommands } from './commands.ts'
import { SIMULATED } from './index.ts'
import { playCaptures } from './playback.ts'
import { record } from './recorder.ts'
import { type ExchangeServer, type Listening, listen, type Observer } from './server.ts'

const USAGE =
  'usage: node sandbox/exchanges/main.ts (--seed N --symbols N --truth FILE | --captures DIR) ' +
  '[--rate X] [--record FILE] [--min-percent P] [--min-volume-usd V] [--tears X] ' +
  '[--fault "stranger EXCHANGE ASSET FACTOR" | --fault "unit EXCHANGE ASSET 1000"]…'
const STEP_EVERY_MS = 10
const PARENT_CHECK_EVERY_MS = 500

interface Simulation {
  readonly seed: number
  readonly symbols: number
  readonly rate: number
  readonly truth: string
  readonly min_percent: number
  readonly min_volume_usd: number
  readonly tears: number
  readonly faults: readonly ListingFault[]
}

interface Options {
  /** what is served: simulated markets or a directory of recordings */
  readonly market: Simulation | { readonly captures: string; readonly rate: number }
  readonly record: string | undefined
}

/** @throws Error that tells what is wrong with the command line */
function readOptions(): Options {
  const text = { type: 'string' } as const
  const { fault: faults = [], ...single } = parseArgs({
    options: {
      seed: text,
      symbols: text,
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

/** What the first line on standard output tells of an exchange. */
interface Addresses {
  readonly websocket_url: string
  readonly rest_url: string
  /** where the same books are served in another protocol */
  readonly alternative_websocket_url?: string
}

interface Market {
  readonly servers: readonly ExchangeServer[]
  /** undefined: it goes its own way */
  readonly controls?: Omit<Controls, 'status'>
  stop(): void
}

function simulate(options: Simulation): Market {
  const model = createMarketModel(options)
  const file = openSync(options.truth, 'w')
  const truth = createTruth({ ...options, model, write: (line) => writeSync(file, `${line}\n`) })
  const servers = SIMULATED.map((server) => server(model))
  let paused = false
  const timer = setInterval(() => {
    if (paused) return
    const now_ms = systemClock.wall_ms()
    model.step(now_ms)
    truth.afterStep(now_ms)
  }, STEP_EVERY_MS)
  return {
    servers,
    controls: {
      model,
      operations: new Map(servers.map(({ id, operations }) => [id, operations])),
      pause: () => {
        paused = true
        model.pause()
      },
      resume: () => {
        paused = false
      },
    },
    stop: () => {
      clearInterval(timer)
      truth.close(systemClock.wall_ms())
      closeSync(file)
    },
  }
}

async function play(directory: string, rate: number): Promise<Market> {
  return { servers: await playCaptures(directory, rate, complain), stop: () => {} }
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
  const { servers, controls, stop } =
    'captures' in market ? await play(market.captures, market.rate) : simulate(market)
  let frames_sent = 0
  const observe: Observer = (seen) => {
    if (seen.dir === 'in') frames_sent++
    recorder?.observe(seen)
  }
  const listening: Listening[] = []
  const open = async (server: ExchangeServer) => {
    const opened = await listen(server, { observe })
    listening.push(opened)
    return opened
  }
  const exchanges: Record<string, Addresses> = {}
  for (const server of servers) {
    const { websocket_url, rest_url } = await open(server)
    const { alternative } = server
    const other = alternative && {
      alternative_websocket_url: (await open(alternative)).websocket_url,
    }
    exchanges[server.id] = { websocket_url, rest_url, ...other }
  }
  const say = (line: string) => process.stdout.write(`${line}\n`)
  say(JSON.stringify({ exchanges }))
  if (hasOwner()) {
    const status = () => ({ frames_sent, cpu_seconds: cpuSeconds() })
    hearCommands(process.stdin, controls && { ...controls, status }, say)
  }
  await told
  stop()
  await Promise.all(listening.map(({ close }) => close()))
  await recorder?.close()
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
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
