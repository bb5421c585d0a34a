/**
 * OKX v5 from recordings: every subscription plays its instrument's takes of `books` from the first,
 * byte for byte. Derivatives share the protocol and the connections and are passed over.
 */
import { z } from 'zod'
import type { CaptureLine } from './captures.ts'
import { okxServer } from './okx.ts'
import { instrument } from './okx-books.ts'
import { Operations } from './operations.ts'
import { inferMarket, type Recording } from './recorded.ts'
import { readJson } from './server.ts'
import { Takes } from './timeline.ts'

const BookFrame = z.object({
  arg: z.object({ channel: z.literal('books'), instId: z.string() }),
  action: z.enum(['snapshot', 'update']),
  data: z.tuple([z.object({ ts: z.string() })]),
})
const Instruments = z.object({
  data: z.array(z.looseObject({ instId: z.string(), instType: z.string() })),
})
/** BTC-USDT, and not BTC-USD-SWAP or BTC-USD-220527 */
const SPOT = /^[^-]+-[^-]+$/

export class RecordedOkx implements Recording {
  private readonly takes = new Takes()
  private readonly instruments = new Map<string, { readonly instId: string }>()

  startFile(): void {
    this.takes.endAll()
  }

  take(line: CaptureLine): void {
    const { url, dir } = line
    if (url.hostname === 'ws.okx.com' && url.pathname === '/ws/v5/public') {
      if (dir === 'in') this.takeFrame(line)
    }
    if (url.hostname === 'www.okx.com' && url.pathname === '/api/v5/public/instruments') {
      this.takeInstruments(line.raw)
    }
  }

  server(rate: number) {
    const ids = [...this.takes.topics]
    if (ids.length === 0) return undefined
    return okxServer({
      instruments: ids.map((id) => this.instruments.get(id) ?? this.inferred(id)),
      topic: (channel, id) => (channel === 'books' ? this.takes.topic(id, rate) : undefined),
      orderbook: () => undefined,
      operations: new Operations(),
      close: () => {},
    })
  }

  private takeFrame({ raw, at_ms, source }: CaptureLine): void {
    const read = readJson(raw)
    const frame = read.ok ? BookFrame.safeParse(read.json).data : undefined
    if (frame === undefined || !SPOT.test(frame.arg.instId)) return
    const { instId } = frame.arg
    const stream = `${source} ${instId}`
    const time_ms = at_ms ?? Number(frame.data[0].ts)
    if (frame.action === 'snapshot') this.takes.begin(stream, instId, raw, time_ms)
    else this.takes.add(stream, raw, time_ms)
  }

  private takeInstruments(raw: string): void {
    const read = readJson(raw)
    const answer = read.ok ? Instruments.safeParse(read.json).data : undefined
    for (const entry of answer?.data ?? []) {
      if (entry.instType === 'SPOT') this.instruments.set(entry.instId, entry)
    }
  }

  private inferred(id: string) {
    const [base = id, quote = ''] = id.split('-')
    const levels = this.takes
      .frames(id)
      .flatMap((frame) => [...frame.matchAll(/\["([\d.]+)","([\d.]+)","\d+","\d+"\]/g)])
    const column = (index: 1 | 2) => levels.map((match) => match[index] ?? '0')
    return instrument(inferMarket([base, quote], column(1), column(2)))
  }
}
