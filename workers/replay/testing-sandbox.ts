/** For tests: the sandbox exchanges as a process of their own, with what they truly offered. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const PROJECT = join(import.meta.dirname, '../..')

/** One true gap, net of fees, that could have been taken from `from_ms` to `to_ms`. */
export interface Truth {
  readonly from_ms: number
  readonly to_ms: number
  readonly symbol: string
  readonly buy_exchange: string
  readonly sell_exchange: string
  readonly profit_percent: string
}

/** Those of a market that is known: others make another one. */
export const WORLD: readonly string[] = ['binance', 'bybit', 'coinbase', 'kraken']

export class Sandbox {
  /** EXCHANGES, `<EXCHANGE>_WS_URL` and `<EXCHANGE>_REST_URL` of its servers */
  readonly env: Readonly<Record<string, string>>
  /** what its servers sent, as they recorded it */
  readonly recording: string
  private readonly child: ChildProcess
  private readonly truth_file: string

  /** The four of WORLD. */
  static async start(seed: number, symbols: number): Promise<Sandbox> {
    const folder = mkdtempSync(join(tmpdir(), 'spreadwire-sandbox-'))
    const [truth, recording] = [join(folder, 'truth.jsonl'), join(folder, 'sandbox.jsonl.gz')]
    const options = ['--seed', `${seed}`, '--symbols', `${symbols}`, '--truth', truth]
    options.push('--exchanges', WORLD.join(','))
    const script = join(PROJECT, 'sandbox/exchanges/main.ts')
    const child = spawn(process.execPath, [script, ...options, '--record', recording], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    return new Sandbox(child, JSON.parse(line), truth, recording)
  }

  private constructor(
    child: ChildProcess,
    { exchanges }: { exchanges: Record<string, { websocket_url: string; rest_url: string }> },
    truth_file: string,
    recording: string,
  ) {
    this.child = child
    this.truth_file = truth_file
    this.recording = recording
    const addresses = Object.entries(exchanges).flatMap(([id, { websocket_url, rest_url }]) => [
      [`${id.toUpperCase()}_WS_URL`, websocket_url],
      [`${id.toUpperCase()}_REST_URL`, rest_url],
    ])
    this.env = { EXCHANGES: WORLD.join(','), ...Object.fromEntries(addresses) }
  }

  /** Ends it and says what it had offered. */
  async stop(): Promise<Truth[]> {
    const exited = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await exited
    const lines = readFileSync(this.truth_file, 'utf8').trim().split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  }
}
