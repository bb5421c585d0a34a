/**
 * What one sandbox exchange is to everybody else: how the market gives it life, its server, its
 * recordings, and how its books look on the wire. Adding one is a file that exports this and one
 * line in index.ts.
 */
import type { ExchangeProfile } from '../market/profile.ts'
import type { MarketSource } from '../market/source.ts'
import type { Recording } from './recorded.ts'
import type { ExchangeServer } from './server.ts'
import type { WireLine, WireMessage } from './wire.ts'

export interface SandboxExchange {
  readonly profile: ExchangeProfile
  /** The server of its simulated markets; markets of others in the source are passed over. */
  readonly simulate: (source: MarketSource) => ExchangeServer
  /** Takes in recordings of the real exchange, to play them. */
  readonly recording: () => Recording
  /** whose recorded lines are its own */
  readonly hosts: readonly string[]
  /** What a line of one of these hosts says of a book; undefined: nothing. */
  readonly readWire: (line: WireLine) => WireMessage | undefined
  /** levels a side that the feed shows which the worker reads; undefined: all of them */
  readonly window?: number
}
