import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BookUpdate } from './update.ts'
import { Waiting } from './waiting.ts'

const levels = fc.array(fc.tuple(fc.double({ noNaN: true }), fc.double({ noNaN: true })), {
  maxLength: 90,
})
const delta = fc.record({ id: fc.nat(), time: fc.nat(), bids: levels, asks: levels })

type Delta = typeof delta extends fc.Arbitrary<infer T> ? T : never

function updateOf({ id, time, bids, asks }: Delta) {
  const update = new BookUpdate()
  update.market = id % 300
  update.first_id = id
  update.last_id = id + 3
  update.exchange_time_ms = time
  update.checksum = id % 7
  update.price_decimals = id % 9
  update.size_decimals = id % 5
  for (const [price, size] of bids) update.bids.push(price, size)
  for (const [price, size] of asks) update.asks.push(price, size)
  return update
}

/** What can be compared: arrays have as much room as they happen to need. */
function plain({ bids, asks, ...rest }: BookUpdate) {
  const pairs = ({ count, price, size }: BookUpdate['bids']) =>
    Array.from({ length: count }, (_, i) => [price[i], size[i]])
  return { ...rest, bids: pairs(bids), asks: pairs(asks) }
}

it('gives back what came, in its order, whatever was forgotten in between', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(delta, fc.constant('shift' as const)), { maxLength: 60 }),
      (all) => {
        const waiting = new Waiting()
        const oracle: BookUpdate[] = []
        // the feed fills the same update again and again
        for (const step of all) {
          if (step === 'shift') {
            waiting.shift()
            oracle.shift()
          } else {
            const update = updateOf(step)
            waiting.push(update)
            oracle.push(update.clone())
            update.reset()
          }
          expect(waiting.length).toBe(oracle.length)
          expect(waiting.first_id).toBe(oracle[0]?.first_id ?? Number.NaN)
          expect(waiting.last_id).toBe(oracle.at(-1)?.last_id ?? Number.NaN)
        }
        expect(waiting.updates().map(plain).toArray()).toEqual(oracle.map(plain))
      },
    ),
  )
})

it('takes no more room for what has passed through it', () => {
  const waiting = new Waiting()
  const step = { time: 1, bids: [[1, 2] as [number, number]], asks: [] }
  for (let id = 0; id < 100_000; id++) {
    waiting.push(updateOf({ id, ...step }))
    if (waiting.length > 50) waiting.shift()
  }
  expect(
    waiting
      .updates()
      .map(({ first_id }) => first_id)
      .toArray(),
  ).toEqual(Array.from({ length: 50 }, (_, i) => 99_950 + i))
  expect(waiting.capacity).toBeLessThan(50 * 12 * 8)
})

it('refuses a snapshot', () => {
  const update = new BookUpdate()
  update.snapshot = true
  expect(() => new Waiting().push(update)).toThrow('snapshot')
})
