/**
 * The faults of the faulted run, one after the other, and what each of them touches: where nobody could
 * trade, what nobody could know yet, and which gaps are therefore not asked for.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sandbox } from '../../bench/load/sandbox.ts'
import type { Gap, JudgedClaim } from './judge.ts'
import type { Relay } from './relay.ts'

/** From the first moment on: another coin under the same ticker, another unit under the same name. */
export const LISTING_FAULTS = [
  'stranger bybit ADA 1.3',
  'stranger coinbase AVAX 1000',
  'unit kraken DOT 1000',
]

/** What a fault holds in doubt and for how long: a symbol, "ADA/" for all of a base, or the exchange. */
interface Doubt {
  readonly kind: 'listing' | 'crossed' | 'halted' | 'stalled' | 'lost'
  readonly exchange: string
  readonly symbol?: string
  readonly from_ms: number
  to_ms: number
}

/** Until a book is resynced, out of quarantine and its exchange's backlog is read. */
const RECOVERED_WITHIN_MS = 3_000
/** A stalled exchange looks fresh until its silence is longer than the others' (MAX_SKEW_MS, 2,000). */
const SILENT_MS = 2_150

export class Disturbance {
  private readonly doubts: Doubt[] = [
    {
      kind: 'listing',
      exchange: 'bybit',
      symbol: 'ADA/',
      from_ms: 0,
      to_ms: Number.POSITIVE_INFINITY,
    },
    {
      kind: 'listing',
      exchange: 'coinbase',
      symbol: 'AVAX/',
      from_ms: 0,
      to_ms: Number.POSITIVE_INFINITY,
    },
    {
      kind: 'listing',
      exchange: 'kraken',
      symbol: 'DOT/',
      from_ms: 0,
      to_ms: Number.POSITIVE_INFINITY,
    },
  ]

  /** About 24 seconds of trouble. */
  async run(sandbox: Sandbox, networks: ReadonlyMap<string, Relay>): Promise<void> {
    const network = (id: string) => {
      const found = networks.get(id)
      if (found === undefined) throw new Error(`no network of ${id}`)
      return found
    }
    await sleep(2_000)
    await sandbox.tell('peg USDC 0.93')
    await sleep(2_000)
    const crossed = this.begin('crossed', 'kraken', 'ETH/USD')
    await sandbox.tell('cross kraken ETH/USD 1500')
    await sleep(1_500)
    this.end(crossed)
    const halted = this.begin('halted', 'kraken', 'XRP/USD')
    await sandbox.tell('halt kraken XRP/USD')
    await sleep(3_500)
    this.end(halted)
    await sandbox.tell('open kraken XRP/USD')
    await sleep(1_000)
    const stalled = this.begin('stalled', 'bybit')
    network('bybit').stall()
    await sleep(4_000)
    this.end(stalled)
    network('bybit').resume()
    await sleep(2_000)
    for (const id of ['binance', 'kraken', 'bybit']) {
      const lost = this.begin('lost', id)
      network(id).lose(3)
      await sleep(1_500)
      this.end(lost)
    }
    await sandbox.tell('peg USDC 1')
    await sleep(3_000)
  }

  /** A halted market has a book and no trading. */
  tradable({ exchange, symbol }: { exchange: string; symbol: string }, ts: number): boolean {
    return !this.doubts.some(
      (doubt) => doubt.kind === 'halted' && hits(doubt, { exchange, symbol }, ts, ts),
    )
  }

  touches({ legs, from_ms, to_ms }: Gap): boolean {
    return this.doubts.some((doubt) =>
      legs.some((leg) => hits(doubt, leg, from_ms - RECOVERED_WITHIN_MS, to_ms)),
    )
  }

  /** Announced from books that were stale already, when nobody could tell yet. */
  isUnknowable({ legs, detected_ms }: JudgedClaim): boolean {
    return this.doubts.some(
      (doubt) =>
        doubt.kind === 'stalled' &&
        detected_ms < doubt.from_ms + SILENT_MS &&
        legs.some((leg) => hits(doubt, leg, detected_ms, detected_ms)),
    )
  }

  private begin(kind: Doubt['kind'], exchange: string, symbol?: string): Doubt {
    const place = symbol === undefined ? { exchange } : { exchange, symbol }
    const doubt = { kind, ...place, from_ms: Date.now(), to_ms: Number.POSITIVE_INFINITY }
    this.doubts.push(doubt)
    return doubt
  }

  private end(doubt: Doubt): void {
    doubt.to_ms = Date.now()
  }
}

function hits(
  doubt: Doubt,
  { exchange, symbol }: { exchange: string; symbol: string },
  from_ms: number,
  to_ms: number,
): boolean {
  const { symbol: place = symbol } = doubt
  const is_there = place.endsWith('/') ? symbol.startsWith(place) : symbol === place
  if (doubt.exchange !== exchange || !is_there) return false
  return from_ms < doubt.to_ms && to_ms >= doubt.from_ms
}
