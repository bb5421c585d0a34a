/**
 * The whole edge on one screen: a stateless reader of Redis and PostgreSQL that answers REST and SSE
 * and hands out the dashboard's files. What it keeps between requests are caches.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { systemClock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import { asItLeft } from './at-once.ts'
import { authenticate } from './auth.ts'
import { limitedBody } from './body.ts'
import type { Edge } from './edge.ts'
import { readSettings } from './environment.ts'
import { ofAnswers, ofPages, openToAll } from './headers.ts'
import { refuse, refuseBody, refuseInvalid } from './problems.ts'
import { docs } from './routes/docs.ts'
import { exchanges } from './routes/exchanges.ts'
import { health } from './routes/health.ts'
import { history } from './routes/history.ts'
import { keys } from './routes/keys.ts'
import { markets } from './routes/markets.ts'
import { nearMisses } from './routes/near-misses.ts'
import { opportunities } from './routes/opportunities.ts'
import { stats } from './routes/stats.ts'
import { stream } from './routes/stream.ts'
import { webhookActions } from './routes/webhook-actions.ts'
import { webhooks } from './routes/webhooks.ts'
import type { App } from './serve.ts'
import { historyStore } from './store/history.ts'
import { hotLive } from './store/hot.ts'
import { liveStore } from './store/live.ts'

/** What is answered here; every other path is a file of the dashboard. */
const API = ['/v1', '/v1/*', '/health', '/ready', '/openapi.json', '/asyncapi.json'] as const

export function createApp(log: Log): App {
  const app: App = new OpenAPIHono<Edge>({ defaultHook: refuseInvalid })
  for (const path of API) app.use(path, asItLeft, ofAnswers, openToAll, stores(log))
  app.use('/v1/*', authenticate, limitedBody)

  opportunities(app)
  history(app)
  stats(app)
  markets(app)
  nearMisses(app)
  stream(app)
  exchanges(app)
  keys(app)
  webhooks(app)
  webhookActions(app)
  health(app)
  docs(app)
  app.all('/v1', (c) => refuse(c, 'not_found', `there is no ${c.req.path}`))
  app.all('/v1/*', (c) => refuse(c, 'not_found', `there is no ${c.req.path}`))
  app.use(ofPages)
  // where a problem's `type` leads whoever follows it
  app.get('/problems/:type', (c) => c.redirect('/docs#schema-Problem'))
  app.get('*', async (c) => {
    const file = await c.env.ASSETS.fetch(c.req.raw)
    return new Response(file.body, file) // its own headers are read-only
  })

  app.notFound((c) => refuse(c, 'not_found', `there is no ${c.req.path}`))
  app.onError((error, c) => {
    if (error instanceof HTTPException && error.status < 500) return refuseBody(c, error.status)
    log.error('a request failed', { path: c.req.path, error: error.stack ?? String(error) })
    return refuse(c, 'internal', 'the failure is logged')
  })
  return app
}

/** The stores of one request, or the names of the settings that are missing. */
function stores(log: Log): MiddlewareHandler<Edge> {
  return async (c, next) => {
    const read = readSettings(c.env)
    if (!read.ok) {
      log.error('the edge is not configured', { problems: read.problems })
      return refuse(c, 'internal', `not configured: ${read.problems.join('; ')}`)
    }
    c.set('settings', read.settings)
    const live = liveStore(read.settings, log)
    const keepAlive = (work: Promise<unknown>) => c.executionCtx.waitUntil(work)
    c.set('live', read.settings.ANSWER_CACHE_MS > 0 ? hotLive(live, systemClock, keepAlive) : live)
    c.set('history', historyStore(read.settings, log))
    c.set('log', log)
    return next()
  }
}
