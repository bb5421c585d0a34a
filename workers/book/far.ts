/**
 * The levels of one side that are too far from the top to matter now, in no order: a hash table from
 * key to size, so that a change down there costs the same however deep the book is. A key is the
 * price, negated on the ask side, so the greater key is the better level.
 */

const SMALLEST = 64
/** A fuller table than this is doubled: collisions cost more than memory. */
const CROWDED = 5 / 8
/** the key of an empty slot: less than any other, so that a search for the best passes over it */
const EMPTY = Number.NEGATIVE_INFINITY

export class Far {
  /** levels held */
  length = 0
  /** key and size by turns; open addressing, each key in the first free slot from its home on */
  private slots = new Float64Array(0)
  private most = 0
  private mask = 0
  private shift = 0

  /** Sets the absolute size at a key; 0 deletes. Deleting an unknown level is normal. */
  set(key: number, size: number): void {
    if (this.length >= this.most) this.grow()
    const { slots, mask } = this
    let at = this.home(key)
    let found = slots[at] as number
    while (found !== key && found !== EMPTY) {
      at = (at + 2) & mask
      found = slots[at] as number
    }
    if (size === 0) {
      if (found === key) this.remove(at)
      return
    }
    slots[at] = key
    slots[at + 1] = size
    this.length += Number(found !== key)
  }

  /** Removes the level at a key that is held and returns its size. */
  take(key: number): number {
    const { slots, mask } = this
    let at = this.home(key)
    while (slots[at] !== key) at = (at + 2) & mask
    const size = slots[at + 1] as number
    this.remove(at)
    return size
  }

  /** The `count` greatest keys, ascending; fewer when there are fewer. */
  best(count: number): Float64Array {
    const { slots } = this
    // a heap whose root is the least of the best seen so far
    const heap = new Float64Array(Math.min(count, this.length)).fill(EMPTY)
    let least = EMPTY
    for (let at = 0; at < slots.length; at += 2) {
      const key = slots[at] as number
      if (key > least) least = replaceRoot(heap, key)
    }
    return heap.sort()
  }

  /** Key and size of every level that is held, in no order. */
  *levels(): Generator<readonly [key: number, size: number]> {
    const { slots } = this
    for (let at = 0; at < slots.length; at += 2) {
      const key = slots[at] as number
      if (key !== EMPTY) yield [key, slots[at + 1] as number]
    }
  }

  /** Prices are multiples of a step, with at most ten digits that tell them apart. */
  private home(key: number): number {
    return (Math.imul((key * 1e10) | 0, 0x9e3779b1) >>> this.shift) << 1
  }

  /** Empties a slot and moves up those that stand further from their home than they need now. */
  private remove(at: number): void {
    const { slots, mask } = this
    let hole = at
    for (let next = (at + 2) & mask; slots[next] !== EMPTY; next = (next + 2) & mask) {
      const key = slots[next] as number
      if (((next - this.home(key)) & mask) < ((next - hole) & mask)) continue
      slots[hole] = key
      slots[hole + 1] = slots[next + 1] as number
      hole = next
    }
    slots[hole] = EMPTY
    this.length--
  }

  private grow(): void {
    const before = this.slots
    const capacity = Math.max(SMALLEST, before.length)
    this.slots = new Float64Array(2 * capacity)
    for (let at = 0; at < this.slots.length; at += 2) this.slots[at] = EMPTY
    this.mask = 2 * capacity - 1
    this.shift = Math.clz32(capacity) + 1
    this.most = capacity * CROWDED
    this.length = 0
    for (let at = 0; at < before.length; at += 2) {
      if (before[at] !== EMPTY) this.set(before[at] as number, before[at + 1] as number)
    }
  }
}

/** Puts `key` in the place of the least and returns the new least. */
function replaceRoot(heap: Float64Array, key: number): number {
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++
    if ((heap[child] as number) >= key) break
    heap[at] = heap[child] as number
    at = child
  }
  heap[at] = key
  return heap[0] as number
}
