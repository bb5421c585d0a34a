/**
 * Three legs on one exchange: an index from every leg to the cycles it takes part in, as flat arrays
 * that are read in order. A bound that is renewed while a leg's cycles are read tells for most ticks
 * that none can pay, so the hundred triangles of BTC/USDT are read only when one of them could.
 */
import type { Graph } from './graph.ts'

/** Rates may rise by this share before the bounds of the others must know. */
const MARGIN = 1 + 2e-4

export class Triangles {
  /** directed cycles, each once */
  count = 0
  private readonly graph: Graph
  /** by leg: where its cycles begin in `others`; one more at the end */
  private begin = new Int32Array(1)
  /** the other two legs of each cycle, in order */
  private others = new Int32Array(0)
  /** by leg: no current rate is above it */
  private ceiling = new Float64Array(0)
  /** by leg: no product of the ceilings of the other two legs of a cycle is above it */
  private bound = new Float64Array(0)

  constructor(graph: Graph) {
    this.graph = graph
  }

  /** Indexes the cycles of all markets anew. */
  build(): void {
    const { graph } = this
    const cycles = [...cyclesOf(graph)]
    this.count = cycles.length
    const legs = graph.legs.length
    this.begin = new Int32Array(legs + 1)
    for (const cycle of cycles)
      for (const leg of cycle) this.begin[leg + 1] = (this.begin[leg + 1] as number) + 1
    for (let leg = 0; leg < legs; leg++)
      this.begin[leg + 1] = (this.begin[leg + 1] as number) + (this.begin[leg] as number)
    this.others = new Int32Array(6 * cycles.length)
    const next = this.begin.slice()
    for (const [a, b, c] of cycles) {
      for (const [leg, second, third] of [
        [a, b, c],
        [b, c, a],
        [c, a, b],
      ] as const) {
        const at = next[leg] as number
        this.others[2 * at] = second
        this.others[2 * at + 1] = third
        next[leg] = at + 1
      }
    }
    this.ceiling = new Float64Array(legs).fill(Number.POSITIVE_INFINITY)
    this.bound = new Float64Array(legs).fill(Number.POSITIVE_INFINITY)
  }

  /**
   * Calls `found` with the legs of every cycle of `leg` whose rates multiply to `least` or more.
   * To be called for every leg whose rate changed.
   */
  find(
    leg: number,
    rates: Float64Array,
    least: number,
    found: (a: number, b: number, c: number) => void,
  ): void {
    const rate = rates[leg] as number
    if (rate <= (this.ceiling[leg] as number) && rate * (this.bound[leg] as number) < least) return
    const { ceiling, bound, others } = this
    const mine = rate * MARGIN
    ceiling[leg] = mine
    let highest = 0
    const end = this.begin[leg + 1] as number
    for (let at = this.begin[leg] as number; at < end; at++) {
      const second = others[2 * at] as number
      const third = others[2 * at + 1] as number
      const of_second = rates[second] as number
      const of_third = rates[third] as number
      // the ceilings of the others come down to where they are, never below
      let high_second = ceiling[second] as number
      let high_third = ceiling[third] as number
      if (of_second * MARGIN < high_second) {
        high_second = of_second * MARGIN
        ceiling[second] = high_second
      }
      if (of_third * MARGIN < high_third) {
        high_third = of_third * MARGIN
        ceiling[third] = high_third
      }
      if (mine * high_third > (bound[second] as number)) bound[second] = mine * high_third
      if (mine * high_second > (bound[third] as number)) bound[third] = mine * high_second
      if (high_second * high_third > highest) highest = high_second * high_third
      if (rate * of_second * of_third >= least) found(leg, second, third)
    }
    bound[leg] = highest
  }
}

/** Every directed cycle of three legs on one exchange, once. */
function* cyclesOf(graph: Graph): Generator<readonly [number, number, number]> {
  const by_exchange = new Map<number, Map<number, Map<number, number[]>>>()
  for (const [market, exchange] of graph.exchange_of.entries()) {
    const hop = graph.hop_of[2 * market] as number
    if (hop < 0 || graph.is_refused[market] === true) continue
    const legs = by_exchange.get(exchange) ?? new Map<number, Map<number, number[]>>()
    by_exchange.set(exchange, legs)
    addLeg(legs, graph.from[hop] as number, graph.to[hop] as number, 2 * market)
    addLeg(legs, graph.to[hop] as number, graph.from[hop] as number, 2 * market + 1)
  }
  for (const legs of by_exchange.values()) yield* cyclesAmong(legs)
}

type LegsByNodes = Map<number, Map<number, number[]>>

function addLeg(legs: LegsByNodes, from: number, to: number, leg: number): void {
  const out = legs.get(from) ?? new Map<number, number[]>()
  legs.set(from, out)
  const known = out.get(to)
  if (known === undefined) out.set(to, [leg])
  else known.push(leg)
}

/** Each cycle from its lowest node on, so that it is found once. */
function* cyclesAmong(legs: LegsByNodes): Generator<readonly [number, number, number]> {
  for (const [a, from_a] of legs) {
    for (const [b, ab] of from_a) {
      if (b < a) continue
      // through the node with fewer neighbours: a quote has hundreds, a coin a handful
      const from_b = legs.get(b) as Map<number, number[]>
      const nodes = from_b.size < from_a.size ? from_b.keys() : from_a.keys()
      for (const c of nodes) {
        if (c < a) continue
        const bc = from_b.get(c)
        const ca = legs.get(c)?.get(a)
        if (bc === undefined || ca === undefined) continue
        for (const first of ab)
          for (const second of bc) for (const third of ca) yield [first, second, third]
      }
    }
  }
}
