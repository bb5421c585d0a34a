/**
 * All connections of one exchange: which market is on which, opened one after another. It fills the
 * room of those that are there before it opens another, and gives up one that has no market left.
 */
import type { Protocol } from '../exchanges/exchange.ts'
import { Connection, type ConnectionContext } from './connection.ts'
import type { Lane } from './lane.ts'
import type { Line } from './line.ts'

/** connections open one after another: the snapshots of all at once would be a burst of megabytes */
const STAGGER_MS = 1_000

export class Fleet {
  private readonly connections: Connection[] = []
  private readonly context: ConnectionContext
  private started = false

  constructor(context: ConnectionContext) {
    this.context = context
  }

  get connected(): boolean {
    return this.connections.some((connection) => connection.connected)
  }

  /** As it is spoken at present; the exchange's own while there is no connection. */
  get protocol(): Protocol {
    const speaking = this.connections.find(({ connected }) => connected)
    return speaking?.protocol ?? this.context.exchange
  }

  get blocked(): boolean {
    return this.connections.some((connection) => connection.blocked)
  }

  /** The least receive time minus exchange time of any frame lately; Infinity without any. */
  get quickest_ms(): number {
    return Math.min(...this.connections.map(({ floor }) => floor.value_ms))
  }

  start(): void {
    this.started = true
    for (const [index, connection] of this.connections.entries()) {
      connection.start(index * STAGGER_MS)
    }
  }

  stop(): void {
    for (const connection of this.connections) connection.stop()
  }

  add(lanes: readonly Lane[]): void {
    const limit = this.context.exchange.limits.markets_per_connection
    let at = 0
    for (const connection of this.connections) {
      const fitting = lanes.slice(at, at + limit - connection.lanes.length)
      if (fitting.length > 0) connection.add(fitting)
      at += fitting.length
    }
    for (let opened = 0; at < lanes.length; at += limit, opened++) {
      const connection = new Connection(lanes.slice(at, at + limit), this.context)
      this.connections.push(connection)
      if (this.started) connection.start(opened * STAGGER_MS)
    }
  }

  remove(lane: Lane): void {
    const index = this.connections.findIndex(({ lanes }) => lanes.includes(lane))
    const connection = this.connections[index]
    if (connection === undefined) return
    connection.remove(lane)
    if (connection.lanes.length > 0) return
    this.connections.splice(index, 1)
    connection.stop()
  }

  /** Subscribes markets anew. Returns those that it asked for: the others are to be tried again. */
  resubscribe(lanes: readonly Lane[]): readonly Lane[] {
    return this.connections.flatMap((connection) => connection.resubscribe(lanes))
  }

  /** The exchange will close this line: opens its successor first. */
  replace(line: Line, reason: string): void {
    this.connections
      .find(({ lanes }) => lanes.some(({ carrier }) => carrier === line))
      ?.replace(reason)
  }

  /** Frames of this line were lost: another connection starts from scratch. */
  cut(line: Line, reason: string): void {
    for (const connection of this.connections) connection.cut(line, reason)
  }

  /** Nothing is served on this line: tries another address. False when there is none. */
  leaveDoor(line: Line, reason: string): boolean {
    return this.connections.some((connection) => connection.leaveDoor(line, reason))
  }

  /** Call it a few times a second. */
  sweep(now_ms: number): void {
    for (const connection of this.connections) connection.sweep(now_ms)
  }
}
