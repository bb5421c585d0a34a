/**
 * Single messages with the book changes that another project's mappers make of them, where they are
 * at hand. Our readers must say the same; what they do not read must make no book.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BookUpdate, type Levels } from '../book/update.ts'
import { type Exchange, FrameError, type FrameHandler } from '../exchanges/exchange.ts'
import { exchanges } from '../exchanges/index.ts'

const FOLDER = join(import.meta.dirname, '../../../shared/vectors')

interface Vector {
  readonly input: { readonly data?: unknown; readonly generated?: boolean }
  readonly expected: readonly {
    readonly type: string
    readonly symbol: string
    readonly isSnapshot?: boolean
    readonly bids?: readonly { price: number; amount: number }[]
    readonly asks?: readonly { price: number; amount: number }[]
    readonly timestamp: string
  }[]
}

function vectorsOf(name: string): Vector[] {
  const text = readFileSync(join(FOLDER, `tardis-${name}.jsonl`), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const levelsOf = ({ price, size, count }: Levels) =>
  Array.from({ length: count }, (_, i) => ({ price: price[i], amount: size[i] }))

function changeOf(update: BookUpdate, symbol: string | undefined) {
  const { snapshot, bids, asks } = update
  return { symbol, isSnapshot: snapshot, bids: levelsOf(bids), asks: levelsOf(asks) }
}

/** What the exchange's reader makes of one frame. */
function changesIn(exchange: Exchange, frame: string) {
  const names: string[] = []
  const changes: ReturnType<typeof changeOf>[] = []
  const reader = exchange.reader({ find: (name) => names.push(name) - 1 })
  const unexpected = () => {
    throw new Error('no such call was expected')
  }
  const handler: FrameHandler = {
    book: (update) => changes.push(changeOf(update, names[update.market])),
    subscribed: unexpected,
    refused: unexpected,
    system: unexpected,
    trading: unexpected,
    closing: unexpected,
  }
  try {
    reader.read(Buffer.from(frame), handler)
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
  }
  return changes
}

describe.skipIf(!existsSync(FOLDER)).each([
  // its snapshots are REST answers that the mapper's recorder wrapped
  ['binance', 'binance', 2],
  ['coinbase', 'coinbase', 4],
  // v1 arrays, v2 topics and the old spot topics: none of them is read
  ['kraken', 'kraken', 0],
  ['bybit', 'bybit', 0],
  ['bybit-spot', 'bybit', 0],
] as const)('vectors of %s', (name, id, books) => {
  const exchange = exchanges.find((one) => one.id === id)!

  it(`agree on ${books} messages, and the others make no book`, () => {
    let agreed = 0
    for (const { input, expected } of vectorsOf(name)) {
      const wanted = expected
        .filter(({ type }) => type === 'book_change')
        .map(({ symbol, isSnapshot, bids, asks }) => ({ symbol, isSnapshot, bids, asks }))
      if (input.generated === true && exchange.snapshot !== undefined) {
        const update = new BookUpdate()
        exchange.snapshot.parse(JSON.stringify(input.data), update)
        expect([changeOf(update, wanted[0]?.symbol)]).toEqual(wanted)
        agreed++
        continue
      }
      const changes = changesIn(exchange, JSON.stringify(input))
      if (books === 0) expect(changes).toEqual([])
      else expect(changes).toEqual(wanted)
      if (changes.length > 0) agreed++
    }
    expect(agreed).toBe(books)
  })
})
