/**
 * Watches the books: one that says `live` is the true book as of the message that we applied last,
 * level by level, and nothing that was closed to us says so.
 */
import type { Side } from '../book/book.ts'
import type { Frame } from './outside.ts'
import type { Port } from './port.ts'
import type { TextLevel, Version } from './true-market.ts'
import { isHalted, type View, type Views } from './views.ts'
import { Violation } from './violation.ts'

export class BookWatch {
  private readonly views: Views
  /** by port: updates that it had applied when we last looked */
  private readonly applied = new Map<Port, number>()

  constructor(views: Views) {
    this.views = views
  }

  /** A frame was taken in, or a snapshot by REST. */
  frame(port: Port, frame: Frame | null, now_ms: number): void {
    const { updates, snapshots } = port.intake.counters
    const was_applied = updates + snapshots > (this.applied.get(port) ?? 0)
    this.applied.set(port, updates + snapshots)
    for (const view of this.views.all) {
      if (view.port !== port) continue
      if (frame !== null) view.heard_ms = now_ms
      if (frame === null || view.market === frame.market) this.look(view, frame, was_applied)
    }
  }

  heard(port: Port, now_ms: number): void {
    for (const view of this.views.all) if (view.port === port) view.heard_ms = now_ms
  }

  /** The last link of this exchange has ended. */
  gone(port: Port): void {
    for (const { entry, ...view } of this.views.all) {
      if (view.port !== port || entry.state !== 'live') continue
      const { exchange, symbol } = entry.market
      throw new Violation('live is carried', `${exchange} ${symbol} is live, and nobody carries it`)
    }
  }

  /** Everything, whatever changed. */
  all(): void {
    for (const view of this.views.all) check(view)
  }

  private look(view: View, frame: Frame | null, was_applied: boolean): void {
    const { market, port, entry } = view
    if (port.exchange.continuity === 'range') {
      const place = market.placeOf(entry.book.last_id)
      if (place !== undefined) view.held = market.versions[place] as Version
    } else if (frame !== null && was_applied) {
      view.held = market.versions[frame.version] as Version
    }
    check(view)
  }
}

function check(view: View): void {
  const { entry, held } = view
  const { state, book, market, confirmed_ms } = entry
  if (state !== 'live') return
  const name = `${market.exchange} ${market.symbol}`
  if (isHalted(view))
    throw new Violation('halted is halted', `${name} is live, though it does not trade`)
  if (held === null) throw new Violation('live is true', `${name} is live, though nothing came`)
  if (Number.isNaN(confirmed_ms)) throw new Violation('live is true', `${name} was never confirmed`)
  for (const side of ['bids', 'asks'] as const) {
    const difference = differenceOf(book[side], held[side])
    if (difference === null) continue
    const why = `${name} at id ${book.last_id}, ${side}: ${difference}`
    throw new Violation('live is true', why)
  }
}

function differenceOf(ours: Side, truth: readonly TextLevel[]): string | null {
  if (ours.length !== truth.length) return `${ours.length} levels, in truth ${truth.length}`
  for (const [rank, [price, size]] of truth.entries()) {
    if (ours.price(rank) === Number(price) && ours.size(rank) === Number(size)) continue
    return `level ${rank} is ${ours.size(rank)} at ${ours.price(rank)}, in truth ${size} at ${price}`
  }
  return null
}
