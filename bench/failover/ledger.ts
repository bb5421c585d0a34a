/** Reads every event there ever is, past all faults, and tells them as one story. */
import type { Redis } from 'ioredis'
import { type Event, eventFromStream } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { Story, type ToldEvent, type ToldLife } from './story.ts'

const BATCH = 1_000
const BLOCK_MS = 200

export class Ledger {
  private readonly story = new Story()
  private readonly redis: Redis
  private readonly onEvent: (event: Event) => void
  private closed = false
  private read_id = '0-0'

  constructor(redis: Redis, onEvent: (event: Event) => void = () => {}) {
    this.redis = redis
    this.onEvent = onEvent
    redis.on('error', () => {})
    void this.read()
  }

  get lives(): ReadonlyMap<string, ToldLife> {
    return this.story.lives
  }

  /** what no reader should ever have been told, in words */
  get faults(): string[] {
    return this.story.faults
  }

  /** every event, in the order of the stream */
  get told(): readonly ToldEvent[] {
    return this.story.told
  }

  /** Has been told everything that is in the stream now. */
  async isUpToDate(observer: Redis): Promise<boolean> {
    const [newest] = await observer.xrevrange(KEYS.events, '+', '-', 'COUNT', 1)
    return newest === undefined || newest[0] === this.read_id
  }

  /** The stream begins anew: what comes now has smaller ids, perhaps. */
  rewind(): void {
    this.read_id = '0-0'
    this.story.rewind()
  }

  open(): ToldLife[] {
    return this.story.open()
  }

  close(): void {
    this.closed = true
    this.redis.disconnect()
  }

  private async read(): Promise<void> {
    while (!this.closed) {
      const answer = await this.redis
        .xread('COUNT', BATCH, 'BLOCK', BLOCK_MS, 'STREAMS', KEYS.events, this.read_id)
        .catch(() => null)
      for (const [id, fields] of answer?.[0]?.[1] ?? []) {
        this.read_id = id
        const event = eventFromStream(id, pairs(fields))
        this.story.take(event)
        this.onEvent(event)
      }
    }
  }
}

function pairs(fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : [])),
  )
}
