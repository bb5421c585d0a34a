import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { HEARTBEAT_DEAD_AFTER_MS } from '../shared/health.ts'
import { KEYS, workerKey } from '../shared/keys.ts'
import { eventually } from './testing/check.ts'
import { heartbeat } from './testing/opportunities.ts'
import { type Stack, startStack } from './testing/stack.ts'

const SECRET = `whsec_${Buffer.alloc(24, 3).toString('base64')}`

interface Told {
  readonly type: string
  readonly id: string
  readonly data: unknown
}

let stack: Stack
let server: Server
let status = 204
const told: Told[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const headers = request.headers as Record<string, string>
      const event = new Webhook(SECRET).verify(body, headers) as { type: string; data: unknown }
      told.push({ id: headers['webhook-id'] ?? '', ...event })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  stack = await startStack({
    ALERT_WEBHOOK_URL: `http://127.0.0.1:${port}/`,
    ALERT_WEBHOOK_SECRET: SECRET,
  })
})
afterAll(async () => {
  await stack?.stop()
  server.close()
})
beforeEach(async () => {
  await stack.redis.flushall()
  told.length = 0
  status = 204
})

const beat = (age_ms = 0) => {
  const sent_at = new Date(Date.now() - age_ms).toISOString()
  return stack.redis.set(workerKey('worker-1'), JSON.stringify(heartbeat({ sent_at })))
}

const minute = () => stack.minute()

it('tells once that the worker is dead, and once that it is back', async () => {
  await beat()
  await minute()
  expect(told).toEqual([])
  await beat(HEARTBEAT_DEAD_AFTER_MS + 1_000)
  await minute()
  await minute()
  expect(told).toMatchObject([{ type: 'worker.dead', data: { worker_id: 'worker-1' } }])
  await beat()
  await minute()
  await minute()
  expect(told.map(({ type }) => type)).toEqual(['worker.dead', 'worker.alive'])
  expect(new Set(told.map(({ id }) => id)).size).toBe(2)
})

it('tells that there is no worker at all', async () => {
  await minute()
  const [{ type, data } = { type: '', data: null }] = told
  expect(type).toBe('worker.dead')
  expect(data).toMatchObject({ worker_id: null, heartbeat_age_ms: null })
})

it('tells again until it is heard', async () => {
  status = 500
  await minute()
  await minute()
  status = 204
  await minute()
  await minute()
  expect(told.length).toBe(3)
})

it('says nothing of the worker while Redis is away, and forgets nothing', async () => {
  await minute()
  await stack.closeUpstash()
  await minute()
  await stack.openUpstash()
  await minute()
  expect(told.length).toBe(1)
  await eventually(() => expect(stack.lines.join('\n')).toMatch(/watchdog cannot see the worker/))
  expect(stack.lines.join('\n')).not.toContain(SECRET)
})

it('takes what it cannot read for nothing', async () => {
  await stack.redis.set(KEYS.watchdog, '{')
  await minute()
  expect(told.length).toBe(1)
})
