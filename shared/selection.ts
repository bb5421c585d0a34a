/**
 * Which events one reader of the stream wants. An opportunity that was shown is followed to its last
 * word even when its figures fall below the reader's minimum: nobody is left holding a dead one.
 */
import { compareEventIds, type Event, type EventType, isLastWord } from './event.ts'
import { type Filters, mayHavePassed, passes, passesIdentity, passesThresholds } from './filters.ts'
import type { Opportunity } from './opportunity.ts'

export interface SelectionOptions {
  readonly filters: Filters
  /** all when undefined */
  readonly types: readonly EventType[] | undefined
  /** the event the reader saw last on an earlier connection */
  readonly resumed_from: string | null
}

export class Selection {
  private readonly options: SelectionOptions
  private readonly shown = new Set<string>()
  private readonly wants_opportunities: boolean

  constructor(options: SelectionOptions) {
    this.options = options
    const { types } = options
    this.wants_opportunities = types?.every((type) => type === 'exchange.status') !== true
  }

  /** Call once an event, in order. */
  wants(event: Event): boolean {
    const { types } = this.options
    const is_of_type = types === undefined || types.includes(event.type)
    if (event.type === 'exchange.status') return is_of_type && this.wantsStatus(event.data.id)
    // also of a type that is not sent: what is sent later may depend on it
    return this.wants_opportunities && this.follows(event) && is_of_type
  }

  /** The live ones to show in a reset. */
  snapshot(opportunities: readonly Opportunity[]): Opportunity[] {
    const matching = opportunities.filter((one) => passes(one, this.options.filters))
    this.shown.clear()
    for (const { id } of matching) this.shown.add(id)
    return matching
  }

  /** Who asks for certain opportunities hears of exchanges only when he asks for that too. */
  private wantsStatus(id: string): boolean {
    const { filters, types } = this.options
    const { exchange, ...others } = filters
    if (exchange !== undefined && exchange !== id) return false
    return types !== undefined || Object.values(others).every((value) => value === undefined)
  }

  private follows(event: Exclude<Event, { type: 'exchange.status' }>): boolean {
    const { filters } = this.options
    const opportunity = event.data
    if (!passesIdentity(opportunity, filters)) return false
    const follows =
      passesThresholds(opportunity, filters) ||
      this.shown.has(opportunity.id) ||
      this.mayHaveShown(opportunity)
    if (isLastWord(event)) this.shown.delete(opportunity.id)
    else if (follows) this.shown.add(opportunity.id)
    return follows
  }

  /** By an earlier connection, which is forgotten: it lived then, and its peak was enough. */
  private mayHaveShown(opportunity: Opportunity): boolean {
    const { filters, resumed_from } = this.options
    if (resumed_from === null) return false
    const detected = `${Date.parse(opportunity.detected_at)}-0`
    if (compareEventIds(detected, resumed_from) > 0) return false
    return mayHavePassed(opportunity, filters)
  }
}
