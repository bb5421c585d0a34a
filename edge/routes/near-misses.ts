/** What almost qualified, newest first, and which guard refused it in which words. */
import { z } from '@hono/zod-openapi'
import { NearMiss } from '../../shared/near-miss.ts'
import { CACHE, entityTag } from '../caching.ts'
import { NearMissQuery } from '../parameters.ts'
import { unavailable } from '../problems.ts'
import { type App, get, json, problems, unchanged } from '../serve.ts'

const NearMissList = z.object({ data: z.array(NearMiss.openapi('NearMiss')) })

export function nearMisses(app: App): void {
  get(
    app,
    '/v1/near-misses',
    {
      summary: 'What almost qualified, and why not',
      description:
        'One entry an episode, not a tick; of a chain that is refused again and again for the ' +
        'same reason `repeated` counts the episodes that were not kept.',
      tags: ['opportunities'],
      middleware: entityTag(),
      request: { query: NearMissQuery },
      responses: {
        200: json('newest first', NearMissList),
        ...unchanged,
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const { limit, ...filters } = c.req.valid('query')
      const found = await c.var.live.nearMisses((one) => wanted(one, filters), limit)
      if (!found.ok) return unavailable(c, found.store, found.reason)
      c.header('cache-control', CACHE.brief)
      return c.json({ data: found.value }, 200)
    },
  )
}

function wanted(one: NearMiss, asked: Omit<NearMissQuery, 'limit'>): boolean {
  const { type, symbol, exchange, guard } = asked
  return (
    (type === undefined || one.type === type) &&
    (symbol === undefined || one.symbol === symbol) &&
    (guard === undefined || one.guard === guard) &&
    (exchange === undefined || one.legs.some((leg) => leg.exchange === exchange))
  )
}
