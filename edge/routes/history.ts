/** Opportunities that have ended, newest first: page by page, or all of them as CSV. */
import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { Opportunity } from '../../shared/opportunity.ts'
import { CACHE, entityTag } from '../caching.ts'
import { historyCursor } from '../cursor.ts'
import type { Edge } from '../edge.ts'
import { COLUMNS, csvOf } from '../export.ts'
import { HistoryQuery, PAGE_MAX } from '../parameters.ts'
import { invalidParameter, unavailable } from '../problems.ts'
import { type App, get, problems, unchanged } from '../serve.ts'

const HistoryPage = z.object({
  data: z.array(Opportunity.openapi('Opportunity')),
  next_cursor: z
    .string()
    .nullable()
    .describe('give it as cursor for the next page; null at the end'),
})

const CSV_HEADERS = {
  'content-type': 'text/csv; charset=utf-8; header=present',
  'content-disposition': 'attachment; filename="spreadwire-history.csv"',
  'cache-control': CACHE.never,
}

const tagged = entityTag()
/** A tag is a hash of the whole body: an export is sent before it is whole. */
const entityTagOfPage: MiddlewareHandler<Edge> = (c, next) =>
  c.req.query('format') === 'csv' ? next() : tagged(c, next)

const columns = () => COLUMNS.map(({ name, meaning }) => `- \`${name}\`: ${meaning}`).join('\n')

export function history(app: App): void {
  get(
    app,
    '/v1/history',
    {
      summary: 'Past opportunities',
      description:
        '`format=csv` streams everything that matches as one CSV file (RFC 4180, UTF-8, a header ' +
        'line, decimals and times as in JSON); `limit` is refused there, and `cursor` begins after ' +
        'that position. A transfer that breaks off is not complete. A text that a spreadsheet ' +
        `would run as a formula has an apostrophe before it. Columns:\n\n${columns()}`,
      tags: ['opportunities'],
      middleware: entityTagOfPage,
      request: { query: HistoryQuery },
      responses: {
        200: {
          description: 'one page, or everything as CSV, newest first',
          content: {
            'application/json': { schema: HistoryPage },
            'text/csv': { schema: z.string() },
          },
        },
        ...unchanged,
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const { cursor, format, ...question } = c.req.valid('query')
      const after = cursor === undefined ? null : historyCursor.decode(cursor)
      if (cursor !== undefined && after === null) {
        return invalidParameter(c, 'cursor', 'a next_cursor as it was given')
      }
      if (question.from !== undefined && question.to !== undefined && question.from > question.to) {
        return invalidParameter(c, 'to', 'a moment that is not before from')
      }
      const is_csv = format === 'csv'
      if (is_csv && c.req.query('limit') !== undefined) {
        return invalidParameter(
          c,
          'limit',
          'not to be given with format=csv, which gives everything',
        )
      }
      const limit = is_csv ? PAGE_MAX : question.limit
      const page = await c.var.history.page({ ...question, after, limit })
      if (!page.ok) return unavailable(c, page.store, page.reason)
      if (is_csv) {
        const { history } = c.var
        const body = csvOf(page.value, (position) =>
          history.page({ ...question, after: position, limit }),
        )
        return new Response(body, { headers: CSV_HEADERS })
      }
      const { opportunities, next } = page.value
      c.header('cache-control', CACHE.brief)
      const next_cursor = next === null ? null : historyCursor.encode(next)
      return c.json({ data: opportunities, next_cursor }, 200)
    },
  )
}
