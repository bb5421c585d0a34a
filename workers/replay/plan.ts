/**
 * How the connections of recordings follow each other. A recording says when a connection opens and
 * never when it ends; what comes later in the file does: one that another takes over from is gone
 * after its last frame, one that nobody replaces was alive when the recording stopped.
 */
import type { Exchange } from '../exchanges/exchange.ts'

export interface ConnectionPlan {
  readonly exchange: Exchange
  /** those with a book frame on it */
  readonly markets: ReadonlySet<string>
  /** its markets count as subscribed from the file's first line on, not only from its own */
  readonly from_start: boolean
  /** another connection carries some of its markets later */
  readonly replaced: boolean
  /** where its last frame stands */
  readonly last: LinePlace
}

export interface LinePlace {
  readonly file_index: number
  readonly number: number
}

/** One connection as it was found in one file. */
export interface Found {
  readonly exchange: Exchange
  readonly key: string
  readonly ordinal: number
  /** began with an `open` line or with a snapshot */
  fresh: boolean
  readonly markets: Set<string>
  start_ms: number
  last: LinePlace
}

export interface FoundFile {
  readonly start_ms: number
  readonly end_ms: number
  /** in the order in which they began */
  readonly connections: readonly Found[]
}

/** The plan of each connection found; several files may hold parts of one. */
export function planConnections(files: readonly FoundFile[]): Map<Found, ConnectionPlan> {
  const joined = joinParts(files)
  const heads = [...new Set(joined.values())].sort((a, b) => a.start_ms - b.start_ms)
  const replaced = findReplaced(heads)
  const awaited = new Set(files.flatMap(({ connections }) => awaitedFromStart(connections)))
  const plans = new Map(
    heads.map((head): [Found, ConnectionPlan] => {
      const { exchange, markets, last } = head
      const more = { from_start: awaited.has(head), replaced: replaced.has(head) }
      return [head, { exchange, markets, last, ...more }]
    }),
  )
  const planOf = (head: Found) => plans.get(head) as ConnectionPlan
  return new Map([...joined].map(([found, head]) => [found, planOf(head)]))
}

/**
 * A recording that is cut into files goes on without an `open` line and in the middle of a book:
 * such a connection is the one to the same address in the last file that had ended by then. Maps
 * every part to its first.
 */
function joinParts(files: readonly FoundFile[]): Map<Found, Found> {
  const head_of = new Map<Found, Found>()
  const ended: { readonly end_ms: number; readonly latest: ReadonlyMap<string, Found> }[] = []
  const continued = new Set<Found>()
  for (const file of [...files].sort((a, b) => a.start_ms - b.start_ms)) {
    const before = ended
      .filter(({ end_ms }) => end_ms <= file.start_ms)
      .sort((a, b) => b.end_ms - a.end_ms)
    for (const part of file.connections) {
      const previous =
        part.fresh || part.ordinal > 0
          ? undefined
          : before
              .map(({ latest }) => latest.get(part.key))
              .find((one) => one && !continued.has(one))
      const head = (previous && head_of.get(previous)) ?? part
      head_of.set(part, head)
      if (previous === undefined) continue
      continued.add(previous)
      for (const market of part.markets) head.markets.add(market)
      head.last = part.last
    }
    const latest = new Map(file.connections.map((found) => [found.key, found]))
    ended.push({ end_ms: file.end_ms, latest })
  }
  return head_of
}

/** Connections that are not the last to carry each of their markets. */
function findReplaced(heads: readonly Found[]): Set<Found> {
  const replaced = new Set<Found>()
  const carrier = new Map<string, Found>()
  for (const head of heads) {
    for (const market of head.markets) {
      const name = `${head.exchange.id} ${market}`
      const previous = carrier.get(name)
      if (previous !== undefined) replaced.add(previous)
      carrier.set(name, head)
    }
  }
  return replaced
}

/**
 * The first connection of a file for each market: what a snapshot that stands before it in the file
 * is for. Later ones begin where they stand.
 */
function awaitedFromStart(connections: readonly Found[]): Found[] {
  const seen = new Set<string>()
  return connections.filter(({ exchange, markets }) => {
    const names = [...markets].map((market) => `${exchange.id} ${market}`)
    const first = names.every((name) => !seen.has(name))
    for (const name of names) seen.add(name)
    return first
  })
}
