/**
 * Binance spot from recordings of combined streams. There is no snapshot frame, so each symbol has
 * one timeline for all clients and a book that follows it, from which /api/v3/depth is answered.
 * It sorts recorded lines into runs; playing them is recorded-binance-symbol.ts.
 */
import { z } from 'zod'
import { binanceServer } from './binance.ts'
import { instrument } from './binance-streams.ts'
import type { CaptureLine } from './captures.ts'
import { Operations } from './operations.ts'
import { inferMarket, pairsOf, type Recording, splitJoined } from './recorded.ts'
import { RecordedSymbol, type Run, type SymbolFrame } from './recorded-binance-symbol.ts'
import { readJson } from './server.ts'
import { delay } from './timeline.ts'

const STREAM_HOSTS = ['stream.binance.com', 'data-stream.binance.vision']
const REST_HOSTS = ['api.binance.com', 'data-api.binance.vision']

const Pairs = z.array(z.tuple([z.string(), z.string()]))
const Combined = z.object({ stream: z.string(), data: z.unknown() })
const DepthUpdate = z.object({ s: z.string(), U: z.int(), u: z.int() })
const BookTicker = z.object({ s: z.string(), u: z.int() })
const DepthSnapshot = z.object({ lastUpdateId: z.int(), bids: Pairs, asks: Pairs })
const ExchangeInfo = z.object({ symbols: z.array(z.looseObject({ symbol: z.string() })) })

type Seed = z.infer<typeof DepthSnapshot>

/** Sorts one symbol's frames and snapshots, in the order of the recording, into runs. */
class RunBuilder {
  private readonly finished: Run[] = []
  private frames: SymbolFrame[] = []
  private seed: Seed | undefined
  /** a snapshot that is newer than the frames so far: the next run may begin with it */
  private held: Seed | undefined
  private last_id: number | undefined
  private last_ms: number | null = null

  snapshot(seed: Seed): void {
    if (this.seed !== undefined || !this.begin(seed)) this.held = seed
  }

  depth(first_id: number, last_id: number, data: string, at_ms: number | null): void {
    if (this.last_id !== undefined && last_id <= this.last_id) return
    if (this.last_id !== undefined && first_id > this.last_id + 1) this.finish()
    this.push({ stream: 'depth', first_id, last_id, data }, at_ms)
    this.last_id = last_id
    if (this.seed === undefined && this.held !== undefined) this.begin(this.held)
  }

  ticker(id: number, data: string, at_ms: number | null): void {
    this.push({ stream: 'bookTicker', first_id: id, last_id: id, data }, at_ms)
  }

  get runs(): readonly Run[] {
    this.finish()
    return this.finished
  }

  private push(frame: Omit<SymbolFrame, 'delay_ms'>, at_ms: number | null): void {
    const delay_ms = this.frames.length === 0 ? 0 : delay(this.last_ms, at_ms)
    this.frames.push({ ...frame, delay_ms })
    this.last_ms = at_ms
  }

  /** "Drop any event where u is <= lastUpdateId"; the next one must join. */
  private begin(seed: Seed): boolean {
    const id = seed.lastUpdateId
    const frames = this.frames.filter((frame) => frame.last_id > id)
    const next = frames.find(({ stream }) => stream === 'depth')
    if (next !== undefined && next.first_id > id + 1) return false
    this.seed = seed
    this.held = undefined
    this.frames = frames
    this.last_id = Math.max(id, this.last_id ?? id)
    return true
  }

  /** Without a snapshot the book begins empty: it has the levels that the frames name. */
  private finish(): void {
    const first = this.frames.find(({ stream }) => stream === 'depth')
    if (first !== undefined) {
      const {
        lastUpdateId: id,
        bids,
        asks,
      } = this.seed ?? {
        lastUpdateId: first.first_id - 1,
        bids: [],
        asks: [],
      }
      const frames = this.frames.filter((frame) => frame.last_id > id)
      this.finished.push({ id, bids, asks, frames })
    }
    this.frames = []
    this.seed = undefined
    this.last_id = undefined
  }
}

export class RecordedBinance implements Recording {
  private readonly symbols = new Map<string, RunBuilder>()
  private readonly entries = new Map<string, { readonly symbol: string }>()

  /** Ids join files: nothing to forget. */
  startFile(): void {}

  take({ url, dir, raw, at_ms }: CaptureLine): void {
    if (STREAM_HOSTS.includes(url.hostname) && url.pathname === '/stream' && dir === 'in') {
      this.takeFrame(raw, at_ms)
    }
    if (!REST_HOSTS.includes(url.hostname)) return
    if (url.pathname === '/api/v3/exchangeInfo') this.takeSymbols(raw)
    if (url.pathname === '/api/v3/depth') this.takeSnapshot(raw, url.searchParams.get('symbol'))
  }

  server(rate: number) {
    const recorded = [...this.symbols]
      .map(([symbol, builder]) => ({ symbol, runs: builder.runs }))
      .filter(({ runs }) => runs.length > 0)
    if (recorded.length === 0) return undefined
    const bySymbol = new Map(
      recorded.map(({ symbol, runs }) => [symbol, new RecordedSymbol(symbol, runs, rate)]),
    )
    const byStream = new Map([...bySymbol].map(([name, symbol]) => [name.toLowerCase(), symbol]))
    return binanceServer({
      symbols: recorded.map(({ symbol, runs }) => this.entries.get(symbol) ?? infer(symbol, runs)),
      topic: (stream) => {
        const at = stream.indexOf('@')
        return byStream.get(stream.slice(0, at))?.topic(stream.slice(at + 1))
      },
      depth: (symbol, limit) => bySymbol.get(symbol)?.depth(limit),
      operations: new Operations(),
      close: () => {
        for (const symbol of bySymbol.values()) symbol.stop()
      },
    })
  }

  private takeFrame(raw: string, at_ms: number | null): void {
    const read = readJson(raw)
    const combined = read.ok ? Combined.safeParse(read.json).data : undefined
    if (combined === undefined) return
    const { stream, data } = combined
    const kind = stream.slice(stream.indexOf('@') + 1)
    if (kind === 'depth' || kind === 'depth@100ms') {
      const update = DepthUpdate.safeParse(data).data
      if (update === undefined) return
      this.of(update.s).depth(update.U, update.u, dataOf(raw, data), at_ms)
    }
    if (kind === 'bookTicker') {
      const ticker = BookTicker.safeParse(data).data
      if (ticker !== undefined) this.of(ticker.s).ticker(ticker.u, dataOf(raw, data), at_ms)
    }
  }

  private takeSymbols(raw: string): void {
    const read = readJson(raw)
    const info = read.ok ? ExchangeInfo.safeParse(read.json).data : undefined
    for (const entry of info?.symbols ?? []) this.entries.set(entry.symbol, entry)
  }

  private takeSnapshot(raw: string, symbol: string | null): void {
    const read = readJson(raw)
    const snapshot = read.ok ? DepthSnapshot.safeParse(read.json).data : undefined
    if (snapshot !== undefined && symbol !== null) this.of(symbol).snapshot(snapshot)
  }

  private of(symbol: string): RunBuilder {
    const builder = this.symbols.get(symbol) ?? new RunBuilder()
    this.symbols.set(symbol, builder)
    return builder
  }
}

/** The text of `data` in a combined frame, byte for byte where the frame has the usual shape. */
function dataOf(raw: string, data: unknown): string {
  const text = /^\{"stream":"[^"]*","data":(\{.*\})\}$/s.exec(raw)?.[1]
  return text ?? JSON.stringify(data)
}

function infer(symbol: string, runs: readonly Run[]) {
  const { prices, sizes } = pairsOf(
    runs.flatMap(({ frames }) => frames.filter((f) => f.stream === 'depth').map((f) => f.data)),
  )
  return instrument(inferMarket(splitJoined(symbol), prices, sizes))
}
