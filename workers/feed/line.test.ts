import { describe, expect, it } from 'vitest'
import { exchanges } from '../exchanges/index.ts'
import { dialects, TrueBook } from '../exchanges/testing.ts'
import { Bench } from './testing.ts'

describe.each(exchanges.map((exchange) => [exchange.id, exchange] as const))(
  'a line of %s',
  (id, exchange) => {
    const dialect = dialects[id]!

    it('counts the frames that went through a JSON tree, broken ones included', () => {
      const bench = new Bench(exchange, [dialect.market])
      const book = new TrueBook([
        ['bid', '10.00', '1.0000'],
        ['ask', '11.00', '1.0000'],
      ])
      const delta = () => dialect.delta(book, book.change([['bid', '10.00', '2.0000']]), 1)
      if (dialect.snapshots === 'socket') bench.frame(dialect.snapshot(book))
      const { counters } = bench.intake
      const before = counters.slow_path
      bench.frame(delta())
      expect(counters.slow_path).toBe(before)
      bench.frame(delta().replaceAll(':', ': '))
      bench.frame('{"is":"unknown"}')
      bench.frame('{"is":"no JSON"')
      expect(counters.slow_path).toBe(before + 3)
    })
  },
)

it('counts every frame of a reader that has no other way', () => {
  const [exchange] = exchanges
  const json = { read: () => 'ignored' as const }
  const bench = new Bench({ ...exchange!, reader: () => json }, ['X'])
  bench.frame('{}')
  bench.frame('{}')
  expect(bench.intake.counters.slow_path).toBe(2)
})
