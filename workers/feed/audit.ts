/**
 * Compares a book with the best levels that the exchange tells by REST. The answer was made at an
 * unknown moment between two looks at the book; a level that no frame touched from the one look to
 * the other was the same at every moment between them, so it must be the same in the answer. It
 * changes no book.
 */
import type { Book, Side } from '../book/book.ts'
import type { BookUpdate, Levels } from '../book/update.ts'
import type { Touches } from './touches.ts'

const FEW = 10

/** Where a book stood: what says whether an answer is older or newer. */
export interface Standing {
  readonly last_id: number
  readonly exchange_time_ms: number
}

export type AuditResult =
  /** nothing untouched to compare, or an answer of another time */
  | { readonly kind: 'void' }
  | { readonly kind: 'agrees'; readonly levels: number }
  /** in words, for the log */
  | { readonly kind: 'differs'; readonly level: string }

export function compareBooks(
  book: Book,
  answer: BookUpdate,
  touches: Touches,
  before: Standing,
): AuditResult {
  if (touches.replaced || !isBetween(answer, before, book)) return { kind: 'void' }
  const bids = compareSides(book.bids, answer.bids, touches.bids, 1)
  const asks = compareSides(book.asks, answer.asks, touches.asks, -1)
  const wrong = bids.wrong ?? asks.wrong
  if (wrong !== null) return { kind: 'differs', level: wrong }
  const levels = bids.compared + asks.compared
  return levels === 0 ? { kind: 'void' } : { kind: 'agrees', levels }
}

/** NaN means that one of the two does not say: then nothing contradicts. */
function isBetween(answer: BookUpdate, before: Standing, after: Standing): boolean {
  const early = answer.last_id < before.last_id || answer.last_id > after.last_id
  const { exchange_time_ms } = answer
  const late =
    exchange_time_ms < before.exchange_time_ms || exchange_time_ms > after.exchange_time_ms
  return !early && !late
}

interface SideResult {
  readonly compared: number
  readonly wrong: string | null
}

/** `sign` is 1 where higher prices are better. Both sides are best first. */
function compareSides(
  side: Side,
  told: Levels,
  touched: ReadonlySet<number>,
  sign: 1 | -1,
): SideResult {
  const held = heldLevels(side, told.count)
  const sizes = new Map<number, number>()
  for (let i = 0; i < told.count; i++) sizes.set(told.price[i] as number, told.size[i] as number)
  const worst_told = told.count > 0 ? (told.price[told.count - 1] as number) : Number.NaN
  let compared = 0
  for (const { price, size } of held) {
    // beyond what was told nothing is known
    if (!(sign * price >= sign * worst_told)) break
    const size_told = sizes.get(price) ?? 0
    sizes.delete(price)
    if (touched.has(price)) continue
    if (size_told !== size) {
      return { compared, wrong: `${price}: we hold ${size}, told ${size_told}` }
    }
    compared++
  }
  // what is left was told and we do not hold it; beyond our worst level we never claimed to
  const worst_held = held.at(-1)?.price ?? Number.NaN
  for (const [price, size] of sizes) {
    if (touched.has(price) || !(sign * price > sign * worst_held)) continue
    return { compared, wrong: `${price}: we hold nothing, told ${size}` }
  }
  return { compared, wrong: null }
}

/** A few more than were told, where these are few: looking deep into a book costs it its order. */
function heldLevels(side: Side, count_told: number): { price: number; size: number }[] {
  if (count_told > FEW) return [...side.levels()]
  return Array.from({ length: Math.min(side.length, count_told + FEW) }, (_, rank) => ({
    price: side.price(rank),
    size: side.size(rank),
  }))
}
