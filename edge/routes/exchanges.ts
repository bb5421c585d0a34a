/** The exchanges as the worker sees them. */
import { z } from '@hono/zod-openapi'
import { ExchangeStatus } from '../../shared/health.ts'
import { CACHE, entityTag } from '../caching.ts'
import { NoQuery } from '../parameters.ts'
import { refuse, unavailable } from '../problems.ts'
import { type App, get, json, problems, unchanged } from '../serve.ts'

const ExchangeList = z.object({ data: z.array(ExchangeStatus.openapi('ExchangeStatus')) })

export function exchanges(app: App): void {
  get(
    app,
    '/v1/exchanges',
    {
      summary: 'Every exchange: connection, books, message rate, gaps, fees',
      tags: ['exchanges'],
      middleware: entityTag(),
      request: { query: NoQuery },
      responses: {
        200: json('in the order of their ids', ExchangeList),
        ...unchanged,
        ...problems('invalid_request', 'unavailable'),
      },
    },
    async (c) => {
      const statuses = await c.var.live.exchanges()
      if (!statuses.ok) return unavailable(c, statuses.store, statuses.reason)
      c.header('cache-control', CACHE.brief)
      return c.json({ data: statuses.value }, 200)
    },
  )

  get(
    app,
    '/v1/exchanges/{id}',
    {
      summary: 'One exchange',
      tags: ['exchanges'],
      middleware: entityTag(),
      request: {
        params: z.object({ id: z.string().describe('exchange id, such as kraken') }),
        query: NoQuery,
      },
      responses: {
        200: json('its status', ExchangeStatus.openapi('ExchangeStatus')),
        ...unchanged,
        ...problems('invalid_request', 'not_found', 'unavailable'),
      },
    },
    async (c) => {
      const { id } = c.req.valid('param')
      const statuses = await c.var.live.exchanges()
      if (!statuses.ok) return unavailable(c, statuses.store, statuses.reason)
      const status = statuses.value.find((one) => one.id === id)
      if (status === undefined) {
        return refuse(c, 'not_found', `there is no exchange ${id.slice(0, 32)}`)
      }
      c.header('cache-control', CACHE.brief)
      return c.json(status, 200)
    },
  )
}
