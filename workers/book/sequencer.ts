/**
 * Decides whether an update of one market follows what the book holds: accept, drop, gap or wait.
 * It judges ids and times only; levels, checksums and sockets are other rooms' business. A market
 * that lost its thread waits for a snapshot and nothing brings it back but that.
 */
import type { BookUpdate } from './update.ts'
import { Waiting } from './waiting.ts'

/** How consecutive frames of one market must follow each other. */
export type Continuity =
  /** U..u ranges that start at the previous u + 1, bridged from a REST snapshot (Binance) */
  | 'range'
  /** every delta's id is the previous + 1; a snapshot restarts (Bybit) */
  | 'increment'
  /** every delta names the id that it follows; a snapshot restarts (OKX) */
  | 'chain'
  /** no ids: the transport's promise and a fresh snapshot after each connect (Coinbase Exchange) */
  | 'none'
  /** no ids: a checksum on every message (Kraken) */
  | 'checksum'

/**
 * accept: apply it. drop: old or repeated, the book already has it. gap: something is missing, the
 * book is wrong from here. wait: no snapshot to apply it to yet, or a snapshot too old to bridge.
 */
export type Verdict = 'accept' | 'drop' | 'gap' | 'wait'

/** At ten events a second 20 s; beyond it the oldest go: a snapshot that is asked for is newer. */
const BUFFER_LIMIT = 200

export class Sequencer {
  /** seeded: a snapshot is in, but no delta has proven yet that the stream carries on from it */
  phase: 'waiting' | 'seeded' | 'synced' = 'waiting'
  private last_id = Number.NaN
  private last_time_ms = Number.NaN
  private buffer = new Waiting()
  private readonly continuity: Continuity

  constructor(continuity: Continuity) {
    this.continuity = continuity
  }

  get buffered(): number {
    return this.buffer.length
  }

  /** An accepted update must then be applied; a gap or lose() must be followed by a snapshot. */
  judge(update: BookUpdate): Verdict {
    const verdict = update.snapshot ? this.judgeSnapshot(update) : this.judgeDelta(update)
    if (verdict === 'accept') {
      this.last_id = update.last_id
      if (!Number.isNaN(update.exchange_time_ms)) this.last_time_ms = update.exchange_time_ms
    } else if (verdict === 'gap') {
      this.lose()
      if (this.continuity === 'range') this.keep(update)
    }
    return verdict
  }

  /**
   * Deltas that waited for the snapshot just accepted, oldest first, all in the same object: judge
   * each of them before the next.
   */
  takeBuffered(): IteratorObject<BookUpdate> {
    const taken = this.buffer
    this.buffer = new Waiting()
    return taken.updates()
  }

  /** True when a stream whose next delta is this one misses nothing of what the book holds. */
  joins(update: BookUpdate): boolean {
    if (update.snapshot || this.phase === 'waiting') return true
    return this.continuity === 'range' && update.first_id <= this.last_id + 1
  }

  /** True when the book is good and includes the change with this id. */
  holds(last_id: number): boolean {
    return this.phase === 'synced' && last_id <= this.last_id
  }

  /** The thread is lost for a reason that ids do not show: checksum, crossed book, disconnect. */
  lose(): void {
    this.phase = 'waiting'
    this.buffer = new Waiting()
    this.last_id = Number.NaN
    this.last_time_ms = Number.NaN
  }

  private judgeSnapshot(update: BookUpdate): Verdict {
    if (this.continuity !== 'range') {
      // Bybit: "once you receive a new snapshot, reset your local order book"
      this.phase = 'synced'
      this.last_time_ms = Number.NaN
      return 'accept'
    }
    if (this.phase !== 'waiting') return update.last_id < this.last_id ? 'drop' : 'accept'
    // Binance 3: "If lastUpdateId is strictly less than the U of the first event, go back to 2."
    // One less is still a bridge: that event is then the very next one.
    const { length, first_id } = this.buffer
    if (length > 0 && update.last_id + 1 < first_id) return 'wait'
    this.phase = length === 0 ? 'seeded' : 'synced'
    return 'accept'
  }

  private judgeDelta(update: BookUpdate): Verdict {
    if (this.phase === 'waiting') {
      if (this.continuity === 'range') this.keep(update)
      return 'wait'
    }
    switch (this.continuity) {
      case 'range':
        return this.judgeRange(update)
      case 'increment':
        // Bybit promises no more than order; +1 held on millions of deltas and a break is a loss
        if (update.last_id <= this.last_id) return 'drop'
        return update.last_id === this.last_id + 1 ? 'accept' : 'gap'
      case 'chain':
        return this.judgeLink(update)
      case 'none':
        return this.judgeTime(update)
      case 'checksum':
        return 'accept'
    }
  }

  /** `first_id` is one more than the id that the delta follows. */
  private judgeLink(update: BookUpdate): Verdict {
    const { first_id, last_id } = update
    // recordings may be older than the ids
    if (Number.isNaN(last_id) && Number.isNaN(this.last_id)) return this.judgeTime(update)
    // a last id that goes back is a count that begins anew: what was lost with it nobody says
    if (first_id === this.last_id + 1 && last_id >= this.last_id) return 'accept'
    return last_id === this.last_id ? 'drop' : 'gap'
  }

  /** No ids at all: only a clock that runs backwards shows that frames were reordered. */
  private judgeTime(update: BookUpdate): Verdict {
    return update.exchange_time_ms < this.last_time_ms ? 'gap' : 'accept'
  }

  private judgeRange(update: BookUpdate): Verdict {
    // Binance 7.1: "If the event's first update id U > your local id + 1, you missed some events:
    // discard your local book and restart."
    if (update.first_id > this.last_id + 1) return 'gap'
    this.phase = 'synced'
    // 5 and 7.2: "If the event's last update id u <= your local id, ignore the event."
    return update.last_id <= this.last_id ? 'drop' : 'accept'
  }

  private keep(update: BookUpdate): void {
    const { last_id } = this.buffer
    if (update.last_id <= last_id) return
    // a hole among the waiting events: only what follows it can be bridged
    if (update.first_id > last_id + 1) this.buffer = new Waiting()
    if (this.buffer.length === BUFFER_LIMIT) this.buffer.shift()
    this.buffer.push(update)
  }
}
