/** Events at a steady pace, and when the readers that read saw each of them. */
import type { Redis } from 'ioredis'
import { StreamReader } from '../edge/readers.ts'
import { send } from '../edge/stream.ts'

export interface Delays {
  readonly p50_ms: number
  readonly p99_ms: number
  readonly most_ms: number
}

export interface Pace {
  readonly count: number
  readonly per_second: number
  /** larger events than usual */
  readonly legs_factor?: number
}

const ARRIVES_WITHIN_MS = 60_000
const LOOK_EVERY_MS = 20

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export class Tape {
  private readonly redis: Redis
  private readonly sent_ms: number[] = []
  private readonly readers: StreamReader[]
  private delays_ms: number[] = []

  constructor(redis: Redis, port: number, readers: number) {
    this.redis = redis
    const onEvent = (sequence: number) => {
      this.delays_ms.push(performance.now() - (this.sent_ms[sequence] ?? Number.NaN))
    }
    this.readers = Array.from({ length: readers }, () => new StreamReader(port, onEvent))
  }

  async open(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.open()))
  }

  /** Resolves when all has arrived, or nothing more is to be expected. */
  async play({ count, per_second, legs_factor = 1 }: Pace): Promise<Delays> {
    this.delays_ms = []
    const began_ms = performance.now()
    for (let i = 0; i < count; i++) {
      await sleep(Math.max(0, began_ms + (i * 1_000) / per_second - performance.now()))
      const sequence = this.sent_ms.length
      this.sent_ms.push(performance.now())
      await send(this.redis, sequence, legs_factor)
    }
    const deadline_ms = performance.now() + ARRIVES_WITHIN_MS
    const expected = count * this.readers.length
    while (this.delays_ms.length < expected && performance.now() < deadline_ms) {
      await sleep(LOOK_EVERY_MS)
    }
    const sorted = this.delays_ms.toSorted((a, b) => a - b)
    const at = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
    return { p50_ms: at(0.5), p99_ms: at(0.99), most_ms: at(1) }
  }

  /** Pairs of an event and a reader that never met, and those that met more than once. */
  missed(): { readonly lost: number; readonly repeated: number } {
    let [lost, repeated] = [0, 0]
    for (const { seen } of this.readers) {
      const different = new Set(seen).size
      lost += this.sent_ms.length - different
      repeated += seen.length - different
    }
    return { lost, repeated }
  }

  close(): void {
    for (const reader of this.readers) reader.close()
  }
}
