/**
 * Plays recorded frames with the spacing that they were received with, endlessly. A take begins
 * with a snapshot, so takes may follow each other in any order; a reader always starts at the first.
 */
import { systemClock } from '../../shared/clock.ts'
import type { Send, Topic } from './topic.ts'

export interface Timed {
  /** after the frame before it */
  readonly delay_ms: number
}

interface TimedFrame extends Timed {
  readonly raw: string
}

/** Silence between two takes and before a take is played again. */
export const PAUSE_MS = 1_000
/** What fell behind by more, because the machine slept, is not caught up with. */
const MOST_BEHIND_MS = 1_000
/** Between frames whose times are not known. */
const UNKNOWN_DELAY_MS = 1

/** Time between two frames; recorders' clocks may step back. */
export function delay(before_ms: number | null, at_ms: number | null): number {
  if (before_ms === null || at_ms === null) return UNKNOWN_DELAY_MS
  return Math.max(0, at_ms - before_ms)
}

/**
 * Gives each of an endless sequence to `emit` when it is due, the first ones at once. Returns the
 * function that stops it.
 */
export function play<T extends Timed>(
  sequence: Iterator<T, never>,
  rate: number,
  emit: (item: T) => void,
): () => void {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let next = sequence.next().value
  let due_ms = systemClock.monotonic_ms()
  const turn = () => {
    const now_ms = systemClock.monotonic_ms()
    due_ms = Math.max(due_ms, now_ms - MOST_BEHIND_MS)
    while (!stopped && due_ms <= now_ms) {
      emit(next)
      next = sequence.next().value
      due_ms += next.delay_ms / rate
    }
    if (!stopped) timer = setTimeout(turn, due_ms - now_ms)
  }
  turn()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

interface Take {
  readonly frames: TimedFrame[]
  last_ms: number | null
}

/** Collects the takes of protocols that begin every subscription with a snapshot. */
export class Takes {
  private readonly byTopic = new Map<string, Take[]>()
  /** takes that go on, by connection and topic */
  private readonly open = new Map<string, Take>()

  get topics(): IterableIterator<string> {
    return this.byTopic.keys()
  }

  /** `stream` is the connection and what it subscribed: the frames that follow each other. */
  begin(stream: string, topic: string, raw: string, at_ms: number | null): void {
    const take: Take = { frames: [{ raw, delay_ms: PAUSE_MS }], last_ms: at_ms }
    this.open.set(stream, take)
    this.byTopic.set(topic, [...(this.byTopic.get(topic) ?? []), take])
  }

  /** A frame without a snapshot before it is of no use and is passed over. */
  add(stream: string, raw: string, at_ms: number | null): void {
    const take = this.open.get(stream)
    if (take === undefined) return
    take.frames.push({ raw, delay_ms: delay(take.last_ms, at_ms) })
    take.last_ms = at_ms
  }

  goesOn(stream: string): boolean {
    return this.open.has(stream)
  }

  /** Frames of this stream belong to nothing until its next snapshot. */
  end(stream: string): void {
    this.open.delete(stream)
  }

  endAll(): void {
    this.open.clear()
  }

  frames(topic: string): string[] {
    return (this.byTopic.get(topic) ?? []).flatMap(({ frames }) => frames.map(({ raw }) => raw))
  }

  /** Every reader of the topic gets a timeline of its own. */
  topic(topic: string, rate: number): Topic | undefined {
    const takes = this.byTopic.get(topic)
    if (takes === undefined) return undefined
    return { subscribe: (send: Send) => play(endless(takes), rate, ({ raw }) => send(raw)) }
  }
}

function* endless(takes: readonly Take[]): Generator<TimedFrame, never> {
  for (;;) for (const { frames } of takes) yield* frames
}
