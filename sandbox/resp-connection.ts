/**
 * One TCP connection to Redis, authenticated and on the right database when it is handed over. It
 * refuses to outlive its socket: once ended it is never reopened, the owner opens another.
 */

import net from 'node:net'
import { reasonOf } from './failure.ts'
import { type Command, encodeCommands, isError, type Reply, ReplyParser } from './resp.ts'

const CONNECT_TIMEOUT_MS = 2_000

export interface Connection {
  write(commands: readonly Command[]): void
  /** Stops reading, so that the pressure reaches Redis, which drops a reader that lags too far. */
  pause(): void
  resume(): void
  destroy(error?: Error): void
}

interface Listener {
  onReply(reply: Reply): void
  /** Called once, when an opened connection is gone, for whatever reason. */
  onEnd(reason: string): void
}

/**
 * Connects to `redis://[[user]:password@]host[:port][/database]`.
 * @throws Error with a short reason when Redis cannot be reached or refuses.
 */
export function openConnection(redis_url: string, listener: Listener): Promise<Connection> {
  const url = new URL(redis_url)
  if (url.protocol !== 'redis:') throw new Error(`only redis:// is supported, not ${url.protocol}`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const socket = net.connect({ host, port: Number(url.port || 6379), noDelay: true })
  const connection: Connection = {
    write: (commands) => socket.write(encodeCommands(commands)),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    destroy: (error) => socket.destroy(error),
  }
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('timed out')), CONNECT_TIMEOUT_MS)
    const handshake = handshakeCommands(url)
    let unanswered = handshake.length
    let opened = false
    let reason = 'the connection was closed'
    const open = () => {
      opened = true
      clearTimeout(timer)
      resolve(connection)
    }
    const take = (reply: Reply) => {
      if (opened) return listener.onReply(reply)
      if (isError(reply)) throw new Error(reply.message)
      unanswered -= 1
      if (unanswered === 0) open()
    }
    const parser = new ReplyParser()
    socket.on('connect', () => (unanswered === 0 ? open() : connection.write(handshake)))
    socket.on('data', (chunk) => {
      try {
        for (const reply of parser.feed(chunk)) take(reply)
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)))
      }
    })
    socket.on('error', (error) => {
      reason = describe(error)
    })
    socket.on('close', () => {
      clearTimeout(timer)
      if (opened) listener.onEnd(reason)
      else reject(new Error(reason))
    })
  })
}

function handshakeCommands(url: URL): Command[] {
  const commands: Command[] = []
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  if (password) commands.push(user ? ['AUTH', user, password] : ['AUTH', password])
  const database = url.pathname.slice(1)
  if (database) commands.push(['SELECT', database])
  return commands
}

/** "localhost" is tried as ::1 and as 127.0.0.1; the error of both together has no message. */
function describe(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message
  return error.errors.map(reasonOf).join(', ')
}
