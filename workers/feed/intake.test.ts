/** What the intake does with every exchange of the registry, and with each kind of fault. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exchanges } from '../exchanges/index.ts'
import { type Change, dialects, protocolsOf, TrueBook } from '../exchanges/testing.ts'
import { Bench } from './testing.ts'

const START: Change[] = [
  ['bid', '99.90', '1.0000'],
  ['bid', '99.80', '2.5000'],
  ['ask', '100.10', '1.5000'],
  ['ask', '100.20', '0.0100'],
]
const MOVE: Change[] = [['bid', '99.95', '0.7000']]

describe.each(exchanges.flatMap(protocolsOf))('%s', (id, exchange) => {
  const dialect = dialects[id]!
  const stranger = dialect.stranger

  /** A bench, the truth, and a connection that already holds it. */
  function synced(levels: readonly Change[] = START) {
    const bench = new Bench(exchange, [dialect.market])
    const truth = new TrueBook(levels)
    let batch = 0
    const seed = () => {
      batch = 0
      if (dialect.snapshots === 'socket') bench.frame(dialect.snapshot(truth))
      else bench.intake.snapshot(bench.lane, dialect.snapshot(truth), bench.now_ms)
    }
    const delta = (changes: readonly Change[]) =>
      dialect.delta(truth, truth.change(changes), ++batch)
    const send = (changes: readonly Change[]) => bench.frame(delta(changes))
    seed()
    send([['bid', '99.80', '2.6000']])
    return { bench, truth, seed, delta, send }
  }

  function expectTruth(bench: Bench, truth: TrueBook) {
    for (const side of ['bids', 'asks'] as const) {
      const levels = truth.levels(side).map(([price, size]) => [Number(price), Number(size)])
      expect(bench.levels(side)).toEqual(levels)
    }
  }

  it('is syncing until its snapshot, then live and confirmed', () => {
    expect(new Bench(exchange, [dialect.market]).entry.state).toBe('syncing')
    const { bench, truth } = synced()
    expect(bench.entry.state).toBe('live')
    expect(bench.entry.confirmed_ms).toBe(bench.now_ms)
    expectTruth(bench, truth)
  })

  it('takes no delta before a snapshot', () => {
    const bench = new Bench(exchange, [dialect.market])
    const truth = new TrueBook(START)
    bench.frame(dialect.delta(truth, truth.change(MOVE), 1))
    expect(bench.entry.state).toBe('syncing')
    expect(bench.levels('bids')).toEqual([])
  })

  it('follows any course of changes level by level', () => {
    const change = fc.tuple(
      fc.constantFrom('bid' as const, 'ask' as const),
      fc.nat(8),
      fc.integer({ min: 0, max: 30_000 }),
    )
    const batches = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 40 })
    fc.assert(
      fc.property(batches, (all) => {
        const { bench, truth, send } = synced()
        for (const changes of all) {
          send(
            changes.map(([side, tick, lots]) => [
              side,
              (side === 'bid' ? 99.9 - tick / 100 : 100.1 + tick / 100).toFixed(2),
              (lots / 10_000).toFixed(4),
            ]),
          )
          expectTruth(bench, truth)
        }
        expect(bench.said.lost).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it('deletes by a size of zero, and shrugs at levels that it never had', () => {
    const { bench, truth, send } = synced()
    send([
      ['bid', '99.90', '0.0000'],
      ['bid', '42.00', '0.0000'],
    ])
    expect(bench.entry.state).toBe('live')
    expectTruth(bench, truth)
  })

  it('is stale at once after a loss, asks once, ignores what follows, and lives on a snapshot', () => {
    const { bench, truth, seed, delta, send } = synced()
    if (exchange.continuity === 'none') {
      // nothing but the clock shows a loss
      const late = delta(MOVE)
      send([['ask', '100.15', '0.2000']])
      bench.frame(late)
    } else {
      delta(MOVE)
      send([['ask', '100.15', '0.2000']])
    }
    expect(bench.entry.state).toBe('stale')
    expect(bench.entry.reason).toBe('gap')
    expect(bench.said.needed).toEqual([dialect.market])
    expect(bench.intake.counters.gaps).toBe(1)
    send([['ask', '100.16', '0.3000']])
    expect(bench.entry.state).toBe('stale')
    expect(bench.said.needed).toHaveLength(1)
    seed()
    send(MOVE)
    expect(bench.entry.state).toBe('live')
    expect(bench.entry.reason).toBeNull()
    expect(bench.intake.counters.resyncs).toBe(1)
    expectTruth(bench, truth)
  })

  it('takes two deltas in the wrong order for a loss', () => {
    const { bench, truth, seed, delta, send } = synced()
    const early = delta(MOVE)
    const late = delta([['ask', '100.15', '0.2000']])
    bench.frame(late)
    bench.frame(early)
    expect(bench.entry.state).toBe('stale')
    expect(bench.said.needed).toEqual([dialect.market])
    // twice: where frames are counted, the first tells from where to count on
    seed()
    seed()
    send([['ask', '100.16', '0.3000']])
    expect(bench.entry.state).toBe('live')
    expectTruth(bench, truth)
  })

  it('forgets levels that leave the exchange’s window, and no others', () => {
    const depth = dialect.window ?? 100
    const ladder = (side: 'bid' | 'ask', sign: number): Change[] =>
      Array.from({ length: depth }, (_, i) => [side, (1_000 + sign * (i + 1)).toFixed(2), '1.0000'])
    const { bench, send } = synced([...ladder('bid', -1), ...ladder('ask', 1)])
    const lengths = () => [bench.levels('bids').length, bench.levels('asks').length]
    const before = lengths()
    send([
      ['bid', '999.50', '2.0000'],
      ['ask', '1000.50', '2.0000'],
    ])
    const grown = dialect.window === undefined ? 1 : 0
    expect(lengths()).toEqual(before.map((length) => length + grown))
    expect(bench.levels('bids')[0]).toEqual([999.5, 2])
    expect(bench.entry.state).toBe('live')
  })

  it('is halted while the exchange says that nobody trades, and live when it says otherwise', () => {
    const { bench } = synced()
    const { closed, open } = dialect.halting ?? {}
    if (closed === undefined || open === undefined) {
      // no frame tells: the list of markets does, and the market leaves
      bench.intake.leave(bench.lane, bench.now_ms)
      expect([bench.entry.state, bench.entry.reason]).toEqual(['halted', 'halted'])
      return
    }
    bench.frame(closed)
    expect([bench.entry.state, bench.entry.reason]).toEqual(['halted', 'halted'])
    bench.frame(open)
    expect(bench.entry.state).toBe('live')
  })

  it('goes on undisturbed by frames that it never heard of', () => {
    const { bench, truth, send } = synced()
    const before = bench.intake.counters.ignored
    for (const frame of [
      '{}',
      '{"e":"newEvent","s":"X"}',
      '{"type":"news"}',
      '{"topic":"news.X"}',
    ]) {
      bench.frame(frame)
    }
    expect(bench.intake.counters).toMatchObject({ ignored: before + 4, errors: 0, gaps: 0 })
    send(MOVE)
    expect(bench.entry.state).toBe('live')
    expectTruth(bench, truth)
  })

  it('is not disturbed by a repeated delta', () => {
    const { bench, truth, delta, send } = synced()
    const frame = delta(MOVE)
    bench.frame(frame)
    bench.frame(frame)
    expect(bench.entry.state).toBe('live')
    expectTruth(bench, truth)
    send([['ask', '100.10', '9.0000']])
    expect(bench.entry.state).toBe('live')
    expectTruth(bench, truth)
  })

  it('loses one market and leaves its neighbours alone', () => {
    const bench = new Bench(exchange, [dialect.market, stranger])
    const truth = new TrueBook(START)
    for (const [index, market] of [dialect.market, stranger].entries()) {
      const lane = bench.lanes[index]!
      if (dialect.snapshots === 'socket') bench.frame(dialect.snapshot(truth, market))
      else bench.intake.snapshot(lane, dialect.snapshot(truth, market), bench.now_ms)
    }
    const changes = truth.change(MOVE)
    bench.frame(dialect.delta(truth, changes, 1, dialect.market))
    bench.frame(dialect.delta(truth, changes, 1, stranger))
    bench.frame(dialect.delta(truth, [['bid', '99.00', '-1']], 2, dialect.market))
    expect(bench.lanes.map(({ entry }) => entry.state)).toEqual(['stale', 'live'])
    expect(bench.said.errors).toHaveLength(1)
  })

  it('applies nothing of a frame that it cannot read', () => {
    const { bench, truth } = synced()
    const broken = dialect.delta(
      truth,
      [
        ['bid', '99.99', '1.0000'],
        ['ask', '100.01', 'NaN'],
      ],
      2,
    )
    bench.frame(broken)
    expectTruth(bench, truth)
    expect(bench.intake.counters.errors).toBe(1)
  })

  it('marks a book stale when it stays crossed for more than half a second, not before', () => {
    const { bench, send } = synced()
    send([['bid', '100.10', '1.0000']])
    bench.intake.sweep(bench.now_ms + 500)
    expect(bench.entry.state).toBe('live')
    bench.intake.sweep(bench.now_ms + 501)
    expect(bench.entry.state).toBe('stale')
    expect(bench.said.lost).toEqual([`${dialect.market} crossed`])
  })

  it('forgives a cross that ends in time', () => {
    const { bench, send } = synced()
    send([['bid', '100.10', '1.0000']])
    bench.now_ms += 400
    send([['bid', '100.10', '0.0000']])
    bench.intake.sweep(bench.now_ms + 5_000)
    expect(bench.entry.state).toBe('live')
  })

  it('halts a book with an empty side and takes it back', () => {
    const { bench, send } = synced()
    send([
      ['ask', '100.10', '0.0000'],
      ['ask', '100.20', '0.0000'],
    ])
    expect(bench.entry.state).toBe('halted')
    send([['ask', '100.30', '1.0000']])
    expect(bench.entry.state).toBe('live')
  })

  it('confirms a quiet book by anything heard on its connection, up to a limit', () => {
    const { bench } = synced()
    const start_ms = bench.now_ms
    bench.line.heard(start_ms + 3_000)
    bench.intake.sweep(start_ms + 3_100)
    expect(bench.entry.confirmed_ms).toBe(start_ms + 3_000)
    const limit_ms = start_ms + exchange.keepalive.quiet_ms
    bench.line.heard(limit_ms)
    bench.intake.sweep(limit_ms)
    expect(bench.entry.state).toBe('live')
    bench.intake.sweep(limit_ms + 1)
    expect(bench.entry.state).toBe('stale')
    expect(bench.entry.reason).toBe('stale')
  })

  it('makes everything stale when the connection ends, and starts anew on the next', () => {
    const { bench, truth } = synced()
    bench.intake.end(bench.line, bench.now_ms)
    expect(bench.entry.state).toBe('stale')
    expect(bench.entry.reason).toBe('disconnected')
    const next = bench.intake.line()
    bench.intake.begin(next, bench.lanes, bench.now_ms)
    bench.frame(dialect.delta(truth, truth.change(MOVE), 3))
    expect(bench.entry.state).toBe('stale')
    if (dialect.snapshots === 'socket') bench.frame(dialect.snapshot(truth), next)
    else bench.intake.snapshot(bench.lane, dialect.snapshot(truth), bench.now_ms)
    bench.frame(dialect.delta(truth, truth.change([['bid', '99.91', '1.0000']]), 1), next)
    expect(bench.entry.state).toBe('live')
    expectTruth(bench, truth)
  })

  it('hands a market over to a second connection without a moment of staleness', () => {
    const { bench, truth, send } = synced()
    const next = bench.intake.line()
    next.succeed(bench.lane)
    send(MOVE)
    if (dialect.snapshots === 'socket') {
      // a delta from a stream that did not start yet says nothing
      bench.frame(dialect.delta(truth, MOVE, 7), next)
      expect(bench.lane.carrier).toBe(bench.line)
      bench.frame(dialect.snapshot(truth), next)
      bench.frame(dialect.delta(truth, truth.change([['ask', '100.10', '3.0000']]), 1), next)
    } else {
      bench.frame(dialect.delta(truth, truth.change([['ask', '100.10', '3.0000']]), 1), next)
    }
    expect(bench.lane.carrier).toBe(next)
    expect(bench.said.lost).toEqual([])
    expect(bench.entry.state).toBe('live')
    bench.intake.end(bench.line, bench.now_ms)
    expect(bench.entry.state).toBe('live')
    expectTruth(bench, truth)
  })

  it('touches the detector for a change of the top and for nothing below it', () => {
    const { bench, send } = synced()
    bench.books.takeDirty()
    send([['bid', '99.10', '4.0000']])
    expect(bench.books.has_dirty).toBe(false)
    send([['bid', '99.90', '4.0000']])
    expect(bench.books.takeDirty()).toEqual([bench.entry])
  })
})

describe('Binance’s bridge', () => {
  const binance = exchanges.find(({ id }) => id === 'binance')!
  const dialect = dialects.binance!

  it('asks for a snapshot with the first buffered event and applies what waited', () => {
    const bench = new Bench(binance, [dialect.market])
    const truth = new TrueBook(START)
    const early = dialect.delta(truth, truth.change(MOVE), 1)
    bench.frame(early)
    expect(bench.said.needed).toEqual([dialect.market])
    const snapshot = dialect.snapshot(truth)
    bench.frame(dialect.delta(truth, truth.change([['ask', '100.12', '1.0000']]), 2))
    expect(bench.said.needed).toHaveLength(1)
    bench.intake.snapshot(bench.lane, snapshot, bench.now_ms)
    expect(bench.entry.state).toBe('live')
    expect(bench.levels('asks')[1]).toEqual([100.12, 1])
  })

  it('asks again when the snapshot is older than the first event', () => {
    const bench = new Bench(binance, [dialect.market])
    const truth = new TrueBook(START)
    const old = dialect.snapshot(truth)
    truth.change(MOVE)
    bench.frame(dialect.delta(truth, truth.change([['ask', '100.12', '1.0000']]), 2))
    bench.intake.snapshot(bench.lane, old, bench.now_ms)
    expect(bench.entry.state).toBe('syncing')
    expect(bench.said.needed).toHaveLength(2)
  })

  it('does not trust a snapshot before a delta has joined it', () => {
    const bench = new Bench(binance, [dialect.market])
    const truth = new TrueBook(START)
    bench.intake.snapshot(bench.lane, dialect.snapshot(truth), bench.now_ms)
    expect(bench.entry.state).toBe('syncing')
    bench.frame(dialect.delta(truth, truth.change(MOVE), 1))
    expect(bench.entry.state).toBe('live')
  })
})

describe('state frames', () => {
  it('Kraken’s maintenance halts every market and online brings the synced ones back', () => {
    const kraken = exchanges.find(({ id }) => id === 'kraken')!
    const bench = new Bench(kraken, ['BTC/USD'])
    bench.frame(dialects.kraken!.snapshot(new TrueBook(START)))
    const status = (system: string) =>
      `{"channel":"status","type":"update","data":[{"system":"${system}"}]}`
    bench.frame(status('cancel_only'))
    expect([bench.entry.state, bench.entry.reason]).toEqual(['halted', 'halted'])
    bench.frame(status('online'))
    expect(bench.entry.state).toBe('live')
  })

  it('Kraken’s instrument channel halts the pair that it names', () => {
    const kraken = exchanges.find(({ id }) => id === 'kraken')!
    const bench = new Bench(kraken, ['BTC/USD', 'ETH/USD'])
    for (const symbol of ['BTC/USD', 'ETH/USD']) {
      bench.frame(dialects.kraken!.snapshot(new TrueBook(START), symbol))
    }
    const states = () => bench.lanes.map(({ entry }) => entry.state)
    const pairs = (...list: [string, string][]) =>
      JSON.stringify({
        channel: 'instrument',
        type: 'update',
        data: { pairs: list.map(([symbol, status]) => ({ symbol, status })) },
      })
    bench.frame(pairs(['BTC/USD', 'cancel_only'], ['ETH/USD', 'online'], ['NEW/USD', 'online']))
    expect(states()).toEqual(['halted', 'live'])
    bench.frame(pairs(['BTC/USD', 'online'], ['ETH/USD', 'delisted']))
    expect(states()).toEqual(['live', 'halted'])
    bench.frame('{"channel":"instrument","type":"update","data":{"assets":[]}}')
    expect(bench.intake.counters.errors).toBe(0)
    const refusal = '"method":"subscribe","success":false,"error":"Unknown parameter"'
    bench.frame(`{${refusal},"req_id":1}`)
    expect(bench.said.refused).toEqual([])
  })

  it('Coinbase’s status halts a product that may not be traded', () => {
    const coinbase = exchanges.find(({ id }) => id === 'coinbase')!
    const bench = new Bench(coinbase, ['BTC-USD'])
    bench.frame(dialects.coinbase!.snapshot(new TrueBook(START)))
    const status = (flags: object) =>
      JSON.stringify({
        type: 'status',
        products: [{ id: 'BTC-USD', status: 'online', ...flags }],
        currencies: [],
      })
    bench.frame(status({ cancel_only: true }))
    expect(bench.entry.state).toBe('halted')
    bench.frame(status({ cancel_only: false }))
    expect(bench.entry.state).toBe('live')
  })

  it('Coinbase’s books are all doubted after a frame that nobody can read', () => {
    const coinbase = exchanges.find(({ id }) => id === 'coinbase')!
    const bench = new Bench(coinbase, ['BTC-USD', 'ETH-USD'])
    bench.frame(dialects.coinbase!.snapshot(new TrueBook(START), 'BTC-USD'))
    bench.frame(dialects.coinbase!.snapshot(new TrueBook(START), 'ETH-USD'))
    bench.frame('{"type":"l2upd')
    expect(bench.lanes.map(({ entry }) => entry.state)).toEqual(['stale', 'stale'])
  })

  it('Bybit’s u of 1 restarts the book whatever the type says', () => {
    const bybit = exchanges.find(({ id }) => id === 'bybit')!
    const bench = new Bench(bybit, ['BTCUSDT'])
    bench.frame(dialects.bybit!.snapshot(new TrueBook(START)))
    bench.frame(
      '{"topic":"orderbook.50.BTCUSDT","ts":1,"type":"delta","data":{"s":"BTCUSDT","b":[["1.5","2"]],"a":[["1.6","3"]],"u":1,"seq":1},"cts":1}',
    )
    expect(bench.levels('bids')).toEqual([[1.5, 2]])
    expect(bench.entry.state).toBe('live')
  })

  it('Binance announces that it will close', () => {
    const binance = exchanges.find(({ id }) => id === 'binance')!
    const bench = new Bench(binance, ['BTCUSDT'])
    bench.frame('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}')
    bench.frame('{"e":"serverShutdown","E":1770123456789}')
    expect(bench.said.closing).toEqual(['serverShutdown', 'serverShutdown'])
  })

  it.each([
    ['binance', null, '{"code":2,"msg":"Invalid request: unknown variant"}'],
    ['binance', null, '{"error":{"code":2,"msg":"Invalid request"},"id":1}'],
    ['bybit', null, '{"success":false,"ret_msg":"error:invalid op","op":"subscribe"}'],
    [
      'bybit',
      'BTCUSDT',
      '{"success":false,"ret_msg":"Invalid topic: orderbook.50.BTCUSDT","op":"subscribe"}',
    ],
    [
      'coinbase',
      'BTC-USD',
      '{"type":"error","message":"Failed to subscribe","reason":"BTC-USD is not a valid product"}',
    ],
    [
      'kraken',
      'BTC/USD',
      '{"error":"Currency pair not supported BTC/USD","method":"subscribe","success":false,"symbol":"BTC/USD"}',
    ],
    ['kraken', null, '{"error":"Exceeded msg rate","method":"subscribe","success":false}'],
  ])('%s refuses %s', (id, market, frame) => {
    const exchange = exchanges.find((candidate) => candidate.id === id)!
    const bench = new Bench(exchange, [dialects[id]!.market])
    bench.frame(frame)
    expect(bench.said.refused).toEqual([market])
  })
})

describe('a market that changes all the time, of an exchange without ids and audits', () => {
  const { kraken: dialect } = dialects
  const exchange = exchanges.find(({ id }) => id === 'kraken')!
  const { least_ms } = exchange.keepalive.unusual_silence!

  /** Changes for a minute, each so long after the one before; what it does in the silence after it. */
  function silentAfter(every_ms: number) {
    const bench = new Bench(exchange, [dialect!.market])
    const truth = new TrueBook(START)
    bench.frame(dialect!.snapshot(truth))
    const pass = (duration_ms: number) => {
      for (const end_ms = bench.now_ms + duration_ms; bench.now_ms < end_ms; ) {
        bench.now_ms += Math.min(200, end_ms - bench.now_ms)
        bench.line.heard(bench.now_ms)
        bench.intake.sweep(bench.now_ms)
      }
    }
    for (let change = 0; change * every_ms < 60_000; change++) {
      pass(every_ms)
      const size = `${change + 1}.0000`
      bench.frame(dialect!.delta(truth, truth.change([['bid', '99.90', size]]), change))
    }
    return { bench, pass }
  }

  it('is not trusted as long as a quiet one when it falls silent', () => {
    const { bench, pass } = silentAfter(100)
    pass(least_ms - 1_000)
    expect(bench.entry.state).toBe('live')
    pass(2_000)
    expect(bench.said).toMatchObject({ lost: ['BTC/USD quiet'], needed: ['BTC/USD'] })
    expect(bench.entry.state).toBe('stale')
  })

  it('may be silent for long where it often is', () => {
    const { bench, pass } = silentAfter(3_000)
    pass(exchange.keepalive.quiet_ms - 1_000)
    expect(bench.said.lost).toEqual([])
  })
})
