/** The opportunities that can be taken now, and any one of them, now or later. */
import { z } from '@hono/zod-openapi'
import { passes } from '../../shared/filters.ts'
import { isMeasured, Opportunity } from '../../shared/opportunity.ts'
import { CACHE, entityTag } from '../caching.ts'
import { LiveQuery, NoQuery, OPPORTUNITY_ID } from '../parameters.ts'
import { refuse, unavailable } from '../problems.ts'
import { type App, get, json, problems, unchanged } from '../serve.ts'
import { sorted } from '../sorted.ts'

const LiveList = z.object({
  data: z.array(Opportunity.openapi('Opportunity')),
  stale: z
    .boolean()
    .describe('true: no worker leads now, so that the end of what is listed would not be told'),
})

export function opportunities(app: App): void {
  get(
    app,
    '/v1/opportunities',
    {
      summary: 'Live opportunities',
      tags: ['opportunities'],
      middleware: entityTag(),
      request: { query: LiveQuery },
      responses: {
        200: json('what can be taken now', LiveList),
        ...unchanged,
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const { sort, limit, ...filters } = c.req.valid('query')
      const live = await c.var.live.opportunities()
      if (!live.ok) return unavailable(c, live.store, live.reason)
      const { opportunities, is_led } = live.value
      const matching = opportunities.filter((opportunity) => passes(opportunity, filters))
      c.header('cache-control', CACHE.brief)
      return c.json({ data: sorted(matching, sort).slice(0, limit), stale: !is_led }, 200)
    },
  )

  get(
    app,
    '/v1/opportunities/{id}',
    {
      summary: 'One opportunity, live or past',
      tags: ['opportunities'],
      middleware: entityTag(),
      request: {
        params: z.object({ id: z.string().describe('id of an opportunity') }),
        query: NoQuery,
      },
      responses: {
        200: json('the opportunity', Opportunity.openapi('Opportunity')),
        ...unchanged,
        ...problems('invalid_request', 'not_found', 'unavailable'),
      },
    },
    async (c) => {
      const { id } = c.req.valid('param')
      const missing = () => refuse(c, 'not_found', `there is no opportunity ${id.slice(0, 64)}`)
      if (!OPPORTUNITY_ID.test(id)) return missing()
      const live = await c.var.live.opportunity(id)
      if (live.ok && live.value !== null) {
        c.header('cache-control', CACHE.brief)
        return c.json(live.value, 200)
      }
      const past = await c.var.history.opportunity(id)
      if (!past.ok) return unavailable(c, past.store, past.reason)
      if (past.value === null) {
        return live.ok ? missing() : unavailable(c, live.store, live.reason)
      }
      const { status } = past.value
      const is_final = status === 'expired' && isMeasured(past.value)
      c.header('cache-control', is_final ? CACHE.forever : CACHE.brief)
      return c.json(past.value, 200)
    },
  )
}
