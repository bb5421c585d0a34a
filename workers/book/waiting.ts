/**
 * Deltas of one market that wait for the snapshot which they will carry on from. Hundreds of markets
 * wait for minutes at a start, so they are kept as plain numbers in one array: as objects they were
 * most of what the worker's memory held. It judges none of them.
 */
import { BookUpdate, type Levels } from './update.ts'

const SMALLEST = 256
/** Words of one delta before its levels, in this order. */
const WORDS = 0
const MARKET = 1
const FIRST_ID = 2
const LAST_ID = 3
const TIME = 4
const CHECKSUM = 5
const PRICE_DECIMALS = 6
const SIZE_DECIMALS = 7
const BIDS = 8
const ASKS = 9
const HEADER = 10

export class Waiting {
  /** deltas held */
  length = 0
  /** id at the end of the newest; NaN when there is none */
  last_id = Number.NaN
  private slots = new Float64Array(0)
  /** the deltas stand in [head, tail), oldest first */
  private head = 0
  private tail = 0

  /** numbers that there is room for */
  get capacity(): number {
    return this.slots.length
  }

  /** id at the beginning of the oldest; NaN when there is none */
  get first_id(): number {
    return this.length === 0 ? Number.NaN : (this.slots[this.head + FIRST_ID] as number)
  }

  /** Copies a delta: a snapshot waits for nothing. */
  push(update: BookUpdate): void {
    if (update.snapshot) throw new Error('a snapshot is no delta')
    const { bids, asks } = update
    const size = HEADER + 2 * (bids.count + asks.count)
    if (this.tail + size > this.slots.length) this.makeRoom(size)
    const { slots, tail } = this
    slots[tail + WORDS] = size
    slots[tail + MARKET] = update.market
    slots[tail + FIRST_ID] = update.first_id
    slots[tail + LAST_ID] = update.last_id
    slots[tail + TIME] = update.exchange_time_ms
    slots[tail + CHECKSUM] = update.checksum
    slots[tail + PRICE_DECIMALS] = update.price_decimals
    slots[tail + SIZE_DECIMALS] = update.size_decimals
    slots[tail + BIDS] = bids.count
    slots[tail + ASKS] = asks.count
    this.write(bids, tail + HEADER)
    this.write(asks, tail + HEADER + 2 * bids.count)
    this.tail += size
    this.length++
    this.last_id = update.last_id
  }

  /** Forgets the oldest. */
  shift(): void {
    if (this.length === 0) return
    this.head += this.slots[this.head + WORDS] as number
    this.length--
    if (this.length === 0) this.last_id = Number.NaN
  }

  /** All, oldest first, in one update that each of them fills anew: nobody keeps it. */
  *updates(): Generator<BookUpdate> {
    const update = new BookUpdate()
    for (let at = this.head; at < this.tail; at += this.slots[at + WORDS] as number) {
      this.read(at, update)
      yield update
    }
  }

  private write({ count, price, size }: Levels, at: number): void {
    const { slots } = this
    for (let i = 0; i < count; i++) {
      slots[at + 2 * i] = price[i] as number
      slots[at + 2 * i + 1] = size[i] as number
    }
  }

  private read(at: number, update: BookUpdate): void {
    const { slots } = this
    update.reset()
    update.market = slots[at + MARKET] as number
    update.first_id = slots[at + FIRST_ID] as number
    update.last_id = slots[at + LAST_ID] as number
    update.exchange_time_ms = slots[at + TIME] as number
    update.checksum = slots[at + CHECKSUM] as number
    update.price_decimals = slots[at + PRICE_DECIMALS] as number
    update.size_decimals = slots[at + SIZE_DECIMALS] as number
    const asks_at = at + HEADER + 2 * (slots[at + BIDS] as number)
    this.readLevels(update.bids, at + HEADER, slots[at + BIDS] as number)
    this.readLevels(update.asks, asks_at, slots[at + ASKS] as number)
  }

  private readLevels(levels: Levels, at: number, count: number): void {
    const { slots } = this
    for (let i = 0; i < count; i++) {
      levels.push(slots[at + 2 * i] as number, slots[at + 2 * i + 1] as number)
    }
  }

  /** Moves the deltas to the beginning, of a larger array where this one would soon be full again. */
  private makeRoom(size: number): void {
    const { head, tail, slots } = this
    let capacity = Math.max(SMALLEST, slots.length)
    while (capacity < 2 * (tail - head + size)) capacity *= 2
    if (capacity === slots.length) {
      slots.copyWithin(0, head, tail)
    } else {
      this.slots = new Float64Array(capacity)
      this.slots.set(slots.subarray(head, tail))
    }
    this.head = 0
    this.tail = tail - head
  }
}
