import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Clock } from '../../shared/clock.ts'
import { type Log, silentLog } from '../../shared/log.ts'
import { startOtlp } from './otlp.ts'

interface Received {
  path: string | undefined
  headers: Record<string, unknown>
  body: { resourceMetrics: { resource: unknown; scopeMetrics: { metrics: unknown[] }[] }[] }
}

let server: Server
let endpoint: string
/** null: it never answers */
let status: number | null
let received: Received[]
let registry: Registry

beforeEach(async () => {
  status = 200
  received = []
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { url: path, headers } = request
      received.push({ path, headers, body: JSON.parse(Buffer.concat(chunks).toString()) })
      if (status === null) return
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/otlp/`
  registry = new Registry()
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const clock: Clock = { monotonic_ms: () => 0, wall_ms: () => 1_700_000_000_123 }

function start(log: Log = silentLog) {
  return startOtlp({
    registry,
    endpoint,
    headers: { 'x-api-key': 'k' },
    resource: { 'service.name': 'spreadwire-worker' },
    clock,
    log,
    every_ms: 20,
  })
}

it('sends every kind of metric in the shape that collectors read', async () => {
  const registers = [registry]
  new Counter({ name: 'a_total', help: 'A.', labelNames: ['kind'], registers }).inc(
    { kind: 'x' },
    3,
  )
  new Gauge({ name: 'b_seconds', help: 'B.', registers }).set(0.25)
  new Gauge({ name: 'nothing', help: 'N.', labelNames: ['x'], registers })
  const histogram = new Histogram({ name: 'c_seconds', help: 'C.', buckets: [0.1, 1], registers })
  for (const value of [0.05, 0.5, 0.6, 7]) histogram.observe(value)
  const stop = start()
  await vi.waitUntil(() => received.length > 0)
  await stop()
  const { path, headers, body } = received[0]!
  expect(path).toBe('/otlp/v1/metrics')
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-api-key': 'k' })
  const times = { startTimeUnixNano: '1700000000123000000', timeUnixNano: '1700000000123000000' }
  expect(body.resourceMetrics).toEqual([
    {
      resource: {
        attributes: [{ key: 'service.name', value: { stringValue: 'spreadwire-worker' } }],
      },
      scopeMetrics: [
        {
          scope: { name: 'spreadwire' },
          metrics: [
            {
              name: 'a_total',
              description: 'A.',
              unit: '1',
              sum: {
                aggregationTemporality: 2,
                isMonotonic: true,
                dataPoints: [
                  {
                    ...times,
                    attributes: [{ key: 'kind', value: { stringValue: 'x' } }],
                    asDouble: 3,
                  },
                ],
              },
            },
            {
              name: 'b_seconds',
              description: 'B.',
              unit: 's',
              gauge: { dataPoints: [{ ...times, attributes: [], asDouble: 0.25 }] },
            },
            {
              name: 'c_seconds',
              description: 'C.',
              unit: 's',
              histogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    ...times,
                    attributes: [],
                    explicitBounds: [0.1, 1],
                    bucketCounts: ['1', '2', '1'],
                    count: '4',
                    sum: 8.15,
                  },
                ],
              },
            },
          ],
        },
      ],
    },
  ])
})

it('tells an outage once, goes on trying, and tells when it is over', async () => {
  new Gauge({ name: 'b', help: 'B.', registers: [registry] }).set(1)
  const told: string[] = []
  const note = (message: string) => void told.push(message)
  status = 503
  const stop = start({ ...silentLog, warn: note, info: note })
  await vi.waitUntil(() => received.length > 3)
  expect(told).toEqual(['metrics could not be sent'])
  status = 200
  await vi.waitUntil(() => told.length === 2)
  expect(told[1]).toBe('metrics are sent again')
  server.closeAllConnections()
  await stop()
})

it('ends at once, and tells nothing, while a collector does not answer', async () => {
  const told: string[] = []
  status = null
  const stop = start({ ...silentLog, warn: (message) => void told.push(message) })
  await vi.waitUntil(() => received.length > 0)
  // the server would hold the request for ever: without an end of ours this takes ten seconds
  await stop()
  expect(told).toEqual([])
})
