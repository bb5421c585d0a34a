/** For tests: capture files made by hand, and a replay of them within this process. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Opportunity } from '../../shared/opportunity.ts'
import { exchanges } from '../exchanges/index.ts'
import { readReplayOptions } from './options.ts'
import { replay } from './run.ts'
import type { Summary } from './summary.ts'

type Event = Opportunity & { readonly event: string }

export interface Replayed {
  readonly events: readonly Event[]
  readonly summary: Summary
  readonly problems: readonly string[]
  /** standard output */
  readonly text: string
}

/** `argv` as on the command line: files and options. */
export async function replayed(...argv: string[]): Promise<Replayed> {
  const settings = readReplayOptions(
    argv,
    exchanges.map(({ id }) => id),
  )
  if (!settings.ok) throw new Error(JSON.stringify(settings.problems))
  const lines: string[] = []
  const problems: string[] = []
  await replay(exchanges, settings.options, {
    write: (document) => lines.push(JSON.stringify(document)),
    problem: (text) => problems.push(text),
    drained: async () => {},
  })
  const documents = lines.map((line) => JSON.parse(line))
  const summary: Summary = documents.pop()
  return { events: documents, summary, problems, text: lines.join('\n') }
}

let folder: string | undefined
let count = 0

/** Writes a capture file; a text stands for itself, broken or not. Returns its path. */
export function captureFile(lines: readonly (object | string)[], gzip = false): string {
  folder ??= mkdtempSync(join(tmpdir(), 'spreadwire-capture-'))
  const file = join(folder, `${++count}.jsonl${gzip ? '.gz' : ''}`)
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
  const bytes = Buffer.from(`${text.join('\n')}\n`)
  writeFileSync(file, gzip ? gzipSync(bytes) : bytes)
  return file
}

export const ADDRESS = {
  binance: 'wss://stream.binance.com:9443/stream',
  bybit: 'wss://stream.bybit.com/v5/public/spot',
  coinbase: 'wss://ws-feed.exchange.coinbase.com',
  kraken: 'wss://ws.kraken.com/v2',
} as const
export type Name = keyof typeof ADDRESS

/** A line as recorders write it; `raw` that is no text is printed as JSON. */
export function received(exchange: Name, ts: number | null, raw: unknown, more: object = {}) {
  const text = typeof raw === 'string' ? raw : JSON.stringify(raw)
  return { ts, url: ADDRESS[exchange], dir: 'in', raw: text, ...more }
}

export function opened(exchange: Name, ts: number | null, more: object = {}) {
  return { ts, url: ADDRESS[exchange], dir: 'open', raw: '', ...more }
}

export function answered(url: string, ts: number | null, raw: unknown) {
  return { ts, url, dir: 'http', raw: typeof raw === 'string' ? raw : JSON.stringify(raw) }
}

type Levels = readonly (readonly [price: string, size: string])[]

export function bybitFrame(
  type: 'snapshot' | 'delta',
  market: string,
  u: number,
  b: Levels,
  a: Levels,
) {
  const data = { s: market, b, a, u, seq: u }
  return { topic: `orderbook.50.${market}`, ts: 1_700_000_000_000, type, data, cts: 1 }
}

export function binanceEvent(market: string, U: number, u: number, b: Levels, a: Levels) {
  const data = { e: 'depthUpdate', E: 1_700_000_000_000, s: market, U, u, b, a }
  return { stream: `${market.toLowerCase()}@depth@100ms`, data }
}

export function binanceSnapshot(
  market: string,
  ts: number | null,
  id: number,
  b: Levels,
  a: Levels,
) {
  const url = `https://api.binance.com/api/v3/depth?limit=1000&symbol=${market}`
  return answered(url, ts, { lastUpdateId: id, bids: b, asks: a })
}
