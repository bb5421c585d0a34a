/**
 * The events of the stream over Socket.IO, for browsers that want it: WebSocket only, the same events
 * and filters as /v1/stream. Every worker serves its own sockets, whether it leads or not. A socket may
 * be cut at any moment and goes on elsewhere where it was.
 */
import { randomUUID } from 'node:crypto'
import type { Server as HttpServer } from 'node:http'
import { type DefaultEventsMap, Server } from 'socket.io'
import { type Problem, problem } from '../../shared/problem.ts'
import { connectRedis } from '../publish/redis.ts'
import { connectGateways } from './between.ts'
import type { Admitted, Connection } from './connection.ts'
import { Door, type DoorOptions } from './door.ts'
import { FanOut } from './fan-out.ts'
import { listen, selectionOf, tellWish } from './listen.ts'
import { PATH } from './wish.ts'

export interface GatewayOptions extends Omit<DoorOptions, 'holder' | 'follow'> {
  readonly http: HttpServer
  readonly redis_url: string
  /** how often the keys of open sockets are looked up again */
  readonly recheck_every_ms?: number
}

/** Twice within the five seconds in which a revoked key must be cut. */
const RECHECK_EVERY_MS = 2_000
const POSITION_EVERY_MS = 15_000
/** Events that one socket may have waiting here. */
const WAITING_MAX = 64
const MESSAGE_MAX_BYTES = 16_384
const HANDSHAKE_WITHIN_MS = 10_000

export class Gateway {
  /** sockets that were let go because they did not read what they were sent */
  slow_total = 0
  private readonly options: GatewayOptions
  private readonly io: Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Admitted>
  private readonly between: ReturnType<typeof connectGateways>
  private readonly door: Door
  private readonly fan_out: FanOut
  private readonly timers: readonly NodeJS.Timeout[]

  constructor(options: GatewayOptions) {
    const { http, redis, redis_url, log, recheck_every_ms = RECHECK_EVERY_MS } = options
    this.options = options
    this.between = connectGateways(redis_url, log)
    this.io = new Server(http, {
      path: PATH,
      transports: ['websocket'],
      serveClient: false,
      // whoever has a key may use it from any page: it is sent by hand, not by the browser
      cors: { origin: '*' },
      maxHttpBufferSize: MESSAGE_MAX_BYTES,
      connectTimeout: HANDSHAKE_WITHIN_MS,
      adapter: this.between.adapter,
    })
    this.fan_out = new FanOut({
      connect: () => connectRedis(redis_url, 'patient', 'sockets-tail', log),
      redis,
      log,
      send: (ids, event) => this.io.local.to(ids).emit(event.type, event),
    })
    const holder = `socket-${randomUUID()}`
    this.door = new Door({ ...options, holder, follow: () => this.fan_out.follow() })
    this.io.use((socket, next) => this.admit(socket, next))
    this.io.on('connection', (socket) => this.serve(socket))
    this.timers = [
      setInterval(() => void this.recheck(), recheck_every_ms),
      setInterval(() => this.fan_out.tellPositions(), POSITION_EVERY_MS),
    ]
  }

  get sockets(): number {
    return this.fan_out.size
  }

  /** The sockets come back elsewhere by themselves. The HTTP server stays. */
  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer)
    this.door.close()
    const all = this.io.of('/')
    for (const { conn } of all.sockets.values()) conn.close()
    this.io.engine.close()
    await all.adapter.close()
    this.fan_out.end()
    this.between.close()
    await this.door.settled()
  }

  private admit(socket: Connection, next: (refusal?: Error) => void): void {
    this.door.admit(socket).then(
      (refusal) => next(refusal === null ? undefined : refused(refusal)),
      (error: unknown) => {
        this.options.log.error('a socket could not be admitted', { error })
        next(refused(problem('internal', 'something broke on our side; try again', PATH)))
      },
    )
  }

  private serve(socket: Connection): void {
    const { conn, data, id } = socket
    const { wish, caller } = data
    if (caller.kind === 'key') socket.join(roomOf(caller.id))
    const reader = this.fan_out.join(id, selectionOf(wish), wish.last_event_id ?? null, {
      send: (name, payload) => socket.emit(name, payload),
      has_room: () => writeBufferOf(conn).length < WAITING_MAX,
      letGo: (why) => {
        if (why === 'slow') this.slow_total++
        this.options.log.debug('a socket was let go', { why, caller: caller.id })
        // not a farewell: what is left unread would have to be read before it
        conn.close(true)
      },
    })
    const onDrain = () => reader.wake()
    conn.on('drain', onDrain)
    socket.on('disconnect', () => {
      conn.off('drain', onDrain)
      this.fan_out.leave(id)
    })
    listen(socket, reader, this.options.clock)
    tellWish(socket, wish, reader.position)
    reader.wake()
  }

  /** Cuts the sockets of keys that were revoked: here, and through the adapter on every worker. */
  private async recheck(): Promise<void> {
    for (const id of await this.door.ended()) {
      const words = problem('unauthorized', 'the key was revoked, or may no longer read', PATH)
      this.io.local.to(roomOf(id)).emit('problem', words)
      this.io.in(roomOf(id)).disconnectSockets(true)
    }
  }
}

/** Engine.IO's packets that the WebSocket has not taken yet; public in fact, not in its types. */
function writeBufferOf(conn: Connection['conn']): readonly unknown[] {
  return (conn as unknown as { writeBuffer: readonly unknown[] }).writeBuffer
}

function roomOf(key_id: string): string {
  return `key:${key_id}`
}

/** The client gets it as `connect_error`, the problem in its `data`. */
function refused(words: Problem): Error {
  return Object.assign(new Error(words.detail), { data: words })
}
