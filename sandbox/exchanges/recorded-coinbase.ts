/**
 * Coinbase Exchange from recordings of `level2` or `level2_batch`, which have the same frames: every
 * subscription plays its product's takes from the first, byte for byte.
 */
import { z } from 'zod'
import { systemClock } from '../../shared/clock.ts'
import type { CaptureLine } from './captures.ts'
import { coinbaseServer } from './coinbase.ts'
import { product } from './coinbase-books.ts'
import { Operations } from './operations.ts'
import { inferMarket, pairsOf, type Recording } from './recorded.ts'
import { readJson } from './server.ts'
import { Takes } from './timeline.ts'

const BookFrame = z.object({
  type: z.enum(['snapshot', 'l2update']),
  product_id: z.string(),
  time: z.string().optional(),
})
const Products = z.array(z.looseObject({ id: z.string() }))

export class RecordedCoinbase implements Recording {
  private readonly takes = new Takes()
  private readonly products = new Map<string, { readonly id: string }>()

  startFile(): void {
    this.takes.endAll()
  }

  take(line: CaptureLine): void {
    const { url, dir } = line
    if (url.host === 'ws-feed.exchange.coinbase.com' || url.host === 'ws-feed.pro.coinbase.com') {
      if (dir === 'in') this.takeFrame(line)
    }
    const rest = url.host === 'api.exchange.coinbase.com' || url.host === 'api.pro.coinbase.com'
    if (rest && url.pathname === '/products') this.takeProducts(line.raw)
  }

  server(rate: number) {
    const ids = [...this.takes.topics]
    if (ids.length === 0) return undefined
    return coinbaseServer({
      products: ids.map((id) => this.products.get(id) ?? this.inferred(id)),
      book: (id) => this.takes.topic(id, rate),
      sequence: () => Math.floor(systemClock.monotonic_ms()),
      orderbook: () => undefined,
      operations: new Operations(),
      close: () => {},
    })
  }

  private takeFrame({ raw, at_ms, source }: CaptureLine): void {
    const read = readJson(raw)
    const frame = read.ok ? BookFrame.safeParse(read.json).data : undefined
    if (frame === undefined) return
    const stream = `${source} ${frame.product_id}`
    const time_ms = at_ms ?? (frame.time === undefined ? null : Date.parse(frame.time))
    if (frame.type === 'snapshot') this.takes.begin(stream, frame.product_id, raw, time_ms)
    else this.takes.add(stream, raw, time_ms)
  }

  private takeProducts(raw: string): void {
    const read = readJson(raw)
    const products = read.ok ? Products.safeParse(read.json).data : undefined
    for (const entry of products ?? []) this.products.set(entry.id, entry)
  }

  private inferred(id: string) {
    const [base = id, quote = ''] = id.split('-')
    const { prices, sizes } = pairsOf(this.takes.frames(id))
    return product(inferMarket([base, quote], prices, sizes))
  }
}
