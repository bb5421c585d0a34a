/**
 * The frames that are measured: a capture file cut into one tape per exchange, with only what the
 * worker's own subscriptions bring. A tape begins with what builds the books, which is not measured.
 */
import type { Market } from '../../shared/market.ts'
import { readLines } from '../../workers/capture/reader.ts'
import type { Exchange, FrameHandler } from '../../workers/exchanges/exchange.ts'
import { FrameError } from '../../workers/exchanges/exchange.ts'
import { exchanges } from '../../workers/exchanges/index.ts'
import { inferMarket } from '../../workers/replay/infer.ts'
import { Instruments } from '../../workers/replay/instruments.ts'

/** A frame, or the REST snapshot of a market. */
type Step =
  | { readonly at_ms: number; readonly frame: Buffer }
  | { readonly at_ms: number; readonly market: string; readonly body: string }

export interface Tape {
  readonly name: string
  readonly exchange: Exchange
  readonly markets: readonly Market[]
  /** up to the last whole book */
  readonly prelude: readonly Step[]
  readonly frames: readonly Buffer[]
  /** receive time of each frame, ms since 1970 */
  readonly times_ms: readonly number[]
}

interface CaptureLine {
  readonly ts: number | null
  readonly url: string
  readonly dir: 'open' | 'out' | 'in' | 'http'
  readonly raw: string
}

/** What a reader says of a frame. */
class Listener implements FrameHandler {
  readonly markets: string[] = []
  snapshot = false
  find = (market: string): number => {
    if (!this.markets.includes(market)) this.markets.push(market)
    return this.markets.indexOf(market)
  }
  book: FrameHandler['book'] = (update) => {
    if (update.snapshot) this.snapshot = true
  }
  subscribed(): void {}
  refused(): void {}
  system(): void {}
  trading(): void {}
  closing(): void {}
}

/** One tape per exchange that the file speaks of. `name` tells tapes of several files apart. */
export async function readTapes(file: string, name: string): Promise<Tape[]> {
  const lines: CaptureLine[] = []
  for await (const batch of readLines(file)) {
    if (batch.problem !== undefined) throw new Error(`${file}: ${batch.problem.reason}`)
    for (const { text } of batch.lines) lines.push(JSON.parse(text) as CaptureLine)
  }
  return exchanges
    .map((exchange) => cut(exchange, lines, name))
    .filter(({ frames }) => frames.length > 0)
}

function cut(exchange: Exchange, lines: readonly CaptureLine[], name: string): Tape {
  const listener = new Listener()
  const reader = exchange.reader(listener)
  const instruments = new Instruments(exchange)
  const steps: Step[] = []
  let built = 0
  for (const [index, { ts, url, dir, raw }] of lines.entries()) {
    const address = new URL(url)
    if (!exchange.hosts.includes(address.hostname)) continue
    const at_ms = ts ?? index
    if (dir === 'http') {
      instruments.take(address, raw)
      const market = address.searchParams.get('symbol')
      if (exchange.snapshot === undefined || market === null) continue
      built = steps.push({ at_ms, market, body: raw })
    } else if (dir === 'in') {
      const frame = Buffer.from(raw)
      listener.snapshot = false
      if (!isOurs(() => reader.read(frame, listener))) continue
      steps.push({ at_ms, frame })
      if (listener.snapshot) built = steps.length
    }
  }
  const digits = { price_decimals: 8, size_decimals: 8 }
  const measured = steps.slice(built).filter((step) => 'frame' in step)
  return {
    name,
    exchange,
    markets: listener.markets.map(
      (market) => instruments.get(market) ?? inferMarket(exchange, market, digits),
    ),
    prelude: steps.slice(0, built),
    frames: measured.map(({ frame }) => frame),
    times_ms: measured.map(({ at_ms }) => at_ms),
  }
}

/** Recordings may hold channels that the worker never asks for. */
function isOurs(read: () => string): boolean {
  try {
    return read() !== 'ignored'
  } catch (error) {
    if (error instanceof FrameError) return false
    throw error
  }
}
