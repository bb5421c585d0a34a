/**
 * Kraken v2 from recordings: every subscription plays its market's takes from the first, byte for
 * byte, because the checksum is made from the digits as sent.
 */
import { z } from 'zod'
import type { CaptureLine } from './captures.ts'
import { KRAKEN_DEPTHS, krakenServer } from './kraken.ts'
import { assetPair, instruments } from './kraken-books.ts'
import { Operations } from './operations.ts'
import { inferMarket, type Recording } from './recorded.ts'
import { readJson } from './server.ts'
import { Takes } from './timeline.ts'

const BookFrame = z.object({
  channel: z.literal('book'),
  type: z.enum(['snapshot', 'update']),
  data: z.tuple([
    z.object({
      symbol: z.string(),
      bids: z.array(z.unknown()),
      asks: z.array(z.unknown()),
      timestamp: z.string().optional(),
    }),
  ]),
})
const Ack = z.object({
  method: z.enum(['subscribe', 'unsubscribe']),
  success: z.literal(true),
  result: z.object({ channel: z.literal('book'), symbol: z.string(), depth: z.int() }),
})
const AssetPairs = z.object({
  result: z.record(z.string(), z.looseObject({ wsname: z.string() })),
})
const NEW_CODES = new Map([
  ['XBT', 'BTC'],
  ['XDG', 'DOGE'],
])

export class RecordedKraken implements Recording {
  private readonly takes = new Takes()
  /** symbol → depths that it was recorded with */
  private readonly depths = new Map<string, Set<number>>()
  /** depth of the last ack by connection and symbol */
  private readonly acked = new Map<string, number>()
  /** symbol → [name, entry] of a recorded AssetPairs answer */
  private readonly pairs = new Map<string, readonly [string, object]>()

  startFile(): void {
    this.takes.endAll()
    this.acked.clear()
  }

  take(line: CaptureLine): void {
    const { url, dir } = line
    if (url.host === 'ws.kraken.com' && url.pathname === '/v2') {
      if (dir === 'in') this.takeFrame(line)
    }
    if (url.host === 'api.kraken.com' && url.pathname === '/0/public/AssetPairs') {
      this.takePairs(line.raw)
    }
  }

  server(rate: number) {
    if (this.depths.size === 0) return undefined
    const markets = [...this.depths].map(([symbol, depths]) => this.inferred(symbol, depths))
    const pairs = markets.map((market) => this.pairs.get(market.symbol) ?? assetPair(market))
    return krakenServer({
      pairs: Object.fromEntries(pairs),
      instruments: instruments(markets),
      instrument: () => undefined,
      book: (symbol, wanted) => {
        const depth = nearest(this.depths.get(symbol) ?? new Set(), wanted)
        const topic = this.takes.topic(`${symbol} ${depth}`, rate)
        return depth === undefined || topic === undefined ? undefined : { depth, topic }
      },
      operations: new Operations(),
      close: () => {},
    })
  }

  private takeFrame({ raw, at_ms, source }: CaptureLine): void {
    const read = readJson(raw)
    if (!read.ok) return
    const ack = Ack.safeParse(read.json).data
    if (ack !== undefined) {
      const { symbol, depth } = ack.result
      if (ack.method === 'subscribe') this.acked.set(`${source} ${symbol}`, depth)
      else this.takes.end(`${source} ${symbol}`)
    }
    const frame = BookFrame.safeParse(read.json).data
    if (frame === undefined) return
    const [{ symbol, bids, asks, timestamp }] = frame.data
    const stream = `${source} ${symbol}`
    const time_ms = at_ms ?? (timestamp === undefined ? null : Date.parse(timestamp))
    if (frame.type === 'update') {
      this.takes.add(stream, raw, time_ms)
      return
    }
    const shown = Math.max(bids.length, asks.length)
    const depth = this.acked.get(stream) ?? KRAKEN_DEPTHS.find((legal) => legal >= shown)
    if (depth === undefined) return
    this.takes.begin(stream, `${symbol} ${depth}`, raw, time_ms)
    this.depths.set(symbol, (this.depths.get(symbol) ?? new Set()).add(depth))
  }

  private takePairs(raw: string): void {
    const read = readJson(raw)
    const answer = read.ok ? AssetPairs.safeParse(read.json).data : undefined
    for (const [name, entry] of Object.entries(answer?.result ?? {})) {
      const assets = entry.wsname.split('/').map((asset) => NEW_CODES.get(asset) ?? asset)
      this.pairs.set(assets.join('/'), [name, entry])
    }
  }

  private inferred(symbol: string, depths: ReadonlySet<number>) {
    const frames = [...depths].flatMap((depth) => this.takes.frames(`${symbol} ${depth}`))
    const [base = symbol, quote = ''] = symbol.split('/')
    return inferMarket([base, quote], numbers(frames, 'price'), numbers(frames, 'qty'))
  }
}

/** The recorded depth that serves a wish: the same, else the next deeper one, else the deepest. */
function nearest(depths: ReadonlySet<number>, wanted: number): number | undefined {
  const sorted = [...depths].sort((a, b) => a - b)
  return sorted.find((depth) => depth >= wanted) ?? sorted.at(-1)
}

/** The numbers of a field as they were written. */
function numbers(frames: readonly string[], field: 'price' | 'qty'): string[] {
  const pattern = new RegExp(`"${field}":\\s*([\\d.eE+-]+)`, 'g')
  return frames.flatMap((frame) => [...frame.matchAll(pattern)].map((match) => match[1] ?? '0'))
}
