/** Opportunities that have ended, newest first, page by page. */
import { z } from '@hono/zod-openapi'
import { Opportunity } from '../../shared/opportunity.ts'
import { CACHE, entityTag } from '../caching.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { HistoryQuery } from '../parameters.ts'
import { invalidParameter, unavailable } from '../problems.ts'
import { type App, get, json, problems } from '../serve.ts'

const HistoryPage = z.object({
  data: z.array(Opportunity.openapi('Opportunity')),
  next_cursor: z
    .string()
    .nullable()
    .describe('give it as cursor for the next page; null at the end'),
})

export function history(app: App): void {
  get(
    app,
    '/v1/history',
    {
      summary: 'Past opportunities',
      tags: ['opportunities'],
      middleware: entityTag(),
      request: { query: HistoryQuery },
      responses: {
        200: json('one page, newest first', HistoryPage),
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const { cursor, ...question } = c.req.valid('query')
      const after = cursor === undefined ? null : decodeCursor(cursor)
      if (cursor !== undefined && after === null) {
        return invalidParameter(c, 'cursor', 'a next_cursor as it was given')
      }
      if (question.from !== undefined && question.to !== undefined && question.from > question.to) {
        return invalidParameter(c, 'to', 'a moment that is not before from')
      }
      const page = await c.var.history.page({ ...question, after })
      if (!page.ok) return unavailable(c, page.store, page.reason)
      const { opportunities, next } = page.value
      c.header('cache-control', CACHE.brief)
      const next_cursor = next === null ? null : encodeCursor(next)
      return c.json({ data: opportunities, next_cursor }, 200)
    },
  )
}
