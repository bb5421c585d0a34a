/** What a reader wants, on its way from the route to a hub: the query as it was validated. */

import { Selection } from '../../shared/selection.ts'
import { StreamQuery } from '../parameters.ts'
import type { Wish } from './hub.ts'

/** The query goes as it came; the place to go on from is a header, because a header goes first. */
export function wishRequest(url: string, resumed_from: string | null, signal: AbortSignal) {
  const headers = new Headers(resumed_from === null ? {} : { 'last-event-id': resumed_from })
  return new Request(url, { headers, signal })
}

/** @throws ZodError when the request was not made from a validated one */
export function wishOf(request: Request): Wish {
  const query = Object.fromEntries(new URL(request.url).searchParams)
  const { types, last_event_id: _, ...filters } = StreamQuery.parse(query)
  const resumed_from = request.headers.get('last-event-id')
  return {
    selection: new Selection({ filters, types, resumed_from }),
    position: resumed_from,
  }
}
