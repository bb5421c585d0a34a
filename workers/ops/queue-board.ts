/**
 * bull-board over the two queues, as a listener for Node's HTTP server. It changes nothing, loads
 * nothing from elsewhere and shows no secret. Loading it costs 12 MB: only queues.ts does, when somebody
 * looks.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { HonoAdapter } from '@bull-board/hono'
import { getRequestListener } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Queue } from 'bullmq'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { timeout } from 'hono/timeout'
import type { Redis } from 'ioredis'
import { QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { problem } from '../../shared/problem.ts'
import { redact } from '../../shared/redact.ts'

export type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void>

const ANSWER_WITHIN_MS = 3_000
/** The page sets styles by hand and by attribute; its scripts are files of its own. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
/** Jobs lie deeper in an answer than fields in a line of the log. */
const ENVELOPE_DEPTH = 6

/** Serves what is under `path`. `redis` is a `patient` connection, which its owner disconnects. */
export function createQueueBoard(redis: Redis, path: string, log: Log): Listener {
  const queues = Object.values(QUEUES).map((name) => {
    const queue = new Queue(name, {
      connection: redis,
      prefix: QUEUE_PREFIX,
      skipMetasUpdate: true,
    })
    queue.on('error', (error) => log.debug('queue page', { error }))
    return new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false })
  })
  const { fetch } = pageOf(queues, path, log)
  return getRequestListener(fetch, { overrideGlobalObjects: false })
}

function pageOf(queues: BullMQAdapter[], path: string, log: Log): Hono {
  const adapter = new HonoAdapter(serveStatic).setBasePath(path)
  createBullBoard({
    queues,
    serverAdapter: adapter,
    options: {
      uiConfig: { boardTitle: 'Spreadwire queues', hideDocsLink: true },
      handlerHooks: { after: (_, result) => ({ ...result, body: withoutSecrets(result.body) }) },
    },
  })
  const app = new Hono()
  app.onError((error, c) => {
    if (!(error instanceof HTTPException)) log.error('the queue page failed', { error })
    const away = error instanceof HTTPException
    const words = away
      ? problem('unavailable', 'redis: not reachable', c.req.path)
      : problem('internal', 'The queues cannot be shown.', c.req.path)
    return c.json(words, away ? 503 : 500, { 'cache-control': 'no-store' })
  })
  app.use(async (c, next) => {
    await next()
    const is_static = c.req.path.startsWith(`${path}/static/`)
    c.header('content-security-policy', POLICY)
    c.header('x-content-type-options', 'nosniff')
    c.header('referrer-policy', 'no-referrer')
    c.header('cache-control', is_static ? 'private, max-age=86400' : 'no-store')
    if (c.res.headers.get('content-type')?.startsWith('text/html') === true) {
      c.res = new Response(ownFilesOnly(await c.res.text()), c.res)
    }
  })
  app.use(timeout(ANSWER_WITHIN_MS, () => new HTTPException(503)))
  app.route(path, adapter.registerPlugin())
  return app
}

/** The page would load its font from elsewhere; it has others. */
function ownFilesOnly(html: string): string {
  return html.replace(/<link href="https:[^>]*>/g, '')
}

/** As in the log, and of every URL only the host: a webhook's path is its password. */
function withoutSecrets<T>(body: T): T {
  const text = JSON.stringify(redact(body, -ENVELOPE_DEPTH))
  return JSON.parse(text.replace(/\b(https?:\/\/[^\s/"\\?#]+)[/?#][^\s"\\]*/gi, '$1/***'))
}
