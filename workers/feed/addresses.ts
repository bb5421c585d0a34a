/**
 * Which of an exchange's addresses to use: the first that is not set aside. One that refuses us
 * (HTTP 451 or 403) is left alone for long, one that cannot be had for a while; both are tried again
 * in their old order afterwards. It asks nobody and opens nothing.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { BLOCKED_RETRY_MS } from './backoff.ts'

/** so many attempts that never opened, one after another, and another address is tried */
const FAILURES = 3
const AVOIDED_FOR_MS = 300_000

/** Where an exchange's streams are, and how it is spoken to there. */
export interface Door {
  readonly url: string
  readonly exchange: Exchange
}

/** In order. An address that an operator chose has no alternatives. */
export function doorsOf(exchange: Exchange, websocket_url: string): Door[] {
  const own = { url: websocket_url, exchange }
  if (websocket_url !== exchange.websocket_url) return [own]
  const others = (exchange.alternatives ?? []).flatMap(({ websocket_url: url, protocol }) =>
    url === undefined ? [] : [{ url, exchange: { ...exchange, ...protocol } }],
  )
  return [own, ...others]
}

/** In order. An address that an operator chose has no alternatives. */
export function restAddressesOf(exchange: Exchange, rest_url: string): string[] {
  if (rest_url !== exchange.rest_url) return [rest_url]
  return [rest_url, ...(exchange.alternatives ?? []).flatMap(({ rest_url: url }) => url ?? [])]
}

interface Entry<Address> {
  readonly address: Address
  refused_until_ms: number
  avoided_until_ms: number
  failures: number
}

export class Addresses<Address> {
  private readonly entries: readonly Entry<Address>[]
  private readonly clock: Clock

  constructor(addresses: readonly Address[], clock: Clock) {
    this.clock = clock
    this.entries = addresses.map((address) => ({
      address,
      refused_until_ms: Number.NEGATIVE_INFINITY,
      avoided_until_ms: Number.NEGATIVE_INFINITY,
      failures: 0,
    }))
  }

  /** The first that is not set aside, or the one whose turn comes first. */
  get current(): Address {
    const now_ms = this.clock.monotonic_ms()
    const free = this.entries.find((entry) => untilOf(entry) <= now_ms)
    const [soonest] = [...this.entries].sort(
      (a, b) => a.refused_until_ms - b.refused_until_ms || a.avoided_until_ms - b.avoided_until_ms,
    )
    const chosen = free ?? soonest
    if (chosen === undefined) throw new Error('an exchange without an address')
    return chosen.address
  }

  /** True while it is not the first. */
  get elsewhere(): boolean {
    return this.current !== this.entries[0]?.address
  }

  /** Milliseconds until any of them may be asked again; 0 unless all refuse us. */
  get blocked_for_ms(): number {
    const until_ms = Math.min(...this.entries.map(({ refused_until_ms }) => refused_until_ms))
    return Math.max(0, until_ms - this.clock.monotonic_ms())
  }

  /** The exchange does not serve us there. Returns blocked_for_ms: 0 when another can be tried. */
  refused(address: Address): number {
    const entry = this.entryOf(address)
    entry.refused_until_ms = this.clock.monotonic_ms() + BLOCKED_RETRY_MS
    return this.blocked_for_ms
  }

  /** An attempt failed for any other reason. */
  failed(address: Address): void {
    const entry = this.entryOf(address)
    if (++entry.failures >= FAILURES) this.avoid(address)
  }

  succeeded(address: Address): void {
    this.entryOf(address).failures = 0
  }

  /** It answers, but not with what we need. True when there is another to try. */
  avoid(address: Address): boolean {
    const entry = this.entryOf(address)
    entry.failures = 0
    entry.avoided_until_ms = this.clock.monotonic_ms() + AVOIDED_FOR_MS
    return this.entries.some((other) => untilOf(other) <= this.clock.monotonic_ms())
  }

  private entryOf(address: Address): Entry<Address> {
    const entry = this.entries.find((candidate) => candidate.address === address)
    if (entry === undefined) throw new Error('an address of another exchange')
    return entry
  }
}

function untilOf({ refused_until_ms, avoided_until_ms }: Entry<unknown>): number {
  return Math.max(refused_until_ms, avoided_until_ms)
}
