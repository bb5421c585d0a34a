/**
 * The receivers, as a process of their own: `/N` is endpoint N, which takes everything, fails or
 * never answers as `behaviourOf` says. It counts what arrives and tells it once, when it is asked.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { behaviourOf } from './endpoints.ts'

/** [endpoint, event id, milliseconds since 1970] */
export type Receipt = readonly [endpoint: number, event_id: string, at_ms: number]

const receipts: Receipt[] = []

const server = createServer((request, response) => {
  const at_ms = performance.timeOrigin + performance.now()
  const endpoint = Number(request.url?.slice(1))
  receipts.push([endpoint, String(request.headers['webhook-id']), at_ms])
  request.resume()
  request.on('end', () => {
    const behaviour = behaviourOf(endpoint)
    if (behaviour === 'takes') response.end()
    if (behaviour === 'fails') response.writeHead(500).end()
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('message', () => process.send?.(receipts))
process.on('disconnect', () => process.exit(0))
