/**
 * The sandbox exchanges as one child process, and where the worker finds each of them. No exchange
 * may be left on its real address: simulated and real prices must never meet.
 */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { PROJECT_DIR, variable } from './environment.ts'
import { SetupError } from './failure.ts'
import type { Journal } from './journal.ts'
import { startChild } from './process.ts'

const READY_WITHIN_MS = 60_000
/** The worker's own limit would hide part of a large market. */
const MAX_SYMBOLS = '1000'

const Listening = z.object({
  exchanges: z.record(z.string(), z.object({ websocket_url: z.url(), rest_url: z.url() })),
})
type Listening = z.infer<typeof Listening>

/** What plays the exchanges: a seeded market, recorded frames, or (`live`) nobody: the real ones. */
export type Source =
  | {
      readonly kind: 'market'
      readonly seed: number
      readonly symbols: number
      readonly rate: number
    }
  | { readonly kind: 'captures'; readonly folder: string; readonly rate: number }
  | { readonly kind: 'live' }

export interface ExchangeServersOptions {
  readonly source: Exclude<Source, { kind: 'live' }>
  /** where the market's true gaps are written */
  readonly truth_file: string
  /** where the frames that were sent are written */
  readonly record_file: string | undefined
}

export interface ExchangeServers {
  /** those that the worker watches */
  readonly exchange_ids: readonly string[]
  /** what the worker needs: EXCHANGES and both addresses of each */
  readonly variables: Readonly<Record<string, string>>
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

/** @throws SetupError with the servers' own words when they do not start */
export async function startExchangeServers(
  options: ExchangeServersOptions,
  journal: Journal,
): Promise<ExchangeServers> {
  await mkdir(dirname(options.truth_file), { recursive: true })
  const child = startChild({
    name: 'the sandbox exchanges',
    command: process.execPath,
    args: [join(PROJECT_DIR, 'sandbox', 'exchanges', 'main.ts'), ...commandLine(options)],
    on_line: journal.lines('exchanges'),
  })
  try {
    const { exchanges } = await child.ready(readListening, READY_WITHIN_MS)
    const exchange_ids = watched(Object.keys(exchanges))
    return {
      exchange_ids,
      variables: variablesFor(exchanges, exchange_ids),
      ended: child.exited,
      stop: () => child.stop(),
    }
  } catch (error) {
    await child.stop()
    throw error
  }
}

function commandLine({ source, truth_file, record_file }: ExchangeServersOptions): string[] {
  const own =
    source.kind === 'captures'
      ? { captures: source.folder }
      : {
          seed: String(source.seed),
          symbols: String(source.symbols),
          truth: truth_file,
          // the truth is counted by the thresholds of the worker that is measured against it
          'min-percent': variable('MIN_ARBITRAGE_PERCENT'),
          'min-volume-usd': variable('MIN_VOLUME_USD'),
        }
  const named = { ...own, rate: String(source.rate), record: record_file }
  return Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  )
}

function readListening(line: string): Listening | undefined {
  return line.startsWith('{"exchanges"') ? Listening.parse(JSON.parse(line)) : undefined
}

/** Those that the operator asked for (EXCHANGES), else all that are played. */
function watched(played: readonly string[]): readonly string[] {
  const asked = variable('EXCHANGES')
    ?.split(',')
    .map((id) => id.trim())
  const absent = asked?.filter((id) => !played.includes(id)) ?? []
  if (absent.length === 0) return asked ?? played
  throw new SetupError(
    `EXCHANGES asks for ${absent.join(', ')}, and only ${played.join(', ')} can be played from this data`,
  )
}

function variablesFor(exchanges: Listening['exchanges'], exchange_ids: readonly string[]) {
  const variables: Record<string, string> = {
    EXCHANGES: exchange_ids.join(','),
    MAX_SYMBOLS: variable('MAX_SYMBOLS') ?? MAX_SYMBOLS,
  }
  for (const [id, { websocket_url, rest_url }] of Object.entries(exchanges)) {
    variables[`${id.toUpperCase()}_WS_URL`] = websocket_url
    variables[`${id.toUpperCase()}_REST_URL`] = rest_url
  }
  return variables
}
