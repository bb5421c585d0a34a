/**
 * A hundred thousand broken frames, the same number for every protocol: mutated, cut, random. None
 * may throw, and no book that claims to be live may hold a part of what a frame said.
 */
import { describe, expect, it } from 'vitest'
import { type Exchange, FrameError, type FrameReader } from '../exchanges/exchange.ts'
import { exchanges } from '../exchanges/index.ts'
import { type Change, type Dialect, dialects, protocolsOf, TrueBook } from '../exchanges/testing.ts'
import { Bench } from './testing.ts'

const FRAMES = 100_000
const protocols = exchanges.flatMap(protocolsOf)
const SEED = 20_261_123

/** Park and Miller: the same frames in every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}
type Below = ReturnType<typeof createRandom>

const FRAGMENTS = [
  ...['null', '[]', '{}', '"', '-', '1e999', 'NaN', '0', ',', '":', 'true', '0.00', '\\u0031'],
  ...[':', '.', 'e5', '"1"', '[["1","2"]]', '\n', '\u0000', 'é', '99999999999999999999', '}}', ']'],
].map((text) => Buffer.from(text))

/** Some bytes removed, some put in, as frames are never sent. */
function mutate(frame: Buffer, below: Below): Buffer {
  let bytes = frame
  for (let cuts = 1 + below(3); cuts > 0; cuts--) {
    const at = below(bytes.length + 1)
    const kind = below(4)
    const insert =
      kind === 0
        ? (FRAGMENTS[below(FRAGMENTS.length)] as Buffer)
        : kind === 1
          ? Buffer.from([below(256)])
          : kind === 2
            ? bytes.subarray(below(bytes.length + 1), below(bytes.length + 1))
            : Buffer.alloc(0)
    const removed = kind === 3 ? 1 + below(40) : below(4)
    bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + removed)])
  }
  return bytes
}

function noise(below: Below): Buffer {
  return Buffer.from(Array.from({ length: below(120) }, () => below(256)))
}

type Sides = readonly [bids: Map<number, number>, asks: Map<number, number>]

/** What a frame says, decoded apart from the intake, put upon a copy of a book. */
function applied(reader: FrameReader, frame: Buffer, before: Sides): Sides | null {
  let after: Sides = [new Map(before[0]), new Map(before[1])]
  let said = false
  const ignore = () => {}
  try {
    reader.read(frame, {
      book: (update) => {
        if (update.market !== 0) return
        said = true
        if (update.snapshot) after = [new Map(), new Map()]
        for (const [book, levels] of [
          [after[0], update.bids],
          [after[1], update.asks],
        ] as const) {
          for (let i = 0; i < levels.count; i++) {
            if (levels.size[i] === 0) book.delete(levels.price[i]!)
            else book.set(levels.price[i]!, levels.size[i]!)
          }
        }
      },
      subscribed: ignore,
      refused: ignore,
      system: ignore,
      trading: ignore,
      closing: ignore,
    })
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    return null
  }
  return said ? after : null
}

const sorted = (levels: Iterable<readonly [number, number]>) =>
  JSON.stringify([...levels].sort(([a], [b]) => a - b))

/** One market that is synced again whenever a frame cost it its thread. */
class Victim {
  bench: Bench
  private reader: FrameReader
  private readonly truth = new TrueBook()
  private batch = 0
  private readonly exchange: Exchange
  private readonly dialect: Dialect
  private readonly below: Below

  constructor(exchange: Exchange, dialect: Dialect, below: Below) {
    this.exchange = exchange
    this.dialect = dialect
    this.below = below
    this.truth.change(ladder())
    this.bench = this.begin()
    this.reader = this.newReader()
    this.sync()
  }

  next(): Buffer {
    const changes: Change[] = Array.from({ length: 1 + this.below(4) }, () => {
      const [side, tick] = [this.below(2), this.below(6)]
      const price = (side === 0 ? 99.9 - tick / 10 : 100.1 + tick / 10).toFixed(2)
      return [side === 0 ? 'bid' : 'ask', price, `${this.below(3)}.${1 + this.below(9)}000`]
    })
    return Buffer.from(this.dialect.delta(this.truth, this.truth.change(changes), ++this.batch))
  }

  snapshot(): Buffer {
    return Buffer.from(this.dialect.snapshot(this.truth))
  }

  /** The frame, and what the book holds then: all of it, or what it held before. */
  suffer(frame: Buffer): void {
    const before = this.levels()
    const whole = applied(this.reader, frame, before)
    this.bench.line.frame(frame, this.bench.now_ms)
    const { state } = this.bench.entry
    if (state === 'live') {
      const is = this.levels().map(sorted)
      const was = before.map(sorted)
      const wanted = (whole ?? before).map(sorted)
      const fits = `${is}` === `${wanted}` || `${is}` === `${was}`
      if (!fits) expect.fail(`${is} after ${frame} on ${was}`)
    } else {
      this.bench = this.begin()
      this.reader = this.newReader()
      this.sync()
    }
  }

  sync(): void {
    this.truth.change(ladder())
    this.batch = 0
    const { bench } = this
    if (this.dialect.snapshots === 'rest') {
      bench.intake.snapshot(bench.lane, this.dialect.snapshot(this.truth), bench.now_ms)
    } else {
      const frame = this.snapshot()
      this.reader.read(frame, silent)
      bench.line.frame(frame, bench.now_ms)
    }
    const delta = this.next()
    this.reader.read(delta, silent)
    bench.line.frame(delta, bench.now_ms)
    expect(bench.entry.state).toBe('live')
  }

  private begin(): Bench {
    return new Bench(this.exchange, [this.dialect.market])
  }

  private newReader(): FrameReader {
    return this.exchange.reader({ find: (name) => (name === this.dialect.market ? 0 : -1) })
  }

  private levels(): [Map<number, number>, Map<number, number>] {
    return [new Map(this.bench.levels('bids')), new Map(this.bench.levels('asks'))]
  }
}

const silent = {
  book: () => {},
  subscribed: () => {},
  refused: () => {},
  system: () => {},
  trading: () => {},
  closing: () => {},
}

/** Both sides full, so that no course of changes empties one. */
const ladder = (): Change[] =>
  Array.from({ length: 6 }, (_, tick): Change[] => [
    ['bid', (99.9 - tick / 10).toFixed(2), '1.5000'],
    ['ask', (100.1 + tick / 10).toFixed(2), '1.5000'],
  ]).flat()

describe.each(protocols)('%s', (name, exchange) => {
  it(`survives its share of ${FRAMES} broken frames`, { timeout: 120_000 }, () => {
    const dialect = dialects[name]!
    const below = createRandom(SEED)
    const victim = new Victim(exchange, dialect, below)
    const others = dialect.others.map((frame) => Buffer.from(frame))
    const share = Math.ceil(FRAMES / protocols.length)
    let read = 0
    for (let n = 0; n < share; n++) {
      const kind = below(20)
      if (kind === 0) victim.suffer(noise(below))
      else if (kind === 1) victim.suffer(mutate(others[below(others.length)]!, below))
      else if (kind === 2 && dialect.snapshots === 'socket') {
        victim.suffer(mutate(victim.snapshot(), below))
      } else victim.suffer(mutate(victim.next(), below))
      read++
    }
    expect(read).toBe(share)
  })

  it('refuses broken REST snapshots and leaves the book as it is', () => {
    const dialect = dialects[name]!
    if (exchange.snapshot === undefined) return
    const below = createRandom(SEED)
    const victim = new Victim(exchange, dialect, below)
    const { bench } = victim
    for (let n = 0; n < 5_000; n++) {
      const body = mutate(victim.snapshot(), below).toString()
      const before = [bench.levels('bids'), bench.levels('asks')]
      try {
        bench.intake.snapshot(bench.lane, body, bench.now_ms)
        victim.sync()
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError)
        expect([bench.levels('bids'), bench.levels('asks')]).toEqual(before)
      }
    }
  })
})
