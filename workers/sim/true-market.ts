/**
 * One market as its exchange knows it: every level with its digits, and what it looked like after
 * each change. It is what our books are held against, so it shares no code with them.
 */
import { type Change, TrueBook } from '../exchanges/testing.ts'
import type { MarketSpec } from './story.ts'

export type TextLevel = readonly [price: string, size: string]

/** The book after one change. */
export interface Version {
  readonly id: number
  /** best first */
  readonly bids: readonly TextLevel[]
  readonly asks: readonly TextLevel[]
  /** by how many percent the price is off what it is elsewhere */
  readonly percent: number
}

type Random = () => number
type Ladder = ReadonlyMap<string, string>

const LEVELS = 6
/** a checksum proves ten: beyond them a loss may stay unseen */
const MOST_LEVELS = 9
const SIZE_DECIMALS = 4

export class TrueMarket {
  readonly spec: MarketSpec
  /** as the exchange spells it */
  readonly name: string
  readonly versions: Version[] = []
  readonly book: TrueBook
  private readonly by_id = new Map<number, number>()
  private readonly decimals: number
  private percent = 0

  constructor(spec: MarketSpec, name: string, time_ms: number, random: Random) {
    this.spec = spec
    this.name = name
    this.decimals = Math.max(0, 6 - Math.floor(Math.log10(spec.fair)))
    this.book = new TrueBook(this.changesTo(this.ladders(0, random)))
    this.book.time_ms = time_ms
    this.note()
  }

  get last(): Version {
    return this.versions.at(-1) as Version
  }

  /** Place among `versions` of the book with this id. */
  placeOf(id: number): number | undefined {
    return this.by_id.get(id)
  }

  /** All levels anew, around a price that is off by so much. */
  move(percent: number, random: Random): readonly Change[] {
    this.percent = percent
    return this.change(this.changesTo(this.ladders(percent, random)))
  }

  /** Some sizes change, a level goes, another comes behind the others. */
  tick(random: Random): readonly Change[] {
    const changes: Change[] = []
    for (const side of ['bid', 'ask'] as const) {
      const levels = this.last[side === 'bid' ? 'bids' : 'asks']
      const level = levels[Math.floor(random() * random() * levels.length)]
      const kind = random()
      if (level === undefined || kind < 0.3) continue
      if (kind < 0.8) changes.push([side, level[0], size(random)])
      else if (kind < 0.9 && levels.length > 2) changes.push([side, level[0], GONE])
      else if (levels.length < MOST_LEVELS) {
        changes.push([side, this.behind(side, levels, random), size(random)])
      }
    }
    return this.change(changes)
  }

  /** Bids at the best ask: nothing may be made of it. */
  cross(random: Random): readonly Change[] {
    const [best] = this.last.asks
    return best === undefined ? [] : this.change([['bid', best[0], size(random)]])
  }

  /** One side goes. */
  empty(side: 'bid' | 'ask'): readonly Change[] {
    const levels = this.last[side === 'bid' ? 'bids' : 'asks']
    return this.change(levels.map(([price]): Change => [side, price, GONE]))
  }

  /** How it looked then, to be put into a frame. */
  at(version: Version): TrueBook {
    const book = new TrueBook([
      ...version.bids.map(([price, of]): Change => ['bid', price, of]),
      ...version.asks.map(([price, of]): Change => ['ask', price, of]),
    ])
    book.id = version.id
    book.time_ms = this.book.time_ms
    return book
  }

  private change(changes: readonly Change[]): readonly Change[] {
    if (changes.length === 0) return changes
    this.book.change(changes)
    this.note()
    return changes
  }

  private note(): void {
    const { id } = this.book
    const [bids, asks] = [this.book.levels('bids'), this.book.levels('asks')]
    this.by_id.set(id, this.versions.push({ id, bids, asks, percent: this.percent }) - 1)
  }

  private ladders(percent: number, random: Random): { bids: Ladder; asks: Ladder } {
    const middle = this.spec.fair * (1 + (percent + (random() - 0.5) * 0.04) / 100)
    const side = (sign: 1 | -1) => {
      const levels = new Map<string, string>()
      let away = 1
      for (let i = 0; i < LEVELS; i++) {
        away += 1 + Math.floor(random() * 6)
        levels.set((middle * (1 + sign * away * 5e-5)).toFixed(this.decimals), size(random))
      }
      return levels
    }
    return { bids: side(-1), asks: side(1) }
  }

  private changesTo({ bids, asks }: { bids: Ladder; asks: Ladder }): Change[] {
    const { last } = this.versions.length === 0 ? { last: { bids: [], asks: [] } } : this
    return [...changesOf('bid', last.bids, bids), ...changesOf('ask', last.asks, asks)]
  }

  private behind(side: 'bid' | 'ask', levels: readonly TextLevel[], random: Random): string {
    const worst = Number(levels.at(-1)?.[0])
    const away = (side === 'bid' ? -1 : 1) * (1 + Math.floor(random() * 4)) * 1e-4
    return (worst * (1 + away)).toFixed(this.decimals)
  }
}

const GONE = (0).toFixed(SIZE_DECIMALS)

/** Small ones happen, so that a chain ends in the middle of a level or goes deep. */
function size(random: Random): string {
  const most = random() < 0.3 ? 0.05 : 8
  return (0.0001 + random() * most).toFixed(SIZE_DECIMALS)
}

function changesOf(side: 'bid' | 'ask', from: readonly TextLevel[], to: Ladder): Change[] {
  const gone = from.filter(([price]) => !to.has(price))
  return [
    ...gone.map(([price]): Change => [side, price, GONE]),
    ...[...to].map(([price, of]): Change => [side, price, of]),
  ]
}
