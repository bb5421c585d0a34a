/**
 * The levels of one side that are too far from the top to matter now, in no order: a hash table from
 * key to size, so that a change down there costs the same however deep the book is. A key is the
 * price, negated on the ask side, so the greater key is the better level.
 */

const SMALLEST = 64
/** A fuller table than this is built anew: collisions cost more than memory. */
const CROWDED = 1 / 2
/** the key of an empty slot: less than any other, so that a search for the best passes over it */
const EMPTY = Number.NEGATIVE_INFINITY

export class Far {
  /** levels held */
  length = 0
  /** key and size by turns; open addressing, each key in the first free slot from its home on */
  private slots = new Float64Array(0)
  /** slots that have a key; those of size 0 are left by levels that are gone, and often come back */
  private taken = 0
  private most = 0
  private mask = 0
  private shift = 0

  /** Sets the absolute size at a key; 0 deletes. Deleting an unknown level is normal. */
  set(key: number, size: number): void {
    if (this.taken >= this.most) this.rebuild()
    const { slots } = this
    const at = this.find(key)
    if (slots[at] !== key) {
      if (size === 0) return
      slots[at] = key
      slots[at + 1] = 0
      this.taken++
    }
    this.length += Number(size !== 0) - Number(slots[at + 1] !== 0)
    slots[at + 1] = size
  }

  /** Removes the level at a key that is held and returns its size. */
  take(key: number): number {
    const at = this.find(key)
    const size = this.slots[at + 1] as number
    this.slots[at + 1] = 0
    this.length--
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
      if (key > least && slots[at + 1] !== 0) least = replaceRoot(heap, key)
    }
    return heap.sort()
  }

  /** Key and size of every level that is held, in no order. */
  *levels(): Generator<readonly [key: number, size: number]> {
    const { slots } = this
    for (let at = 0; at < slots.length; at += 2) {
      const [key, size] = [slots[at] as number, slots[at + 1] as number]
      if (size !== 0) yield [key, size]
    }
  }

  /** Position of a key, or of the slot that it would take. */
  private find(key: number): number {
    const { slots, mask } = this
    // prices are multiples of a step, with at most ten digits that tell them apart
    let at = (Math.imul((key * 1e10) | 0, 0x9e3779b1) >>> this.shift) << 1
    let found = slots[at] as number
    while (found !== key && found !== EMPTY) {
      at = (at + 2) & mask
      found = slots[at] as number
    }
    return at
  }

  /** Forgets the keys of levels that are gone and makes room for as many as there are. */
  private rebuild(): void {
    const before = this.slots
    let capacity = SMALLEST
    while (capacity * CROWDED < 2 * this.length) capacity *= 2
    this.slots = new Float64Array(2 * capacity)
    for (let at = 0; at < this.slots.length; at += 2) this.slots[at] = EMPTY
    this.mask = 2 * capacity - 1
    this.shift = Math.clz32(capacity) + 1
    this.most = capacity * CROWDED
    this.taken = 0
    this.length = 0
    for (let at = 0; at < before.length; at += 2) {
      if (before[at + 1] !== 0) this.set(before[at] as number, before[at + 1] as number)
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
