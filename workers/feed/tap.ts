/**
 * Where a recording listens to the feed: everything that is said and heard, unchanged, in the order
 * of the wire. A listener only listens; the feed never waits for it and never asks it anything.
 */
import type { Exchange } from '../exchanges/exchange.ts'

export interface Tap {
  /** a connection opened; what goes over it is told to the tap returned */
  opened(exchange: Exchange, url: string, simulated: boolean): ConnectionTap
  /** a REST request for `path` was answered with status 200 */
  answered(exchange: Exchange, path: string, body: string): void
}

export interface ConnectionTap {
  /** `frame` is only lent: whoever keeps it makes a copy */
  received(frame: Buffer): void
  sent(frame: string): void
}
