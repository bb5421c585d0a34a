/**
 * One WebSocket connection to an exchange: receive stamps, the idle timer, the ping contract. It
 * opens once and ends once, with a reason; reconnecting is its owner's decision.
 */
import WebSocket from 'ws'
import type { Clock } from '../../shared/clock.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { isBlocked } from './backoff.ts'
import type { ConnectionTap, Tap } from './tap.ts'

export interface SocketEnd {
  readonly reason: string
  /** HTTP status when the handshake was refused */
  readonly status?: number
  readonly retry_after?: string | undefined
}

export interface SocketEvents {
  /** `simulated`: the server says that it is a sandbox */
  open(simulated: boolean): void
  frame(data: Buffer, received_ms: number): void
  /** the peer answered a ping or sent one: the link lives */
  heard(now_ms: number): void
  /** exactly once, also when the connection never opened */
  end(end: SocketEnd): void
}

const HANDSHAKE_TIMEOUT_MS = 10_000
/** a dead link is cut so soon after its idle limit */
const IDLE_CHECK_MS = 50
/**
 * A quiet link is asked so often whether it lives: what it carries is as current as its last answer,
 * and books may be neither old nor far apart.
 */
const PROBE_EVERY_MS = 1_000
/** Header of the sandbox's servers: what they say is not the market. */
const SANDBOX_HEADER = 'x-spreadwire-sandbox'

export class Socket {
  private readonly socket: WebSocket
  private readonly clock: Clock
  private readonly exchange: Exchange
  private readonly events: SocketEvents
  private readonly timers: NodeJS.Timeout[] = []
  private heard_ms = 0
  private ended = false
  private simulated = false
  private readonly url: string
  private readonly tap: Tap | undefined
  private tapped: ConnectionTap | undefined

  constructor(
    url: string,
    exchange: Exchange,
    clock: Clock,
    events: SocketEvents,
    tap: Tap | undefined,
  ) {
    this.url = url
    this.tap = tap
    this.exchange = exchange
    this.clock = clock
    this.events = events
    this.socket = new WebSocket(url, {
      // deflate costs half as much again per frame and saves bytes that nobody counts
      perMessageDeflate: false,
      // readers validate what they use; invalid UTF-8 elsewhere harms nobody
      skipUTF8Validation: true,
      maxPayload: exchange.limits.largest_frame_bytes,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    })
    this.listen()
  }

  send(frame: string): void {
    if (this.socket.readyState !== WebSocket.OPEN) return
    this.tapped?.sent(frame)
    this.socket.send(frame)
  }

  /** On a dead link close() would wait half a minute for an answer: cut it. */
  terminate(reason: string): void {
    this.finish({ reason })
    this.socket.terminate()
  }

  private listen(): void {
    const { socket } = this
    socket.on('upgrade', (response) => {
      this.simulated = response.headers[SANDBOX_HEADER] === '1'
    })
    socket.on('open', () => this.opened())
    socket.on('message', (data) => {
      this.heard_ms = this.clock.monotonic_ms()
      // the default binaryType of ws hands over every message as one Buffer
      this.tapped?.received(data as Buffer)
      this.events.frame(data as Buffer, this.heard_ms)
    })
    socket.on('ping', () => this.heard())
    socket.on('pong', () => this.heard())
    socket.on('unexpected-response', (request, response) => {
      const retry_after = response.headers['retry-after']
      const status = response.statusCode ?? 0
      request.destroy()
      const meaning = isBlocked(status) ? ', our address is not served' : ''
      this.finish({ reason: `HTTP ${status}${meaning}`, status, retry_after })
    })
    // an error is always followed by close; the first of them names the reason
    socket.on('error', (error) => this.finish({ reason: error.message }))
    socket.on('close', (code, why) =>
      this.finish({ reason: `closed with ${code} ${why.toString()}`.trim() }),
    )
  }

  private opened(): void {
    this.heard_ms = this.clock.monotonic_ms()
    this.tapped = this.tap?.opened(this.exchange, this.url, this.simulated)
    const { idle_ms, ping } = this.exchange.keepalive
    this.timers.push(setInterval(() => this.checkIdle(), IDLE_CHECK_MS))
    // any server must answer a protocol ping: a quiet link proves that it lives
    const probe_every_ms = Math.min(PROBE_EVERY_MS, idle_ms / 3)
    this.timers.push(setInterval(() => this.probe(probe_every_ms / 2), probe_every_ms))
    if (ping !== undefined) {
      this.timers.push(
        setInterval(() => this.send(ping.frame(this.clock.monotonic_ms())), ping.every_ms),
      )
    }
    this.events.open(this.simulated)
  }

  private heard(): void {
    this.heard_ms = this.clock.monotonic_ms()
    this.events.heard(this.heard_ms)
  }

  private checkIdle(): void {
    const silent_ms = this.clock.monotonic_ms() - this.heard_ms
    if (silent_ms >= this.exchange.keepalive.idle_ms) {
      this.terminate(`silent for ${Math.round(silent_ms)} ms`)
    }
  }

  private probe(quiet_ms: number): void {
    const silent_ms = this.clock.monotonic_ms() - this.heard_ms
    if (silent_ms < quiet_ms) return
    if (this.socket.readyState === WebSocket.OPEN) this.socket.ping()
  }

  private finish(end: SocketEnd): void {
    if (this.ended) return
    this.ended = true
    for (const timer of this.timers) clearInterval(timer)
    this.events.end(end)
    // the destroyed request of a refused handshake still reports an error
    this.socket.terminate()
  }
}
