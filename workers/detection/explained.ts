/**
 * No gap is published twice: the shortest description wins. A longer chain is the same gap told with
 * more words when an open opportunity of no more legs shares two legs with it, or shares one and
 * visits only coins of the longer one, in the same order. What is open already stays open.
 */
import type { Graph } from './graph.ts'

export function explains(graph: Graph, open: readonly number[], legs: readonly number[]): boolean {
  if (open.length > legs.length) return false
  const shared = open.filter((leg) => legs.includes(leg)).length
  return shared >= 2 || (shared === 1 && isPartOf(coinsOf(graph, open), coinsOf(graph, legs)))
}

function coinsOf(graph: Graph, legs: readonly number[]): number[] {
  return legs.map((leg) => graph.from[graph.hop_of[leg] as number] as number)
}

/** Whether the coins of one cycle are among another's, in the same cyclic order. */
function isPartOf(some: readonly number[], all: readonly number[]): boolean {
  const places = some.map((coin) => all.indexOf(coin))
  if (places.includes(-1)) return false
  const turns = places.filter((place, i) => place > (places[(i + 1) % places.length] as number))
  return turns.length === 1
}
