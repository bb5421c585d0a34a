/** One suite that every line of the registry must pass; an exchange brings only its dialect. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameError, type FrameHandler } from './exchange.ts'
import { exchanges } from './index.ts'
import { type Change, dialects, protocolsOf, TrueBook } from './testing.ts'

/** A handler that only counts; `book` copies what it is given. */
function recorder() {
  const calls: string[] = []
  const updates: { snapshot: boolean; bids: number[][]; asks: number[][] }[] = []
  const handler: FrameHandler = {
    book: (update) => {
      calls.push('book')
      const side = (levels: typeof update.bids) =>
        Array.from({ length: levels.count }, (_, i) => [levels.price[i]!, levels.size[i]!])
      updates.push({ snapshot: update.snapshot, bids: side(update.bids), asks: side(update.asks) })
    },
    subscribed: () => calls.push('subscribed'),
    refused: () => calls.push('refused'),
    system: () => calls.push('system'),
    trading: () => calls.push('trading'),
    closing: () => calls.push('closing'),
  }
  return { calls, updates, handler }
}

const startLevels: Change[] = [
  ['bid', '45283.50', '0.1000'],
  ['bid', '45283.40', '1.5458'],
  ['ask', '45285.20', '0.0010'],
  ['ask', '45286.40', '123456.7891'],
]

it('lists every exchange once', () => {
  expect(new Set(exchanges.map(({ id }) => id)).size).toBe(exchanges.length)
})

describe.each(exchanges.flatMap(protocolsOf))('%s', (id, exchange) => {
  const dialect = dialects[id]
  if (dialect === undefined) throw new Error(`testing.ts has no dialect for ${id}`)
  const find = (market: string) => (market === dialect.market ? 0 : -1)
  const reader = () => exchange.reader({ find })
  const snapshotFrames = (book: TrueBook) =>
    dialect.snapshots === 'socket' ? [dialect.snapshot(book)] : []

  it('speaks to addresses that its host list claims, over TLS', () => {
    // recordings of another protocol are not told by their host: nobody would read them
    const others = (exchange.alternatives ?? []).filter(({ protocol }) => protocol === undefined)
    for (const { websocket_url, rest_url } of [exchange, ...others]) {
      for (const [url, scheme] of [
        [websocket_url, 'wss:'],
        [rest_url, 'https:'],
      ]) {
        if (url === undefined) continue
        expect(exchange.hosts).toContain(new URL(url).hostname)
        expect(new URL(url).protocol).toBe(scheme)
      }
    }
  })

  it('states its fee with a source and a date', () => {
    expect(exchange.fees.taker_percent).toMatch(/^\d+(\.\d+)?$/)
    expect(new URL(exchange.fees.source).protocol).toBe('https:')
    expect(exchange.fees.as_of).toMatch(/^\d{4}-\d{2}-\d{2}$/)
  })

  it('has a snapshot procedure exactly where continuity needs one', () => {
    expect(exchange.snapshot !== undefined).toBe(exchange.continuity === 'range')
    expect(exchange.checksum !== undefined).toBe(exchange.continuity === 'checksum')
  })

  it('names every market it is asked for, and only those, in its subscribe frames', () => {
    const markets = Array.from({ length: exchange.limits.markets_per_frame }, (_, i) => `M${i}QQ-X`)
    for (const frames of [exchange.subscribe(markets), exchange.unsubscribe(markets)]) {
      expect(frames.length).toBeGreaterThan(0)
      const text = frames
        .map((frame) => JSON.stringify(JSON.parse(frame)))
        .join('')
        .toLowerCase()
      for (const market of markets) expect(text).toContain(market.toLowerCase())
      expect(text).not.toContain(`m${markets.length}qq`)
    }
  })

  it('plans within its own limits', () => {
    const { limits } = exchange
    expect(limits.markets_per_frame).toBeLessThanOrEqual(limits.markets_per_connection)
    expect(limits.frames_per_second).toBeGreaterThanOrEqual(1)
    const frames = Math.ceil(limits.markets_per_connection / limits.markets_per_frame)
    const longest_subscribe_s = frames / limits.frames_per_second
    expect(longest_subscribe_s).toBeLessThan(5)
  })

  it('decodes prices and sizes to the nearest number and counts their digits', () => {
    const book = new TrueBook([
      ['bid', '0.00000612', '1098.39475580'],
      ['ask', '0.00000700', '0.10000000'],
    ])
    let seen: number[] = []
    const { handler } = recorder()
    const frame = dialect.delta(book, [['bid', '0.00000612', '1098.39475580']], 1)
    const changed = reader().read(Buffer.from(frame), {
      ...handler,
      book: (update) => {
        seen = [
          update.bids.price[0]!,
          update.bids.size[0]!,
          update.price_decimals,
          update.size_decimals,
        ]
      },
    })
    expect(changed).toBe('book')
    expect(seen).toEqual([0.00000612, 1098.3947558, 8, 8])
  })

  it('keeps the order of levels and repeats within a frame', () => {
    const changes: Change[] = [
      ['bid', '45283.40', '1.0000'],
      ['bid', '45283.50', '2.0000'],
      ['bid', '45283.40', '0.0000'],
    ]
    const { handler, updates } = recorder()
    reader().read(Buffer.from(dialect.delta(new TrueBook(), changes, 1)), handler)
    expect(updates[0]?.bids).toEqual([
      [45283.4, 1],
      [45283.5, 2],
      [45283.4, 0],
    ])
  })

  it('ignores markets of others, known frames without a book, and shapes it never heard of', () => {
    const { handler, calls } = recorder()
    const book = new TrueBook(startLevels)
    const strange = dialect.delta(book, startLevels, 1, dialect.stranger)
    expect(reader().read(Buffer.from(strange), handler)).toBe('ignored')
    for (const frame of dialect.others) {
      expect(['control', 'ignored']).toContain(reader().read(Buffer.from(frame), handler))
    }
    for (const frame of ['{}', '{"type":"news"}', '{"channel":"news"}', '{"topic":"news.X"}']) {
      expect(reader().read(Buffer.from(frame), handler)).toBe('ignored')
    }
    expect(calls).not.toContain('book')
    expect(calls).not.toContain('refused')
  })

  it.each(['NaN', '1e999', '-1', 'Infinity', '', '1 2', '0x10', '1_000', '9'.repeat(400)])(
    'refuses the size %.12s and hands nothing over',
    (size) => {
      const { handler, calls, updates } = recorder()
      const frame = dialect.delta(new TrueBook(startLevels), [['ask', '45286.40', size]], 1)
      if (size === '' && dialect.empty_deletes) {
        reader().read(Buffer.from(frame), handler)
        expect(updates[0]?.asks).toEqual([[45286.4, 0]])
        return
      }
      expect(() => reader().read(Buffer.from(frame), handler)).toThrow(FrameError)
      expect(calls).toEqual([])
    },
  )

  it('refuses a price of zero', () => {
    const { handler, calls } = recorder()
    const frame = dialect.delta(new TrueBook(startLevels), [['bid', '0.00', '1.0000']], 1)
    expect(() => reader().read(Buffer.from(frame), handler)).toThrow(FrameError)
    expect(calls).toEqual([])
  })

  it('says which market lost a change when a level is broken', () => {
    const frame = dialect.delta(new TrueBook(startLevels), [['bid', '45283.50', '-1']], 1)
    try {
      reader().read(Buffer.from(frame), recorder().handler)
      expect.unreachable()
    } catch (error) {
      expect((error as FrameError).market).toBe(0)
    }
  })

  it('survives thousands of mutated frames: FrameError or a clean reading, never half of one', () => {
    const book = new TrueBook(startLevels)
    const frames = [
      ...snapshotFrames(book),
      dialect.delta(book, startLevels, 1),
      ...dialect.others,
    ].map((frame) => Buffer.from(frame))
    const mutation = fc.record({
      frame: fc.nat(frames.length - 1),
      cuts: fc.array(
        fc.record({
          at: fc.double({ min: 0, max: 1, noNaN: true }),
          remove: fc.nat(6),
          insert: fc.oneof(
            fc.uint8Array({ maxLength: 4 }),
            fc
              .constantFrom('null', '[]', '{}', '"', '-', '1e999', 'NaN', '0', ',', '":', 'true')
              .map((text) => new Uint8Array(Buffer.from(text))),
          ),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    })
    fc.assert(
      fc.property(mutation, ({ frame, cuts }) => {
        let bytes = frames[frame]!
        for (const { at, remove, insert } of cuts) {
          const index = Math.floor(at * bytes.length)
          bytes = Buffer.concat([bytes.subarray(0, index), insert, bytes.subarray(index + remove)])
        }
        const { handler, calls, updates } = recorder()
        try {
          reader().read(bytes, handler)
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError)
          expect(calls).toEqual([])
        }
        for (const [price, size] of updates.flatMap(({ bids, asks }) => [...bids, ...asks])) {
          expect(Number.isFinite(price) && price! > 0).toBe(true)
          expect(Number.isFinite(size) && size! >= 0).toBe(true)
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('survives random bytes and random JSON', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(body, (bytes) => {
        try {
          reader().read(bytes, recorder().handler)
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('throws nothing but a FrameError, however deep a frame is nested and whatever it calls itself', () => {
    const deep = '['.repeat(30_000) + ']'.repeat(30_000)
    const alien = '{"toString":null}'
    const names = 'data type topic channel event op method error message stream product_id'.split(
      ' ',
    )
    const frames = [deep, ...names.map((name) => `{"${name}":${deep}}`)]
    for (const type of ['error', 'l2update', 'snapshot', 'update']) {
      frames.push(`{"type":"${type}","message":${alien},"reason":${alien},"product_id":${deep}}`)
    }
    frames.push(`{"event":"error","code":${deep},"msg":${alien}}`)
    for (const frame of frames) {
      try {
        reader().read(Buffer.from(frame), recorder().handler)
      } catch (error) {
        expect(error, frame.slice(0, 80)).toBeInstanceOf(FrameError)
      }
    }
  })

  it('refuses a list of instruments that is none', () => {
    for (const body of [
      '',
      'null',
      '[]x',
      '{"error":["EService:Unavailable"]}',
      '{"symbols":[{}]}',
      '[{}]',
    ]) {
      expect(() => exchange.instruments.parse([body])).toThrow(FrameError)
    }
  })
})
