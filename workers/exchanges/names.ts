/**
 * The markets of a connection, found by the bytes of their names: a hash table that learns from the
 * table of texts as names come by. It never contradicts that table, and it learns no stranger, so
 * what an exchange sends unasked cannot fill it.
 */
import type { MarketTable } from './exchange.ts'

const SMALLEST = 64

interface Known {
  readonly name: Uint8Array
  readonly market: number
}

export class MarketNames {
  private slots: (Known | undefined)[] = Array(SMALLEST)
  private length = 0
  private readonly markets: MarketTable

  constructor(markets: MarketTable) {
    this.markets = markets
  }

  /** Index of the market whose name is frame[from, to) in UTF-8, or -1 when nobody asked for it. */
  find(frame: Uint8Array, from: number, to: number): number {
    if (from < 0 || to < from) return -1
    const { slots } = this
    const mask = slots.length - 1
    let slot = hash(frame, from, to) & mask
    for (;;) {
      const known = slots[slot]
      if (known === undefined) return this.learn(frame.slice(from, to))
      if (equals(known.name, frame, from, to)) return known.market
      slot = (slot + 1) & mask
    }
  }

  private learn(name: Uint8Array): number {
    const market = this.markets.find(Buffer.from(name).toString('utf8'))
    if (market >= 0) this.add({ name, market })
    return market
  }

  private add(known: Known): void {
    if (2 * this.length >= this.slots.length) {
      const before = this.slots
      this.slots = Array(2 * before.length)
      this.length = 0
      for (const one of before) if (one !== undefined) this.add(one)
    }
    const mask = this.slots.length - 1
    let slot = hash(known.name, 0, known.name.length) & mask
    while (this.slots[slot] !== undefined) slot = (slot + 1) & mask
    this.slots[slot] = known
    this.length++
  }
}

function hash(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0
  for (let at = from; at < to; at++) sum = (Math.imul(sum, 31) + (bytes[at] as number)) | 0
  return sum ^ (sum >>> 15)
}

function equals(name: Uint8Array, frame: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false
  for (let i = 0; i < name.length; i++) {
    if (name[i] !== frame[from + i]) return false
  }
  return true
}
