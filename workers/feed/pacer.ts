/**
 * Sends client frames no faster than the exchange allows; the rest waits in order. It belongs to
 * one connection and dies with it.
 */
import type { Clock } from '../../shared/clock.ts'
import { Budget } from './budget.ts'

/** Far above any subscribe burst: a queue that grows so long is a loop. */
const QUEUE_LIMIT = 10_000

export class Pacer {
  private queue: string[] = []
  private timer: NodeJS.Timeout | undefined
  private readonly budget: Budget
  private readonly clock: Clock
  private readonly send: (frame: string) => void

  constructor(frames_per_second: number, clock: Clock, send: (frame: string) => void) {
    this.budget = new Budget(frames_per_second, 1_000)
    this.clock = clock
    this.send = send
  }

  /** Nothing waits: what is pushed now goes out as soon as the exchange allows. */
  get idle(): boolean {
    return this.queue.length === 0
  }

  push(frames: readonly string[]): void {
    if (this.queue.length + frames.length > QUEUE_LIMIT) throw new Error('too many client frames')
    this.queue.push(...frames)
    if (this.timer === undefined) this.drain()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.queue = []
  }

  private drain(): void {
    this.timer = undefined
    for (;;) {
      const frame = this.queue[0]
      if (frame === undefined) return
      const wait_ms = this.budget.take(1, this.clock.monotonic_ms())
      if (wait_ms > 0) {
        this.timer = setTimeout(() => this.drain(), wait_ms)
        return
      }
      this.queue.shift()
      this.send(frame)
    }
  }
}
