/**
 * Events as they happen, over Server-Sent Events. A reader that comes back with the id of its last
 * event continues exactly there; where that is no longer possible it gets the live set as `reset`.
 */
import { z } from '@hono/zod-openapi'
import { EventId } from '../../shared/event.ts'
import { CACHE } from '../caching.ts'
import { StreamQuery } from '../parameters.ts'
import { unavailable } from '../problems.ts'
import { type App, get, problems } from '../serve.ts'
import { openStream } from '../stream/hubs.ts'
import { streamLease } from '../stream-lease.ts'

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
        'its end and its markouts, also below a minimum. `event: reset` carries `{"data":[...]}`, all that is ' +
        'live, when the events since Last-Event-ID are no longer kept.',
      tags: ['stream'],
      security: [{}, { key: ['read'] }, { access_token: ['read'] }],
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
      const { last_event_id } = c.req.valid('query')
      const resumed_from = c.req.valid('header')['last-event-id'] || last_event_id || null
      if (c.req.method === 'HEAD') return new Response(null, { headers: HEADERS })
      const lease = await streamLease(c)
      if (!lease.ok) return lease.response
      const opened = await openStream(c, resumed_from)
      if (opened.ok) return new Response(lease.hold(opened.value), { headers: HEADERS })
      lease.release()
      return unavailable(c, opened.store, opened.reason)
    },
  )
}
