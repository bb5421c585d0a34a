/**
 * Which exchange a recorded address belongs to, told by its host, and whether the protocol spoken
 * there is the one that the exchange's adapter reads. It opens no address.
 */
import type { Exchange } from '../exchanges/exchange.ts'

export interface Speaker {
  readonly exchange: Exchange
  /** false: the exchange's host, but an older protocol or other books than the adapter reads */
  readonly is_read: boolean
}

export class Hosts {
  readonly exchanges: readonly Exchange[]
  private readonly by_host: ReadonlyMap<string, Exchange>
  /** connections have few addresses and many lines */
  private readonly known = new Map<string, Speaker | null>()

  constructor(exchanges: readonly Exchange[]) {
    this.exchanges = exchanges
    this.by_host = new Map(
      exchanges.flatMap((exchange) => exchange.hosts.map((host) => [host, exchange] as const)),
    )
  }

  /** Whose connection this is; null for a stranger's. */
  stream(address: string): Speaker | null {
    const known = this.known.get(address)
    if (known !== undefined) return known
    const { hostname, pathname } = new URL(address)
    const exchange = this.by_host.get(hostname)
    const speaker =
      exchange === undefined
        ? null
        : { exchange, is_read: exchange.stream_paths.some((path) => isBelow(pathname, path)) }
    this.known.set(address, speaker)
    return speaker
  }

  /** Whose REST answer this is. */
  rest(url: URL): Exchange | undefined {
    return this.by_host.get(url.hostname)
  }
}

function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}
