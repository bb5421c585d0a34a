/**
 * Which prices of one book were changed while somebody looks, so that what nobody touched can be
 * compared with an answer that was made at some unknown moment meanwhile. It keeps no sizes.
 */
import type { BookUpdate, Levels } from '../book/update.ts'

export class Touches {
  readonly bids = new Set<number>()
  readonly asks = new Set<number>()
  /** the whole book was replaced: nothing can be compared */
  replaced = false

  note(update: BookUpdate): void {
    if (update.snapshot) this.replaced = true
    add(this.bids, update.bids)
    add(this.asks, update.asks)
  }
}

function add(prices: Set<number>, { count, price }: Levels): void {
  for (let i = 0; i < count; i++) prices.add(price[i] as number)
}
