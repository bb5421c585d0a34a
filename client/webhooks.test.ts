import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { insertKey } from '../edge/testing/keys.ts'
import { type Stack, startStack } from '../edge/testing/stack.ts'
import { KEYS } from '../shared/keys.ts'
import { type Client, createClient, type Webhook } from './index.ts'

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = []
  for await (const item of items) seen.push(item)
  return seen
}

describe('against the edge itself', () => {
  let stack: Stack
  let client: Client
  beforeAll(async () => {
    stack = await startStack()
    const { key } = await insertKey(stack.pool, { scopes: ['webhooks'] })
    client = createClient({ url: stack.url, key })
  })
  afterAll(() => stack?.stop())

  it('subscribes, looks, changes and deletes', async () => {
    const { webhooks } = client
    const { secret, ...made } = await webhooks.create({
      url: 'https://example.com/hooks',
      filters: { symbol: 'BTC/USDT' },
    })
    expect(secret).toMatch(/^whsec_/)
    expect(await webhooks.get(made.id)).toEqual(made)
    expect(await all(webhooks.list())).toEqual([made])
    const changed: Webhook = await webhooks.change(made.id, { enabled: false, format: undefined })
    expect(changed).toMatchObject({ id: made.id, enabled: false, disabled_reason: 'owner' })
    const rotated = await webhooks.rotateSecret(made.id)
    expect(rotated.secret).not.toBe(secret)
    expect(rotated.previous_secret_until).not.toBeNull()
    expect([await webhooks.delete(made.id), await webhooks.delete(made.id)]).toEqual([true, false])
    expect(await webhooks.get(made.id)).toBeNull()
    await expect(webhooks.test(made.id)).rejects.toMatchObject({ status: 404 })
    await expect(webhooks.create({ url: 'http://example.com' })).rejects.toThrow(
      /url \("http:\/\/example.com"\): a URL that begins with https/,
    )
  })

  it('tries a webhook, tells its attempts and sends them again', async () => {
    const { webhooks } = client
    const { id } = await webhooks.create({ url: 'https://example.com/hooks' })
    const { message_id } = await webhooks.test(id)
    expect(message_id).toMatch(/^msg_/)
    await stack.pool.query(
      `WITH written AS (INSERT INTO webhook_messages (id, type, body)
         SELECT i || '-0', 'opportunity.detected', '{}' FROM generate_series(1, 12) i RETURNING id)
       INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result)
       SELECT $1, id, 0, id, 'missed' FROM written`,
      [id],
    )
    const attempts = await all(webhooks.attempts(id, { limit: 5, result: 'missed' }))
    expect(attempts.map((attempt) => attempt.message_id)).toEqual(
      Array.from({ length: 12 }, (_, i) => `${12 - i}-0`),
    )
    expect(await all(webhooks.attempts(id, { message_id }))).toEqual([])
    expect(await webhooks.replay(id, { message_id: '3-0' })).toMatchObject({ message_count: 1 })
    expect(await webhooks.replay(id, { missed: true })).toMatchObject({ message_count: 12 })
    await stack.redis.del(KEYS.replay_pause + id)
    const [from, to] = ['2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z']
    expect(await webhooks.replay(id, { from, to })).toMatchObject({ message_count: 0 })
    expect(await stack.redis.xlen(KEYS.webhook_commands)).toBe(4)
  })
})

describe('with a server that misbehaves', () => {
  let server: Server
  let asked: IncomingMessage[] = []
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  type Answer = (response: ServerResponse) => void
  const status =
    (code: number, headers = {}): Answer =>
    (response) =>
      response.writeHead(code, headers).end(code === 204 ? undefined : '{}')
  const cut: Answer = (response) => response.destroy()

  /** Answers one after the other, the last one for ever. */
  async function answering(...answers: readonly Answer[]): Promise<Client['webhooks']> {
    asked = []
    server = createServer((request, response) => {
      request.resume()
      request.on('end', () =>
        answers[Math.min(asked.push(request), answers.length) - 1]?.(response),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return createClient({ url: `http://127.0.0.1:${port}`, key: 'arb_key', random: () => 0 })
      .webhooks
  }
  const keys = () => asked.map(({ headers }) => headers['idempotency-key'])

  it('sends a POST again with the key that it had, whether it was heard or not', async () => {
    const webhooks = await answering(cut, status(503), status(201))
    await webhooks.create({ url: 'https://example.com' })
    expect(keys()).toHaveLength(3)
    expect(new Set(keys()).size).toBe(1)
    expect(keys()[0]).toMatch(/^\w{22}$/)
    await webhooks.rotateSecret('wh_1')
    expect(new Set(keys()).size).toBe(2)
  })

  it('waits for the same request that is still being worked on, and for no other conflict', async () => {
    const working = await answering(status(409, { 'retry-after': '1' }), status(202))
    await working.test('wh_1')
    expect(new Set(keys()).size).toBe(1)
    server.close()
    const full = await answering(status(409))
    await expect(full.create({ url: 'https://example.com' })).rejects.toMatchObject({ status: 409 })
    expect(asked).toHaveLength(1)
  })

  it('sends changes again, and takes what is gone for deleted only when it asked before', async () => {
    const changing = await answering(cut, status(200))
    await changing.change('wh_1', { enabled: true })
    expect(asked.map(({ method }) => method)).toEqual(['PATCH', 'PATCH'])
    expect(keys()).toEqual([undefined, undefined])
    server.close()
    const deleting = await answering(cut, status(404), status(404))
    expect(await deleting.delete('wh_1')).toBe(true)
    expect(await deleting.delete('wh_1')).toBe(false)
  })

  it('gives up in the end', async () => {
    const webhooks = await answering(cut)
    await expect(webhooks.test('wh_1')).rejects.toBeInstanceOf(TypeError)
    expect(asked).toHaveLength(3)
  })
})
