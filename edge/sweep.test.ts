/**
 * Whatever is asked of any endpoint that openapi.json describes: it is answered as described, or
 * refused in words that help. Never a failure, never a secret, never a trace of the inside.
 */
import http from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Problem } from '../shared/problem.ts'
import { beat, fill } from './testing/filled.ts'
import { insertKey } from './testing/keys.ts'
import { type OddRequest, oddRequest } from './testing/odd.ts'
import { OpenApi, type Operation, patternOf } from './testing/openapi.ts'
import { type Stack, startStack } from './testing/stack.ts'

const ADMIN_TOKEN = 'the-operators-own-token'
const RUNS = 4
const GOOD: Readonly<Record<string, object>> = {
  'POST /v1/keys': { name: 'ours', scopes: ['read'], requests_per_minute: 7, streams: 3 },
  'POST /v1/webhooks': {
    ...{ url: 'https://example.com/hook', format: 'standard', min_interval_ms: 5 },
    ...{ filters: { symbol: 'BTC/USDT' }, event_types: ['opportunity.detected'], enabled: true },
  },
  'PATCH /v1/webhooks/{id}': { url: 'https://example.com/', filters: {}, enabled: false },
  'POST /v1/webhooks/{id}/replay': { message_id: '1-0' },
}

let stack: Stack
let openapi: OpenApi
let ids: string[] = []
let beating: ReturnType<typeof setInterval>
const agent = new http.Agent({ keepAlive: true })
beforeAll(async () => {
  stack = await startStack({ ADMIN_TOKEN })
  const { live, past } = await fill(stack)
  const key = await insertKey(stack.pool)
  ids = [String(live[0]?.id), String(past[0]?.id), 'kraken', key.id, 'opp_nope']
  for (let i = 0; i < 5; i++) {
    const made = await fetch(`${stack.url}/v1/webhooks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(GOOD['POST /v1/webhooks']),
    })
    ids.push(z.object({ id: z.string() }).parse(await made.json()).id)
  }
  openapi = await OpenApi.of(stack.url)
  beating = setInterval(() => void beat(stack.redis), 1_000)
})
afterAll(async () => {
  clearInterval(beating)
  agent.destroy()
  await stack?.stop()
})

let addresses = 0
/** Sends what fetch would correct or refuse. */
function send({ method, address, headers, body }: OddRequest): Promise<Response> {
  const own = { 'cf-connecting-ip': `198.51.100.${addresses++ % 250}` }
  const token = address.startsWith('/v1/') ? { authorization: `Bearer ${ADMIN_TOKEN}` } : {}
  return new Promise((resolve, reject) => {
    // Node says nothing of the length of a body that comes with HEAD, OPTIONS or DELETE, and the server
    // would take it for the next request
    const length = body === undefined ? {} : { 'content-length': body.length }
    const all = { ...own, ...token, ...headers, ...length }
    const options = { method, path: address, agent, headers: all }
    const request = http.request(stack.url, options, (response) => {
      const chunks: Buffer[] = []
      const status = response.statusCode ?? 0
      const fields = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
      const done = () => {
        const bytes = [204, 304].includes(status) ? null : Buffer.concat(chunks)
        resolve(new Response(bytes, { status, headers: Object.fromEntries(fields) }))
      }
      response.on('data', (chunk) => {
        chunks.push(chunk)
        // a stream never ends by itself
        if (response.headers['content-type'] !== 'text/event-stream') return
        done()
        request.destroy()
      })
      response.on('end', done)
    })
    request.on('error', reject)
    request.end(body)
  })
}

const INSIDE =
  /\bat \S+ \(?\S+:\d+:\d+|node_modules|[A-Z]\w*Error:|\bselect .* from|HGETALL|XRANGE|drizzle/i

function holdsNoSecret(text: string, asked: string): void {
  const { vars } = stack
  const password = new URL(vars.DATABASE_URL).password
  for (const secret of [ADMIN_TOKEN, vars.UPSTASH_REDIS_REST_TOKEN, password]) {
    expect(text.includes(secret), asked).toBe(false)
  }
}

/** What the app takes the address for. */
const pathOf = (address: string) => new URL(address, 'http://localhost').pathname

async function examine(operation: Operation, request: OddRequest, response: Response) {
  const whole = `${request.method} ${request.address} ${JSON.stringify(request.headers)}`
  const asked = whole.slice(0, 300)
  const { status } = response
  expect(status, asked).toBeLessThan(500)
  const path = pathOf(request.address)
  if (request.method === 'HEAD' || request.method === 'OPTIONS') return
  const text = await response.clone().text()
  holdsNoSecret(text, asked)
  if (status >= 400) {
    expect(response.headers.get('content-type'), asked).toBe('application/problem+json')
    const problem = Problem.parse(JSON.parse(text))
    expect(problem, asked).toMatchObject({ status, instance: path })
    const ours = JSON.stringify({ ...problem, instance: '', errors: expectations(problem) })
    expect(ours, asked).not.toMatch(INSIDE)
    if (status === 400) {
      expect(problem.errors?.length, asked).toBeGreaterThan(0)
      for (const error of problem.errors ?? []) {
        expect(error, asked).toHaveProperty('value')
        expect(error.expected.length, asked).toBeGreaterThan(3)
      }
    }
    expect(text.length, asked).toBeLessThan(
      2_000 + 20 * (whole.length + (request.body?.length ?? 0)),
    )
  }
  if (request.method !== operation.method || !patternOf(operation).test(path)) return
  if (status === 400 || status < 400 || operation.responses[status]) {
    await openapi.check(operation, response, asked)
  }
}

/** What we say, without what was sent. */
function expectations({ errors = [] }: Problem): string[] {
  return errors.map(({ expected }) => expected)
}

describe('odd input', () => {
  it('is answered as described or refused in words that help, on every endpoint', async () => {
    for (const operation of openapi.operations) {
      const requests = oddRequest(operation, ids, GOOD[operation.id])
      expect(operation.requestBody === undefined, operation.id).toBe(
        GOOD[operation.id] === undefined,
      )
      await fc.assert(
        fc.asyncProperty(fc.array(requests, { minLength: 10, maxLength: 10 }), async (several) => {
          await Promise.all(several.map(async (one) => examine(operation, one, await send(one))))
        }),
        // the message names the one that went wrong; to look for a smaller one takes minutes
        { numRuns: RUNS, endOnFailure: true },
      )
    }
    // nothing broke inside either
    const failures = stack.lines.filter((line) => /a request failed|did not answer/.test(line))
    expect(failures).toEqual([])
    holdsNoSecret(stack.lines.join('\n'), 'the log')
  }, 120_000)
})
