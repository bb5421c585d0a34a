/**
 * What the local gateways share of HTTP: listening, reading a body up to a limit, answering JSON. It
 * knows nothing of Redis or PostgreSQL.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** Clients keep idle connections for up to a minute; closing earlier would race their next request. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000

export interface Gateway {
  /** the origin, such as "http://127.0.0.1:8079" */
  readonly url: string
  close(): Promise<void>
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>

/**
 * Serves until closed. `port` 0 takes any free port.
 * @throws Error when the address is taken.
 */
export async function serve(
  handler: Handler,
  address: { port: number; host: string },
): Promise<{ server: http.Server; url: string; close(): Promise<void> }> {
  const server = http.createServer({ keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS }, (req, res) => {
    handler(req, res).catch((error: unknown) => {
      // The caller is gone, or a gateway has a bug: a broken reply says so, a hanging one does not.
      res.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  return { server, url: `http://${host}:${port}`, close }
}

/** A body beyond the limit is read to its end and dropped, so that the caller can read the refusal. */
export async function readBody(
  request: http.IncomingMessage,
  limit_bytes: number,
): Promise<{ body: Buffer } | { too_large_bytes: number }> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= limit_bytes) chunks.push(chunk)
    else chunks.length = 0
  }
  return bytes <= limit_bytes ? { body: Buffer.concat(chunks) } : { too_large_bytes: bytes }
}

export function sendJson(
  response: http.ServerResponse,
  status: number,
  json: string,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(json)
}
