/**
 * One live connection: a socket, its pacer and its line. It subscribes what it is told once it is
 * open; whether it is the one that counts is its connection's business.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { Door } from './addresses.ts'
import type { Line } from './line.ts'
import { Pacer } from './pacer.ts'
import { Socket, type SocketEnd, type SocketEvents } from './socket.ts'
import type { Tap } from './tap.ts'

export interface LinkEvents {
  opened(link: Link, simulated: boolean): void
  ended(link: Link, end: SocketEnd): void
}

export class Link {
  readonly line: Line
  readonly door: Door
  /** our monotonic clock when it opened, ms; NaN before */
  opened_ms = Number.NaN
  /** what it was asked to say, pings apart */
  frames = 0
  private readonly socket: Socket
  private readonly pacer: Pacer
  private readonly exchange: Exchange

  constructor(door: Door, clock: Clock, line: Line, events: LinkEvents, tap: Tap | undefined) {
    const { url, exchange } = door
    this.door = door
    this.exchange = exchange
    this.line = line
    const socket_events: SocketEvents = {
      open: (simulated) => {
        this.opened_ms = clock.monotonic_ms()
        line.heard(this.opened_ms)
        events.opened(this, simulated)
      },
      frame: (data, received_ms) => line.frame(data, received_ms),
      heard: (now_ms) => line.heard(now_ms),
      end: (end) => {
        this.pacer.stop()
        events.ended(this, end)
      },
    }
    this.socket = new Socket(url, exchange, clock, socket_events, tap)
    this.pacer = new Pacer(exchange.limits.frames_per_second, clock, (frame) =>
      this.socket.send(frame),
    )
  }

  get open(): boolean {
    return !Number.isNaN(this.opened_ms)
  }

  /** Once, when it is open: what the exchange wants to hear first, and the first markets. */
  greet(markets: readonly string[]): void {
    const { hello } = this.exchange
    if (hello !== undefined) this.say(hello(markets))
    this.subscribe(markets)
  }

  subscribe(markets: readonly string[]): void {
    const { markets_per_frame } = this.exchange.limits
    for (const group of groupsOf(markets, markets_per_frame)) {
      this.say(this.exchange.subscribe(group))
    }
  }

  unsubscribe(markets: readonly string[]): void {
    const { markets_per_frame } = this.exchange.limits
    for (const group of groupsOf(markets, markets_per_frame)) {
      this.say(this.exchange.unsubscribe(group))
    }
  }

  /**
   * A new subscription brings a new snapshot, without disturbing the connection's other markets.
   * False, and nothing is asked, while earlier requests still wait: they may well be the same.
   */
  resubscribe(markets: readonly string[]): boolean {
    if (!this.pacer.idle) return false
    this.unsubscribe(markets)
    this.subscribe(markets)
    return true
  }

  terminate(reason: string): void {
    this.socket.terminate(reason)
  }

  private say(frames: readonly string[]): void {
    this.frames += frames.length
    this.pacer.push(frames)
  }
}

/** As many to a subscribe frame as the exchange allows, in order. */
export function groupsOf<Item>(items: readonly Item[], limit: number): Item[][] {
  const count = Math.ceil(items.length / limit)
  return Array.from({ length: count }, (_, index) =>
    items.slice(index * limit, (index + 1) * limit),
  )
}
