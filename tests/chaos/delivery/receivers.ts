/**
 * Receivers of webhooks that do what receivers do wrong: each path has a behaviour of its own. They
 * write down what came and when, and what the other side took of their answers.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { closed, listening } from '../service/servers.ts'

export interface Received {
  readonly id: string
  readonly type: string
  readonly at_ms: number
}

export type Behaviour = (response: ServerResponse) => void

const FLOOD_BYTES = 100_000_000
const CHUNK = Buffer.alloc(65_536, 'x')
const DRIP_EVERY_MS = 300

const takes: Behaviour = (response) => response.end()
export const hangs: Behaviour = () => {}
export const resets: Behaviour = (response) => response.socket?.resetAndDestroy()
export const says =
  (status: number, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    response.writeHead(status, headers).end(`said ${status}`)

/** A head that never ends, a byte at a time. */
export const dripsHead: Behaviour = ({ socket }) => {
  socket?.write('HTTP/1.1 200 OK\r\nx-slow: ')
  const timer = setInterval(() => socket?.write('x'), DRIP_EVERY_MS)
  socket?.once('close', () => clearInterval(timer))
}

/** A good status and a body that never ends. */
export const dripsBody: Behaviour = (response) => {
  response.writeHead(200)
  const timer = setInterval(() => response.write('x'), DRIP_EVERY_MS)
  response.once('close', () => clearInterval(timer))
}

export class Receivers {
  readonly url: string
  /** what the other side took of the longest answer, in bytes */
  flooded_bytes = 0
  private readonly server: Server
  private readonly received = new Map<string, Received[]>()
  private readonly behaviours = new Map<string, Behaviour>()

  private constructor(server: Server, url: string) {
    this.server = server
    this.url = url
  }

  static async start(): Promise<Receivers> {
    const server = createServer()
    const receivers = new Receivers(server, await listening(server))
    server.on('request', (request, response) => receivers.take(request, response))
    return receivers
  }

  behave(path: string, behaviour: Behaviour): void {
    this.behaviours.set(path, behaviour)
  }

  at(path: string): readonly Received[] {
    return this.received.get(path) ?? []
  }

  /** A body of 100 MB, as fast as it is taken. */
  readonly floods: Behaviour = (response) => {
    response.writeHead(200, { 'content-length': FLOOD_BYTES })
    const { socket } = response
    const before = socket?.bytesWritten ?? 0
    const pour = () => {
      while (response.writable && response.write(CHUNK));
    }
    response.on('drain', pour)
    response.once('close', () => {
      this.flooded_bytes = Math.max(this.flooded_bytes, (socket?.bytesWritten ?? 0) - before)
    })
    pour()
  }

  stop(): Promise<void> {
    return closed(this.server)
  }

  private take(request: IncomingMessage, response: ServerResponse): void {
    const at_ms = performance.timeOrigin + performance.now()
    const path = request.url ?? ''
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { type } = JSON.parse(Buffer.concat(chunks).toString()) as { type: string }
      const received = this.received.get(path) ?? []
      this.received.set(path, received)
      received.push({ id: String(request.headers['webhook-id']), type, at_ms })
      const behave = this.behaviours.get(path) ?? takes
      behave(response)
    })
    response.on('error', () => {})
  }
}
