/**
 * Events as they happen, over Server-Sent Events. A reader that comes back with the id of its last
 * event continues exactly there; where that is no longer possible it gets the live set as `reset`.
 */
import { z } from '@hono/zod-openapi'
import { systemClock } from '../../shared/clock.ts'
import { EventId } from '../../shared/event.ts'
import { CACHE } from '../caching.ts'
import { StreamQuery } from '../parameters.ts'
import { unavailable } from '../problems.ts'
import { Selection } from '../selection.ts'
import { type App, get, problems } from '../serve.ts'
import { sessionBody } from '../session.ts'
import { upstashSubscribe } from '../subscription.ts'
import { jittered } from '../time.ts'
import { BEGINNING, follow } from '../upstream.ts'

const HEARTBEAT_MS = 15_000
const LIFE_MS = 15 * 60_000
const LIFE_JITTER = 0.1

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': CACHE.stream,
  'x-accel-buffering': 'no',
}

export function stream(app: App): void {
  get(
    app,
    '/v1/stream',
    {
      summary: 'Events as they happen (Server-Sent Events)',
      description:
        'Each event carries `id`, `event` (its type) and `data` (the Event as JSON). The filters ' +
        'choose opportunities; exchange.status events follow `exchange`, and beside another filter ' +
        'they are sent only when `types` names them. An opportunity that was shown is followed to ' +
        'its end, also below a minimum. `event: reset` carries `{"data":[...]}`, all that is ' +
        'live, when the events since Last-Event-ID are no longer kept.',
      tags: ['stream'],
      request: {
        query: StreamQuery,
        headers: z.object({
          'last-event-id': EventId.or(z.literal(''))
            .optional()
            .openapi({ type: 'string' })
            .describe('the last event seen: the stream continues after it'),
        }),
      },
      responses: {
        200: {
          description: 'an endless stream of events',
          content: { 'text/event-stream': { schema: z.string() } },
        },
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const { types, last_event_id, ...filters } = c.req.valid('query')
      const resumed_from = c.req.valid('header')['last-event-id'] || last_event_id || null
      const { live, settings, log } = c.var
      const bounds = await live.streamBounds()
      if (!bounds.ok) return unavailable(c, bounds.store, bounds.reason)
      if (c.req.method === 'HEAD') return new Response(null, { headers: HEADERS })

      const position = resumed_from ?? bounds.value?.last ?? BEGINNING
      const left = new AbortController()
      const signal = AbortSignal.any([left.signal, c.req.raw.signal])
      const source = { live, subscribe: upstashSubscribe(settings), log }
      const body = sessionBody({
        items: follow(source, position, signal),
        selection: new Selection({ filters, types, resumed_from }),
        position,
        heartbeat_ms: HEARTBEAT_MS,
        life_ms: jittered(LIFE_MS, LIFE_JITTER),
        clock: systemClock,
        log,
        stop: () => left.abort(),
      })
      return new Response(body, { headers: HEADERS })
    },
  )
}
