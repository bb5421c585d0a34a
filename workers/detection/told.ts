/**
 * No gap is told twice: the shortest description wins. A longer chain tells the same gap with more
 * words when an open opportunity of no more legs shares two legs with it, or shares one and visits
 * only coins of the longer one, in the same order. What is open already stays open.
 */
import type { Graph } from './graph.ts'

interface Chain {
  readonly legs: readonly number[]
  /** nodes that the legs start from */
  readonly coins: readonly number[]
  /** a bit for each of the coins, or for several: what has others cannot be part */
  readonly bits: number
}

const NONE: ReadonlySet<number> = new Set()

export class Told {
  private readonly graph: Graph
  /** what is open now, by slot */
  private readonly chains = new Map<string, Chain>()

  constructor(graph: Graph) {
    this.graph = graph
  }

  set(slot_id: string, legs: readonly number[]): void {
    const coins = this.coinsOf(legs)
    this.chains.set(slot_id, { legs, coins, bits: bitsOf(coins) })
  }

  delete(slot_id: string): void {
    this.chains.delete(slot_id)
  }

  get is_empty(): boolean {
    return this.chains.size === 0
  }

  /** True when this chain would only tell again what is open. */
  covers(legs: readonly number[]): boolean {
    if (this.is_empty) return false
    const coins = this.coinsOf(legs)
    for (const open of this.chains.values()) {
      if (open.legs.length > legs.length) continue
      let shared = 0
      for (const leg of open.legs) if (legs.includes(leg)) shared++
      if (shared >= 2 || (shared === 1 && isPartOf(open.coins, coins))) return true
    }
    return false
  }

  /** Legs that no chain over these hops can have without telling what is open. */
  legsToldOf(hops: readonly number[]): ReadonlySet<number> {
    if (this.is_empty) return NONE
    let legs: Set<number> | null = null
    const coins = hops.map((hop) => this.graph.from[hop] as number)
    const others = ~bitsOf(coins)
    for (const open of this.chains.values()) {
      if ((open.bits & others) !== 0) continue
      if (open.legs.length > hops.length || !isPartOf(open.coins, coins)) continue
      legs ??= new Set()
      for (const leg of open.legs) legs.add(leg)
    }
    return legs ?? NONE
  }

  private coinsOf(legs: readonly number[]): number[] {
    const { from, hop_of } = this.graph
    return legs.map((leg) => from[hop_of[leg] as number] as number)
  }
}

function bitsOf(coins: readonly number[]): number {
  let bits = 0
  // shifts count modulo 32
  for (const coin of coins) bits |= 1 << coin
  return bits
}

/** Whether the coins of one cycle are among another's, in the same cyclic order. */
function isPartOf(some: readonly number[], all: readonly number[]): boolean {
  let turns = 0
  let last = all.indexOf(some[some.length - 1] as number)
  if (last < 0) return false
  for (const coin of some) {
    const place = all.indexOf(coin)
    if (place < 0) return false
    if (place < last) turns++
    last = place
  }
  return turns === 1
}
