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
/** A table that promised too much is made anew from every detour, at most once in so many ticks. */
const RENEW_AFTER_TICKS = 2_000

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
  private ticks = 0
  private rates: Float64Array = new Float64Array(0)
  private least = 0
  private found: FoundCycle = () => {}
  private hits = 0
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
   * Calls `found` for every cycle through this hop or its reverse whose rates multiply to `least` or
   * more. To be called for every hop whose rate changed.
   */
  find(hop: number, rates: Float64Array, least: number, found: FoundCycle): void {
    this.ticks++
    this.rates = rates
    this.least = least
    this.hits = 0
    this.found = found
    const { from, to } = this.graph
    const [a, b] = [
      this.hub_of[from[hop] as number] as number,
      this.hub_of[to[hop] as number] as number,
    ]
    let promised = false
    if (a >= 0 && b >= 0) promised = this.throughHubs(hop, a, b)
    else promised = this.throughCoin(a >= 0 ? hop : hop ^ 1)
    if (promised && this.hits === 0 && this.ticks > RENEW_AFTER_TICKS) this.renew(rates)
  }

  /** A hop between hubs, and its reverse. */
  private throughHubs(hop: number, a: number, b: number): boolean {
    const { count, direct_ceiling, rates, least } = this
    const [there, back] = [a * count + b, b * count + a]
    const forth_rate = rates[hop] as number
    const back_rate = rates[hop ^ 1] as number
    if (
      forth_rate > (direct_ceiling[there] as number) ||
      back_rate > (direct_ceiling[back] as number)
    ) {
      this.tabulate()
    }
    const within = this.within[MAX_LEGS - 1] as Float64Array
    let promised = false
    if (forth_rate * (within[back] as number) >= least) {
      promised = true
      this.begin(hop)
      this.extend(b, a, forth_rate, MAX_LEGS - 1)
    }
    if (back_rate * (within[there] as number) >= least) {
      promised = true
      this.begin(hop ^ 1)
      this.extend(a, b, back_rate, MAX_LEGS - 1)
    }
    return promised
  }

  /** From a hub to a coin that is none: on to every other hub, and the same the other way round. */
  private throughCoin(into: number): boolean {
    const { graph, hub_of, count, rates, least } = this
    const coin = graph.to[into] as number
    const a = hub_of[graph.from[into] as number] as number
    const [in_rate, out_rate] = [rates[into] as number, rates[into ^ 1] as number]
    let promised = false
    for (const on of graph.out[coin] as number[]) {
      const b = hub_of[graph.to[on] as number] as number
      if (b === a) continue
      const [there, back] = [a * count + b, b * count + a]
      const forth = in_rate * (rates[on] as number)
      const return_ = (rates[on ^ 1] as number) * out_rate
      this.raiseDetour(there, forth)
      this.raiseDetour(back, return_)
      const within = this.within[MAX_LEGS - 2] as Float64Array
      if (forth * (within[back] as number) >= least) {
        promised = true
        this.begin(into, on)
        this.extend(b, a, forth, MAX_LEGS - 2)
      }
      if (return_ * (within[there] as number) >= least) {
        promised = true
        this.begin(on ^ 1, into ^ 1)
        this.extend(a, b, return_, MAX_LEGS - 2)
      }
    }
    return promised
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
    this.ticks = 0
    for (const [pair, ways] of this.detours.entries()) {
      let best = 0
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
