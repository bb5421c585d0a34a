/**
 * Every endpoint in memory, those that are off too, found by event type and symbol: an event is
 * compared with the endpoints that could want it and with no other.
 */
import type { Event, EventType } from '../../shared/event.ts'
import { type Endpoint, wants } from './endpoint.ts'

/** Under it stand those that want a type of event for whatever symbol. */
const ANY = ''

type Shelf = Map<string, Set<Endpoint>>

export class Catalogue {
  private readonly endpoints = new Map<string, Endpoint>()
  private readonly shelves = new Map<EventType, Shelf>()

  ids(): string[] {
    return [...this.endpoints.keys()]
  }

  get(id: string): Endpoint | undefined {
    return this.endpoints.get(id)
  }

  /** The other endpoints of the same owner that are on. */
  siblings({ id, key_id }: Pick<Endpoint, 'id' | 'key_id'>): Endpoint[] {
    return [...this.endpoints.values()].filter(
      (other) => other.key_id === key_id && other.id !== id && other.enabled,
    )
  }

  put(endpoint: Endpoint): void {
    this.remove(endpoint.id)
    this.endpoints.set(endpoint.id, endpoint)
    for (const type of endpoint.event_types) {
      const shelf = this.shelf(type)
      const symbol = symbolOf(type, endpoint)
      const set = shelf.get(symbol)
      if (set === undefined) shelf.set(symbol, new Set([endpoint]))
      else set.add(endpoint)
    }
  }

  remove(id: string): void {
    const endpoint = this.endpoints.get(id)
    if (endpoint === undefined) return
    this.endpoints.delete(id)
    for (const type of endpoint.event_types) {
      const shelf = this.shelf(type)
      const symbol = symbolOf(type, endpoint)
      const set = shelf.get(symbol)
      set?.delete(endpoint)
      if (set?.size === 0) shelf.delete(symbol)
    }
  }

  /** Those that want the event, whether they are on or off. */
  wanting(event: Event): Endpoint[] {
    const shelf = this.shelves.get(event.type)
    if (shelf === undefined) return []
    const symbols = event.type === 'exchange.status' ? [ANY] : [event.data.symbol, ANY]
    return symbols.flatMap((symbol) =>
      [...(shelf.get(symbol) ?? [])].filter((endpoint) => wants(endpoint, event)),
    )
  }

  private shelf(type: EventType): Shelf {
    const known = this.shelves.get(type)
    if (known !== undefined) return known
    const shelf: Shelf = new Map()
    this.shelves.set(type, shelf)
    return shelf
  }
}

function symbolOf(type: EventType, { filters }: Endpoint): string {
  return type === 'exchange.status' ? ANY : (filters.symbol ?? ANY)
}
