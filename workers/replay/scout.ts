/**
 * What the frames of one exchange name: the markets whose books they carry, and the digits they
 * print. It lets the exchange's own reader decode and keeps no book.
 */
import { type Exchange, FrameError, type FrameHandler } from '../exchanges/exchange.ts'
import type { Digits } from './infer.ts'

export class Scout {
  /** markets with a book frame, by the exchange's own name */
  readonly digits = new Map<string, Digits>()
  private readonly exchange: Exchange
  /** every name that a frame mentions, books or not */
  private readonly names: string[] = []
  private readonly index_of = new Map<string, number>()

  constructor(exchange: Exchange) {
    this.exchange = exchange
  }

  /** Reads the frames of one connection: `seen` is told of every book frame on it. */
  listen(seen: (market: string, snapshot: boolean) => void): (frame: Buffer) => void {
    const reader = this.exchange.reader({ find: (name) => this.find(name) })
    const nothing = () => {}
    const handler: FrameHandler = {
      book: ({ market, snapshot, price_decimals, size_decimals }) => {
        const name = this.names[market]
        if (name === undefined) throw new Error(`a reader made up market ${market}`)
        this.widen(name, { price_decimals, size_decimals })
        seen(name, snapshot)
      },
      subscribed: nothing,
      refused: nothing,
      system: nothing,
      trading: nothing,
      closing: nothing,
    }
    return (frame) => {
      try {
        reader.read(frame, handler)
      } catch (error) {
        // whoever replays the frame counts and names it
        if (!(error instanceof FrameError)) throw error
      }
    }
  }

  private find(name: string): number {
    const known = this.index_of.get(name)
    if (known !== undefined) return known
    this.index_of.set(name, this.names.length)
    return this.names.push(name) - 1
  }

  private widen(name: string, { price_decimals, size_decimals }: Digits): void {
    const digits = this.digits.get(name)
    if (digits === undefined) {
      this.digits.set(name, { price_decimals, size_decimals })
    } else {
      if (price_decimals > digits.price_decimals) digits.price_decimals = price_decimals
      if (size_decimals > digits.size_decimals) digits.size_decimals = size_decimals
    }
  }
}
