/**
 * Reads every event there ever is, past all faults, and keeps books on them: which opportunities
 * lived when, and whatever should not have happened. It judges no figure, only whether the stream
 * tells one consistent story.
 */
import type { Redis } from 'ioredis'
import { type Event, eventFromStream } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import type { Opportunity } from '../../shared/opportunity.ts'

/** One opportunity as the stream told it. */
export interface ToldLife {
  readonly id: string
  readonly gap: string
  readonly detected_ms: number
  /** infinite while it is open */
  expired_ms: number
  newest: Opportunity
  newest_event_id: string
}

/** One event as it stands in the stream. */
export interface ToldEvent {
  readonly id: string
  readonly type: Event['type']
  /** when it happened, which is before it was told */
  readonly happened_ms: number
}

const BATCH = 1_000
const BLOCK_MS = 200

export class Ledger {
  readonly lives = new Map<string, ToldLife>()
  /** what no reader should ever have been told, in words */
  readonly faults: string[] = []
  /** every event, in the order of the stream */
  readonly told: ToldEvent[] = []
  private readonly redis: Redis
  private readonly open_by_gap = new Map<string, ToldLife>()
  private closed = false
  private read_id = '0-0'

  constructor(redis: Redis) {
    this.redis = redis
    redis.on('error', () => {})
    void this.read()
  }

  /** Has been told everything that is in the stream now. */
  async isUpToDate(observer: Redis): Promise<boolean> {
    const [newest] = await observer.xrevrange(KEYS.events, '+', '-', 'COUNT', 1)
    return newest === undefined || newest[0] === this.read_id
  }

  /** The stream begins anew: what comes now has smaller ids, perhaps. */
  rewind(): void {
    this.read_id = '0-0'
  }

  open(): ToldLife[] {
    return [...this.open_by_gap.values()]
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
        this.take(eventFromStream(id, pairs(fields)))
      }
    }
  }

  private take(event: Event): void {
    const { id, type, timestamp } = event
    this.told.push({ id, type, happened_ms: Date.parse(timestamp) })
    if (event.type === 'exchange.status') return
    const { data } = event
    const life = this.lives.get(data.id)
    if (type === 'opportunity.detected') {
      this.begin(id, data, Date.parse(timestamp))
      return
    }
    if (life === undefined) {
      this.faults.push(`${type} of ${data.id}, which nobody was told of`)
      return
    }
    life.newest = data
    life.newest_event_id = id
    if (type === 'opportunity.measured') return
    if (life.expired_ms < Number.POSITIVE_INFINITY) {
      this.faults.push(`${type} of ${data.id} after its end`)
    }
    if (type === 'opportunity.expired') {
      life.expired_ms = Date.parse(timestamp)
      if (this.open_by_gap.get(life.gap) === life) this.open_by_gap.delete(life.gap)
    }
  }

  private begin(event_id: string, data: Opportunity, detected_ms: number): void {
    const gap = gapOf(data)
    if (this.lives.has(data.id)) this.faults.push(`${data.id} was detected twice`)
    const living = this.open_by_gap.get(gap)
    if (living !== undefined) {
      this.faults.push(`${data.id} was detected while ${living.id} of the same gap was open`)
    }
    const life: ToldLife = {
      id: data.id,
      gap,
      detected_ms,
      expired_ms: Number.POSITIVE_INFINITY,
      newest: data,
      newest_event_id: event_id,
    }
    this.lives.set(data.id, life)
    this.open_by_gap.set(gap, life)
  }
}

interface Traded {
  readonly exchange: string
  readonly symbol: string
  readonly side: string
}

/** What is traded where and which way; the market that converts back may change. */
function gapOf({ type, legs }: Opportunity): string {
  return [type, pathOf(type === 'cross_exchange' ? legs.slice(0, 2) : legs)].join(' ')
}

export function pathOf(legs: readonly Traded[]): string {
  return legs.map(({ exchange, symbol, side }) => `${exchange} ${side} ${symbol}`).join(' > ')
}

function pairs(fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : [])),
  )
}
