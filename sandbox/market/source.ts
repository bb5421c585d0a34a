/**
 * What stands between the market model and the sandbox exchanges: books in integer ticks and lots,
 * so that every digit that an exchange server prints is exact. A model produces it, a server
 * subscribes and speaks it in its own protocol. It knows no wire format.
 */

/** One listing. A price in ticks times 10^-price_decimals is the price; lots likewise. */
export interface SimulatedMarket {
  readonly exchange: string
  readonly base: string
  readonly quote: string
  /** canonical BASE/QUOTE; the server derives its own spelling */
  readonly symbol: string
  readonly price_decimals: number
  readonly size_decimals: number
  readonly minimum_size: string
  readonly minimum_notional: string
  readonly taker_fee_percent: string
  /** which coin the base really is, where its ticker does not say so */
  readonly coin?: string
  /** coins in one unit of base, a power of ten; 1 where it is absent */
  readonly units?: number
  /** its exchange publishes at whole multiples of this; absent: every change at once */
  readonly push_every_ms?: number
}

export interface Level {
  /** integer ticks */
  readonly price: number
  /** integer lots; 0 in a change deletes the level */
  readonly size: number
}

export interface LevelChange extends Level {
  readonly side: 'bid' | 'ask'
}

export interface Snapshot {
  /** best first */
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
  /** number of single level changes since the beginning: grows by changes.length a batch */
  readonly version: number
}

/** `version` is the book's version after the whole batch. */
export type ChangeListener = (
  market: number,
  changes: readonly LevelChange[],
  version: number,
  time_ms: number,
) => void

export type StepListener = (now_ms: number) => void

export interface MarketSource {
  readonly markets: readonly SimulatedMarket[]
  /** the whole book of markets[index] as it is now */
  snapshot(market: number): Snapshot
  /** Returns the function that ends the subscription. */
  onChange(listener: ChangeListener): () => void
  /**
   * After every step of the source's clock, when all that changed in it was told: `now_ms` is the
   * step's wall clock. Absent where the books change at no steps. Returns what ends the subscription.
   */
  onStep?(listener: StepListener): () => void
}
