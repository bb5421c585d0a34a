/**
 * Cycles of three to five hops over any exchanges, found by contraction: every coin that prices are
 * quoted in is a hub, every other coin is only a detour between two hubs. A table says what the best
 * way from hub to hub can yield at most; a tick is held against it, and only where the table allows
 * a cycle the real ways are looked through. The table errs upwards only, so nothing is missed.
 */
import { MAX_LEGS } from './chain.ts'
import type { Graph } from './graph.ts'

/** Rates may rise by this share before the table is made again. */
const MARGIN = 1 + 5e-4

/** Hops of a cycle in order. Nobody keeps the array. */
export type FoundCycle = (hops: readonly number[]) => void

export class Hubs {
  private readonly graph: Graph
  /** by node: number of the hub, -1 for the others */
  private hub_of = new Int32Array(0)
  private count = 0
  /** by hub × count + hub: the hop, -1 where no market trades the two */
  private direct = new Int32Array(0)
  /** by hub pair: the two hops of every detour, one after the other */
  private detours: number[][] = []
  /** by hub pair: no detour yields more */
  private detour = new Float64Array(0)
  /** what `direct` and `detour` may rise to before `within` is wrong, by hub pair */
  private direct_ceiling = new Float64Array(0)
  private detour_ceiling = new Float64Array(0)
  /** [n], by hub pair: no way of one to n hops yields more */
  private within: Float64Array[] = []
  /** ways that were looked at in vain since the table was made of all of them, and how many those are */
  private wasted = 0
  private ways = 0
  private rates: Float64Array = new Float64Array(0)
  private least = 0
  private found: FoundCycle = () => {}
  private hits = 0
  private looked = 0
  private readonly path: number[] = []
  private readonly visited = new Set<number>()

  constructor(graph: Graph) {
    this.graph = graph
  }

  /** Arranges the hubs of all markets anew. `rates` by hop, the best of all exchanges. */
  build(rates: Float64Array): void {
    const { graph } = this
    const hubs = graph.coins.flatMap((_, node) => (graph.is_quote[node] === true ? [node] : []))
    this.count = hubs.length
    this.hub_of = new Int32Array(graph.coins.length).fill(-1)
    for (const [hub, node] of hubs.entries()) this.hub_of[node] = hub
    const pairs = this.count * this.count
    this.direct = new Int32Array(pairs).fill(-1)
    this.detours = Array.from({ length: pairs }, () => [])
    this.detour = new Float64Array(pairs)
    this.direct_ceiling = new Float64Array(pairs)
    this.detour_ceiling = new Float64Array(pairs)
    this.within = Array.from({ length: MAX_LEGS }, () => new Float64Array(pairs))
    for (let hop = 0; hop < graph.from.length; hop++) this.arrange(hop)
    this.renew(rates)
  }

  /**
   * Calls `found` for every cycle through this hop whose rates multiply to `least` or more. To be
   * called for every hop whose rate rose.
   */
  find(hop: number, rates: Float64Array, least: number, found: FoundCycle): void {
    this.rates = rates
    this.least = least
    this.hits = 0
    this.looked = 0
    this.found = found
    const { from, to } = this.graph
    const [a, b] = [
      this.hub_of[from[hop] as number] as number,
      this.hub_of[to[hop] as number] as number,
    ]
    if (a < 0) this.outOfCoin(hop, b)
    else if (b < 0) this.intoCoin(hop, a)
    else this.throughHubs(hop, a, b)
    if (this.hits > 0) return
    // as much work in vain as it takes to do better: never more than twice the best
    this.wasted += this.looked
    if (this.wasted > this.ways) this.renew(rates)
  }

  private throughHubs(hop: number, a: number, b: number): void {
    const rate = this.rates[hop] as number
    if (rate > (this.direct_ceiling[a * this.count + b] as number)) this.tabulate()
    if (rate * this.atMost(MAX_LEGS - 1, b * this.count + a) < this.least) return
    this.begin(hop)
    this.extend(b, a, rate, MAX_LEGS - 1)
  }

  /** From hub `a` to a coin that is none, and on to every other hub. */
  private intoCoin(hop: number, a: number): void {
    const { graph, hub_of, count, rates, least } = this
    const rate = rates[hop] as number
    for (const on of graph.out[graph.to[hop] as number] as number[]) {
      const b = hub_of[graph.to[on] as number] as number
      if (b === a) continue
      const both = rate * (rates[on] as number)
      this.raiseDetour(a * count + b, both)
      if (both * this.atMost(MAX_LEGS - 2, b * count + a) < least) continue
      this.begin(hop, on)
      this.extend(b, a, both, MAX_LEGS - 2)
    }
  }

  /** From every other hub to a coin that is none, and on to hub `b`. */
  private outOfCoin(hop: number, b: number): void {
    const { graph, hub_of, count, rates, least } = this
    const rate = rates[hop] as number
    for (const back of graph.out[graph.from[hop] as number] as number[]) {
      const a = hub_of[graph.to[back] as number] as number
      if (a === b) continue
      const both = (rates[back ^ 1] as number) * rate
      this.raiseDetour(a * count + b, both)
      if (both * this.atMost(MAX_LEGS - 2, b * count + a) < least) continue
      this.begin(back ^ 1, hop)
      this.extend(b, a, both, MAX_LEGS - 2)
    }
  }

  private raiseDetour(pair: number, rate: number): void {
    if (rate <= (this.detour[pair] as number)) return
    this.detour[pair] = rate
    if (rate > (this.detour_ceiling[pair] as number)) this.tabulate()
  }

  private begin(...hops: number[]): void {
    const { path, visited, graph } = this
    path.length = 0
    visited.clear()
    for (const hop of hops) {
      path.push(hop)
      visited.add(graph.to[hop] as number)
    }
  }

  /** Goes on from hub `at` home to hub `home` with at most `left` hops. */
  private extend(at: number, home: number, product: number, left: number): void {
    const { count, least } = this
    this.looked += count
    for (let next = 0; next < count; next++) {
      if (next === at) continue
      const pair = at * count + next
      const after_one = next === home ? 1 : this.atMost(left - 1, next * count + home)
      const hop = this.direct[pair] as number
      if (hop >= 0 && product * (this.rates[hop] as number) * after_one >= least) {
        this.step(hop, next, home, product * (this.rates[hop] as number), left - 1)
      }
      if (left < 2) continue
      const after_two = next === home ? 1 : this.atMost(left - 2, next * count + home)
      if (product * (this.detour[pair] as number) * after_two >= least) {
        this.extendByDetour(pair, next, home, product, left)
      }
    }
  }

  private extendByDetour(
    pair: number,
    next: number,
    home: number,
    product: number,
    left: number,
  ): void {
    const { rates, least, visited, path, graph } = this
    const ways = this.detours[pair] as number[]
    this.looked += ways.length
    const after = next === home ? 1 : this.atMost(left - 2, next * this.count + home)
    for (let i = 0; i < ways.length; i += 2) {
      const into = ways[i] as number
      const on = ways[i + 1] as number
      const rate = product * (rates[into] as number) * (rates[on] as number)
      if (rate * after < least) continue
      const coin = graph.to[into] as number
      if (visited.has(coin)) continue
      visited.add(coin)
      path.push(into)
      this.step(on, next, home, rate, left - 2)
      path.pop()
      visited.delete(coin)
    }
  }

  private step(hop: number, next: number, home: number, product: number, left: number): void {
    const { path, visited, graph } = this
    const node = graph.to[hop] as number
    if (next === home) {
      path.push(hop)
      if (path.length >= 3 && product >= this.least) {
        this.hits++
        this.found(path)
      }
      path.pop()
    } else if (left > 0 && !visited.has(node)) {
      path.push(hop)
      visited.add(node)
      this.extend(next, home, product, left)
      visited.delete(node)
      path.pop()
    }
  }

  private atMost(hops: number, pair: number): number {
    return hops < 1 ? 0 : ((this.within[hops] as Float64Array)[pair] as number)
  }

  private arrange(hop: number): void {
    const { graph, hub_of, count } = this
    const from = hub_of[graph.from[hop] as number] as number
    if (from < 0) return
    const node = graph.to[hop] as number
    const to = hub_of[node] as number
    if (to >= 0) {
      this.direct[from * count + to] = hop
      return
    }
    for (const on of graph.out[node] as number[]) {
      const next = hub_of[graph.to[on] as number] as number
      if (next >= 0 && next !== from) this.detours[from * count + next]?.push(hop, on)
    }
  }

  /** Looks at every detour again, so that the table promises no more than there is. */
  private renew(rates: Float64Array): void {
    this.rates = rates
    this.wasted = 0
    this.ways = this.count ** 3
    for (const [pair, ways] of this.detours.entries()) {
      let best = 0
      this.ways += ways.length
      for (let i = 0; i < ways.length; i += 2) {
        const rate = (rates[ways[i] as number] as number) * (rates[ways[i + 1] as number] as number)
        if (rate > best) best = rate
      }
      this.detour[pair] = best
    }
    this.tabulate()
  }

  private tabulate(): void {
    const { count, direct, detour, direct_ceiling, detour_ceiling, rates } = this
    for (let pair = 0; pair < count * count; pair++) {
      const hop = direct[pair] as number
      direct_ceiling[pair] = hop < 0 ? 0 : (rates[hop] as number) * MARGIN
      detour_ceiling[pair] = (detour[pair] as number) * MARGIN
    }
    const [, one, two, three, four] = this.within as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ]
    one.set(direct_ceiling)
    two.set(one)
    raise(two, detour_ceiling)
    raiseByProducts(two, one, direct_ceiling, count)
    three.set(two)
    raiseByProducts(three, two, direct_ceiling, count)
    raiseByProducts(three, one, detour_ceiling, count)
    four.set(three)
    raiseByProducts(four, three, direct_ceiling, count)
    raiseByProducts(four, two, detour_ceiling, count)
  }
}

function raise(table: Float64Array, by: Float64Array): void {
  for (let i = 0; i < table.length; i++) {
    if ((by[i] as number) > (table[i] as number)) table[i] = by[i] as number
  }
}

/** table[a, c] becomes at least first[a, b] · second[b, c] for every b. */
function raiseByProducts(
  table: Float64Array,
  first: Float64Array,
  second: Float64Array,
  count: number,
): void {
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < count; b++) {
      const rate = first[a * count + b] as number
      if (rate === 0) continue
      for (let c = 0; c < count; c++) {
        const product = rate * (second[b * count + c] as number)
        if (product > (table[a * count + c] as number)) table[a * count + c] = product
      }
    }
  }
}
