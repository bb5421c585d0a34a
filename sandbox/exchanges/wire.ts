/**
 * How books look on the wire, whatever the exchange: what one recorded line says of one book. For
 * those who rebuild the books from a recording and must not share a reader with the worker.
 */

/** A line of a capture file. */
export interface WireLine {
  readonly url: string
  readonly dir: 'open' | 'out' | 'in' | 'http'
  readonly raw: string
}

export type WirePair = readonly [price: string | number, size: string | number]

export interface WireMessage {
  /** as the exchange spells it */
  readonly symbol: string
  /** a snapshot: what was known before is void */
  readonly whole: boolean
  readonly bids: readonly WirePair[]
  readonly asks: readonly WirePair[]
  /** the ids that this covers, where snapshots and changes come on different ways */
  readonly ids?: readonly [first: number, last: number]
  /** levels a side to keep, where the exchange says nothing of those that better ones push out */
  readonly depth?: number
}
