/**
 * The markets of a connection, found by the bytes of their names: a hash table that learns from the
 * table of texts as names come by. It never contradicts that table, and it learns no stranger, so
 * what an exchange sends unasked cannot fill it.
 */
import type { MarketTable } from './exchange.ts'

const FEWEST_SLOTS = 64
/** Bytes of a slot: a name's length and the name. Longer names are asked for every time. */
const SLOT = 32
const LONGEST = SLOT - 1
const FREE = 0

export class MarketNames {
  private slots = new Uint8Array(FEWEST_SLOTS * SLOT)
  private market_of = new Int32Array(FEWEST_SLOTS)
  private length = 0
  private readonly markets: MarketTable

  constructor(markets: MarketTable) {
    this.markets = markets
  }

  /** Index of the market whose name is frame[from, to) in UTF-8, or -1 when nobody asked for it. */
  find(frame: Uint8Array, from: number, to: number): number {
    if (from < 0 || to < from) return -1
    const { slots, market_of } = this
    const mask = market_of.length - 1
    let slot = hash(frame, from, to) & mask
    while (slots[slot * SLOT] !== FREE) {
      if (holds(slots, slot * SLOT, frame, from, to)) return market_of[slot] as number
      slot = (slot + 1) & mask
    }
    return this.learn(frame.slice(from, to))
  }

  private learn(name: Uint8Array): number {
    const market = this.markets.find(Buffer.from(name).toString('utf8'))
    if (market >= 0 && name.length <= LONGEST && name.length > 0) this.add(name, market)
    return market
  }

  private add(name: Uint8Array, market: number): void {
    if (2 * this.length >= this.market_of.length) this.grow()
    const mask = this.market_of.length - 1
    let slot = hash(name, 0, name.length) & mask
    while (this.slots[slot * SLOT] !== FREE) slot = (slot + 1) & mask
    this.slots[slot * SLOT] = name.length
    this.slots.set(name, slot * SLOT + 1)
    this.market_of[slot] = market
    this.length++
  }

  private grow(): void {
    const { slots, market_of } = this
    this.slots = new Uint8Array(2 * slots.length)
    this.market_of = new Int32Array(2 * market_of.length)
    this.length = 0
    for (const [slot, market] of market_of.entries()) {
      const length = slots[slot * SLOT] as number
      const name = slots.subarray(slot * SLOT + 1, slot * SLOT + 1 + length)
      if (length !== FREE) this.add(name, market)
    }
  }
}

function hash(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0
  for (let at = from; at < to; at++) sum = (Math.imul(sum, 31) + (bytes[at] as number)) | 0
  return sum ^ (sum >>> 15)
}

function holds(
  slots: Uint8Array,
  slot: number,
  frame: Uint8Array,
  from: number,
  to: number,
): boolean {
  if (slots[slot] !== to - from) return false
  for (let at = from, i = slot + 1; at < to; at++, i++) {
    if (frame[at] !== slots[i]) return false
  }
  return true
}
