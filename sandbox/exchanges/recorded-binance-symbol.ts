/**
 * Plays one Binance symbol's runs for ever. At the end of a run one made-up diff turns the book into
 * the one that the next run begins with, and ids are shifted, so that nobody ever sees a gap.
 * It starts when somebody first asks and then runs whether anybody listens or not.
 */
import { z } from 'zod'
import { PAUSE_MS, play, type Timed } from './timeline.ts'
import { Publication, type Topic } from './topic.ts'

type Pair = readonly [price: string, size: string]

/** A frame of a symbol: `first_id`..`last_id` are the book's update ids that it covers. */
export interface SymbolFrame extends Timed {
  readonly stream: 'depth' | 'bookTicker'
  readonly first_id: number
  readonly last_id: number
  /** the stream's data, as recorded */
  readonly data: string
}

/** Frames without a gap, and the book before the first of them. */
export interface Run {
  /** update id of the book before the first frame */
  readonly id: number
  readonly bids: readonly Pair[]
  readonly asks: readonly Pair[]
  readonly frames: readonly SymbolFrame[]
}

const DepthUpdate = z.object({
  E: z.number(),
  b: z.array(z.tuple([z.string(), z.string()])),
  a: z.array(z.tuple([z.string(), z.string()])),
})

/** What is played: a frame of a run, or the change to the book that a run begins with. */
interface Played extends Timed {
  readonly frame?: SymbolFrame
  readonly run?: Run
}

/** price text → size text; Binance prints every number of a symbol with the same digits */
type Side = Map<string, string>

export class RecordedSymbol {
  private readonly diffs = new Publication(() => undefined)
  private readonly tickers = new Publication(() => undefined)
  private readonly symbol: string
  private readonly runs: readonly [Run, ...Run[]]
  private readonly rate: number
  private readonly bids: Side = new Map()
  private readonly asks: Side = new Map()
  /** the book's, shifted */
  private update_id: number
  /** largest id sent on any stream */
  private largest_id = 0
  private shift = 0
  private event_time_ms = 0
  private end: (() => void) | undefined

  constructor(symbol: string, runs: readonly Run[], rate: number) {
    const [first, ...rest] = runs
    if (first === undefined) throw new Error(`nothing recorded for ${symbol}`)
    this.symbol = symbol
    this.runs = [first, ...rest]
    this.rate = rate
    this.update_id = first.id
    apply(this.bids, first.bids)
    apply(this.asks, first.asks)
  }

  topic(kind: string): Topic | undefined {
    const publication = /^depth(@100ms|@1000ms)?$/.test(kind)
      ? this.diffs
      : kind === 'bookTicker'
        ? this.tickers
        : undefined
    if (publication === undefined) return undefined
    return {
      subscribe: (send) => {
        this.start()
        return publication.subscribe(send)
      },
    }
  }

  /** Body of /api/v3/depth. */
  depth(limit: number): string {
    this.start()
    return JSON.stringify({
      lastUpdateId: this.update_id,
      bids: best(this.bids, limit, -1),
      asks: best(this.asks, limit, 1),
    })
  }

  stop(): void {
    this.end?.()
  }

  private start(): void {
    this.end ??= play(this.endless(), this.rate, ({ frame, run }) => {
      if (run !== undefined) this.turnInto(run)
      if (frame?.stream === 'depth') this.sendDepth(frame)
      if (frame?.stream === 'bookTicker') this.sendTicker(frame)
    })
  }

  private *endless(): Generator<Played, never> {
    const [first] = this.runs
    // the pause lets the first client fetch its snapshot before anything moves
    yield { delay_ms: 0 }
    for (let run = first, at = 0; ; at++, run = this.runs[at % this.runs.length] ?? first) {
      yield at === 0 ? { delay_ms: PAUSE_MS } : { delay_ms: PAUSE_MS, run }
      for (const frame of run.frames) yield { delay_ms: frame.delay_ms, frame }
    }
  }

  private sendDepth({ data, first_id, last_id }: SymbolFrame): void {
    const { E, b, a } = DepthUpdate.parse(JSON.parse(data))
    apply(this.bids, b)
    apply(this.asks, a)
    // the first frame of a run may begin before the book that it starts from
    const [U, u] = [Math.max(first_id + this.shift, this.update_id + 1), last_id + this.shift]
    this.event_time_ms = E
    this.update_id = u
    this.largest_id = Math.max(this.largest_id, u)
    const same = U === first_id && u === last_id
    this.diffs.publish(same ? data : withId(withId(data, 'U', U), 'u', u))
  }

  private sendTicker({ data, last_id }: SymbolFrame): void {
    const u = last_id + this.shift
    this.largest_id = Math.max(this.largest_id, u)
    this.tickers.publish(this.shift === 0 ? data : withId(data, 'u', u))
  }

  private turnInto(run: Run): void {
    const b = difference(this.bids, run.bids)
    const a = difference(this.asks, run.asks)
    apply(this.bids, b)
    apply(this.asks, a)
    const U = this.update_id + 1
    // tickers may have been ahead of the book: their ids must not go back either
    const u = Math.max(U, this.largest_id + 1)
    this.update_id = u
    this.largest_id = u
    this.shift = u - run.id
    const { symbol: s, event_time_ms: E } = this
    this.diffs.publish(JSON.stringify({ e: 'depthUpdate', E, s, U, u, b, a }))
  }
}

function apply(side: Side, pairs: readonly Pair[]): void {
  for (const [price, size] of pairs) {
    if (Number(size) === 0) side.delete(price)
    else side.set(price, size)
  }
}

/** What turns `side` into `target`. */
function difference(side: ReadonlyMap<string, string>, target: readonly Pair[]): Pair[] {
  const wanted = new Map(target)
  const gone = [...side.keys()].filter((price) => !wanted.has(price))
  const changed = target.filter(([price, size]) => side.get(price) !== size)
  return [...gone.map((price): Pair => [price, '0.00000000']), ...changed]
}

/** `away`: 1 when higher prices are worse. */
function best(side: ReadonlyMap<string, string>, limit: number, away: 1 | -1): Pair[] {
  return [...side].sort(([x], [y]) => (Number(x) - Number(y)) * away).slice(0, limit)
}

function withId(data: string, field: 'U' | 'u', id: number): string {
  return data.replace(new RegExp(`"${field}":\\s*\\d+`), `"${field}":${id}`)
}
