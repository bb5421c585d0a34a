/**
 * What a fault holds in doubt and for how long: where nobody could trade, what nobody could know yet,
 * and which gaps are therefore not asked for. A place is a symbol of an exchange, "ADA/" for all of a
 * base, or the whole exchange.
 */
import type { Gap, JudgedClaim } from './judge.ts'

export interface Place {
  readonly exchange: string
  /** undefined: the whole exchange */
  readonly symbol?: string | undefined
}

interface DoubtOptions {
  /** true: a book stands there and nobody trades */
  readonly halted?: boolean
  /** from the beginning of the fault nobody can tell for so long that something is wrong */
  readonly unknowable_ms?: number
}

interface Doubt extends Required<DoubtOptions> {
  readonly place: Place
  readonly from_ms: number
  to_ms: number
}

/** Ends the doubt, now. */
export type EndDoubt = () => void

/** Until a book is resynced, out of quarantine and its exchange's backlog is read. */
const RECOVERED_WITHIN_MS = 3_000
/** A stalled exchange looks fresh until its silence is longer than the others' (MAX_SKEW_MS, 2,000). */
export const SILENT_MS = 2_150

export class Doubts {
  private readonly doubts: Doubt[] = []

  /** All of the run. */
  always(place: Place): void {
    this.doubts.push(doubtOf(place, 0, {}))
  }

  /** From now on. */
  begin(place: Place, options: DoubtOptions = {}): EndDoubt {
    const doubt = doubtOf(place, Date.now(), options)
    this.doubts.push(doubt)
    return () => {
      doubt.to_ms = Date.now()
    }
  }

  /** A halted market has a book and no trading. */
  tradable(market: { exchange: string; symbol: string }, ts: number): boolean {
    return !this.doubts.some((doubt) => doubt.halted && hits(doubt, market, ts, ts))
  }

  touches({ legs, from_ms, to_ms }: Pick<Gap, 'legs' | 'from_ms' | 'to_ms'>): boolean {
    return this.doubts.some((doubt) =>
      legs.some((leg) => hits(doubt, leg, from_ms - RECOVERED_WITHIN_MS, to_ms)),
    )
  }

  /** Announced from books that were wrong already, when nobody could tell yet. */
  isUnknowable({ legs, detected_ms }: Pick<JudgedClaim, 'legs' | 'detected_ms'>): boolean {
    return this.doubts.some(
      (doubt) =>
        detected_ms < doubt.from_ms + doubt.unknowable_ms &&
        legs.some((leg) => hits(doubt, leg, detected_ms, detected_ms)),
    )
  }
}

function doubtOf(place: Place, from_ms: number, options: DoubtOptions): Doubt {
  const { halted = false, unknowable_ms = 0 } = options
  return { place, from_ms, to_ms: Number.POSITIVE_INFINITY, halted, unknowable_ms }
}

function hits(
  { place, from_ms: begun_ms, to_ms: ended_ms }: Doubt,
  { exchange, symbol }: { exchange: string; symbol: string },
  from_ms: number,
  to_ms: number,
): boolean {
  const { symbol: name = symbol } = place
  const is_there = name.endsWith('/') ? symbol.startsWith(name) : symbol === name
  if (place.exchange !== exchange || !is_there) return false
  return from_ms < ended_ms && to_ms >= begun_ms
}
