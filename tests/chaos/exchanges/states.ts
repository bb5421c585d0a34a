/**
 * Looks at the state of every book again and again while a fault is done, as an operator would, and
 * remembers every change with the moments between which it came. Times are our wall clock, ms.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerView } from '../../../bench/load/worker.ts'
import type { NamedBook } from '../../../workers/ops/books.ts'

export type BookName = Pick<NamedBook, 'exchange' | 'symbol'>

interface Seen {
  readonly state: NamedBook['state']
  readonly reason: NamedBook['reason']
  /** it was like that for sure from here … */
  readonly from_ms: number
  /** … to here */
  to_ms: number
}

const LOOK_EVERY_MS = 15

export class States {
  private readonly worker: WorkerView
  private readonly seen = new Map<string, Seen[]>()
  private stopped = false
  private readonly looking: Promise<void>

  constructor(worker: WorkerView) {
    this.worker = worker
    this.looking = this.look()
  }

  async stop(): Promise<void> {
    this.stopped = true
    await this.looking
  }

  now(book: BookName): Seen | undefined {
    return this.seen.get(nameOf(book))?.at(-1)
  }

  /** What was seen of it, in order. */
  of(book: BookName): readonly Seen[] {
    return this.seen.get(nameOf(book)) ?? []
  }

  /** Every book of the exchange; all books without one. */
  all(exchange?: string): Seen[] {
    return [...this.seen]
      .filter(([name]) => exchange === undefined || name.startsWith(`${exchange} `))
      .flatMap(([, seen]) => seen.at(-1) ?? [])
  }

  /** Books of the exchange that were seen not to be live. */
  disturbed(exchange: string): string[] {
    return [...this.seen]
      .filter(([name, seen]) => name.startsWith(`${exchange} `) && seen.some(isDead))
      .map(([name]) => name)
  }

  /** The moment at which it came true; infinite: it did not in time. */
  async until(holds: () => boolean, within_ms: number): Promise<number> {
    const deadline_ms = performance.now() + within_ms
    while (performance.now() < deadline_ms) {
      if (holds()) return Date.now()
      await sleep(LOOK_EVERY_MS / 3)
    }
    return Number.POSITIVE_INFINITY
  }

  private async look(): Promise<void> {
    while (!this.stopped) {
      const asked_ms = Date.now()
      const books = await this.worker.list().catch(() => [])
      const told_ms = Date.now()
      for (const book of books) this.note(book, asked_ms, told_ms)
      await sleep(LOOK_EVERY_MS)
    }
  }

  private note({ exchange, symbol, state, reason }: NamedBook, asked_ms: number, told_ms: number) {
    const name = nameOf({ exchange, symbol })
    const all = this.seen.get(name) ?? []
    this.seen.set(name, all)
    const last = all.at(-1)
    if (last?.state === state && last.reason === reason) last.to_ms = asked_ms
    else all.push({ state, reason, from_ms: told_ms, to_ms: asked_ms })
  }
}

const isDead = ({ state }: Seen) => state !== 'live'

function nameOf({ exchange, symbol }: BookName): string {
  return `${exchange} ${symbol}`
}
