/** What past opportunities add up to, and how much of them was left for whoever came later. */
import { systemClock, timestamp } from '../../shared/clock.ts'
import { StatsAnswer } from '../../shared/stats.ts'
import { CACHE, entityTag } from '../caching.ts'
import { FIRST_MOMENT_MS, StatsQuery } from '../parameters.ts'
import { invalidParameter, unavailable } from '../problems.ts'
import { type App, get, json, problems, unchanged } from '../serve.ts'

const DAY_MS = 86_400_000
/** What one answer may sum up: more would keep the database busy for seconds. */
const RANGE_MAX_MS = 31 * DAY_MS

export function stats(app: App): void {
  get(
    app,
    '/v1/stats',
    {
      summary: 'Sums over past opportunities',
      description:
        'By default the last 24 hours by symbol and pair of exchanges. `markouts` say how many ' +
        'would still have paid a taker who came 50 to 1,000 ms later: how real they were.',
      tags: ['opportunities'],
      middleware: entityTag(),
      request: { query: StatsQuery },
      responses: {
        200: json('the groups and their total', StatsAnswer.openapi('Stats')),
        ...unchanged,
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const asked = c.req.valid('query')
      const to = asked.to ?? timestamp(systemClock.wall_ms())
      const from = asked.from ?? timestamp(Math.max(FIRST_MOMENT_MS, Date.parse(to) - DAY_MS))
      const range_ms = Date.parse(to) - Date.parse(from)
      if (range_ms < 0) {
        return asked.to === undefined
          ? invalidParameter(c, 'from', 'a moment that is not after now, or to as well')
          : invalidParameter(c, 'to', 'a moment that is not before from')
      }
      if (range_ms > RANGE_MAX_MS) {
        return invalidParameter(c, 'from', 'a moment at most 31 days before to')
      }
      const summed = await c.var.history.stats({ ...asked, from, to })
      if (!summed.ok) return unavailable(c, summed.store, summed.reason)
      c.header('cache-control', CACHE.summary)
      return c.json(summed.value, 200)
    },
  )
}
