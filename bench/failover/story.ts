/**
 * Keeps books on events in the order in which they were published: which opportunities lived when,
 * and whatever should not have happened. It judges no figure, only whether the events tell one
 * consistent story.
 */
import { compareEventIds, type Event } from '../../shared/event.ts'
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

export class Story {
  readonly lives = new Map<string, ToldLife>()
  /** what no reader should ever have been told, in words */
  readonly faults: string[] = []
  /** every event, in the order of the stream */
  readonly told: ToldEvent[] = []
  private readonly open_by_gap = new Map<string, ToldLife>()
  private newest_id = '0-0'

  /** The stream begins anew: what comes now has smaller ids, perhaps. */
  rewind(): void {
    this.newest_id = '0-0'
  }

  open(): ToldLife[] {
    return [...this.open_by_gap.values()]
  }

  take(event: Event): void {
    const { id, type, timestamp } = event
    this.told.push({ id, type, happened_ms: Date.parse(timestamp) })
    if (compareEventIds(id, this.newest_id) <= 0) {
      this.faults.push(`${id} came after ${this.newest_id}`)
    }
    this.newest_id = id
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
