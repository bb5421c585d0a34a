/**
 * Bybit v5 spot from recordings: every subscription plays its topic's takes from the first, byte for
 * byte. Other categories have other symbols under the same names and are passed over.
 */
import { z } from 'zod'
import { bybitServer } from './bybit.ts'
import { instrument } from './bybit-books.ts'
import type { CaptureLine } from './captures.ts'
import { Operations } from './operations.ts'
import { inferMarket, pairsOf, type Recording, splitJoined } from './recorded.ts'
import { readJson } from './server.ts'
import { Takes } from './timeline.ts'

const BookFrame = z.object({
  topic: z.string().regex(/^orderbook\.\d+\./),
  type: z.enum(['snapshot', 'delta']),
  ts: z.number(),
})
const InstrumentsInfo = z.object({
  result: z.object({
    category: z.literal('spot'),
    list: z.array(z.looseObject({ symbol: z.string() })),
  }),
})

export class RecordedBybit implements Recording {
  private readonly takes = new Takes()
  private readonly instruments = new Map<string, { readonly symbol: string }>()

  startFile(): void {
    this.takes.endAll()
  }

  take(line: CaptureLine): void {
    const { url, dir } = line
    if (url.host === 'stream.bybit.com' && url.pathname === '/v5/public/spot') {
      if (dir === 'in') this.takeFrame(line)
    }
    if (url.host === 'api.bybit.com' && url.pathname === '/v5/market/instruments-info') {
      this.takeInstruments(line.raw)
    }
  }

  server(rate: number) {
    const topics = [...this.takes.topics]
    if (topics.length === 0) return undefined
    const symbols = [...new Set(topics.map(symbolOf))]
    return bybitServer({
      instruments: symbols.map((symbol) => this.instruments.get(symbol) ?? this.inferred(symbol)),
      topic: (name) => this.takes.topic(name, rate),
      orderbook: () => undefined,
      operations: new Operations(),
      close: () => {},
    })
  }

  private takeFrame({ raw, at_ms, source }: CaptureLine): void {
    const read = readJson(raw)
    const frame = read.ok ? BookFrame.safeParse(read.json).data : undefined
    if (frame === undefined) return
    const { topic, type, ts } = frame
    // depth 1 is snapshots only: they go on from each other
    const begins = type === 'snapshot' && !topic.startsWith('orderbook.1.')
    const stream = `${source} ${topic}`
    if (begins || !this.takes.goesOn(stream)) {
      if (type === 'snapshot') this.takes.begin(stream, topic, raw, at_ms ?? ts)
    } else this.takes.add(stream, raw, at_ms ?? ts)
  }

  private takeInstruments(raw: string): void {
    const read = readJson(raw)
    const answer = read.ok ? InstrumentsInfo.safeParse(read.json).data : undefined
    for (const entry of answer?.result.list ?? []) this.instruments.set(entry.symbol, entry)
  }

  private inferred(symbol: string) {
    const topics = [...this.takes.topics].filter((topic) => symbolOf(topic) === symbol)
    const { prices, sizes } = pairsOf(topics.flatMap((topic) => this.takes.frames(topic)))
    return instrument(inferMarket(splitJoined(symbol), prices, sizes))
  }
}

function symbolOf(topic: string): string {
  return topic.replace(/^orderbook\.\d+\./, '')
}
