/**
 * Three hundred markets on each exchange, subscribed over real sockets and held against the limits
 * that the exchanges publish, which are written down here once more and not taken from the code.
 */
import { describe, expect, it } from 'vitest'
import { exchanges } from '../exchanges/index.ts'
import { exchangeServer, startFeed, WAIT } from './testing-server.ts'

const MARKETS = 300

interface Published {
  /** a long name, as the exchange spells them */
  readonly name: (n: number) => string
  /** what one client frame subscribes */
  readonly topics: (frame: Record<string, unknown>) => string[]
  readonly frames_per_second?: number
  readonly topics_per_frame?: number
  readonly frame_bytes?: number
  readonly topics_per_connection?: number
  /** sum of the texts of all topics of a connection */
  readonly topic_characters?: number
  readonly first_frame_within_ms?: number
  readonly connects: { readonly count: number; readonly window_ms: number }
  readonly connections: number
}

const published: Record<string, Published> = {
  binance: {
    name: (n) => `1000LONGCOIN${n}USDT`,
    topics: ({ params }) => params as string[],
    // PING and PONG frames count too
    frames_per_second: 5,
    frame_bytes: 4_096,
    topics_per_connection: 1_024,
    connects: { count: 300, window_ms: 300_000 },
    connections: 2,
  },
  bybit: {
    name: (n) => `1000LONGCOIN${n}USDT`,
    topics: ({ args }) => (args as string[] | undefined) ?? [],
    topics_per_frame: 10,
    topic_characters: 21_000,
    connects: { count: 500, window_ms: 300_000 },
    connections: 2,
  },
  coinbase: {
    name: (n) => `LONGCOIN${n}-USD`,
    topics: ({ product_ids }) => (product_ids as string[] | undefined) ?? [],
    frames_per_second: 100,
    first_frame_within_ms: 5_000,
    connects: { count: 8, window_ms: 1_000 },
    connections: 5,
  },
  kraken: {
    name: (n) => `LONGCOIN${n}/USD`,
    topics: ({ params }) => (params as { symbol?: string[] } | undefined)?.symbol ?? [],
    frames_per_second: 10,
    connects: { count: 150, window_ms: 600_000 },
    connections: 2,
  },
}

interface Seen {
  readonly at_ms: number
  readonly bytes: number
  readonly topics: readonly string[]
}

/** Most of `times_ms` within any window. */
function most(times_ms: readonly number[], window_ms: number): number {
  const counts = times_ms.map(
    (from_ms) => times_ms.filter((at_ms) => at_ms >= from_ms && at_ms < from_ms + window_ms).length,
  )
  return Math.max(0, ...counts)
}

describe.each(exchanges)('$id', (exchange) => {
  it(`subscribes ${MARKETS} markets within every limit`, async () => {
    const rules = published[exchange.id]!
    const opened_ms: number[] = []
    const seen: Seen[][] = []
    const server = await exchangeServer({
      connected: (_socket, index) => {
        opened_ms[index] = performance.now()
        seen[index] = []
      },
      said: (_socket, frame, index) => {
        const bytes = JSON.stringify(frame).length
        seen[index]!.push({ at_ms: performance.now(), bytes, topics: rules.topics(frame) })
      },
    })
    const names = Array.from({ length: MARKETS }, (_, n) => rules.name(n))
    const { feed } = startFeed(server, exchange, names)
    const topics = () => seen.flat().flatMap((frame) => frame.topics)
    await expect.poll(() => topics().length, { ...WAIT, timeout: 20_000 }).toBe(MARKETS)

    expect(new Set(topics()).size).toBe(MARKETS)
    for (const name of names) {
      expect(topics().some((topic) => topic.toUpperCase().includes(name))).toBe(true)
    }
    expect(seen).toHaveLength(rules.connections)
    expect(most(opened_ms, rules.connects.window_ms)).toBeLessThanOrEqual(rules.connects.count / 2)
    for (const [index, frames] of seen.entries()) {
      const times_ms = frames.map(({ at_ms }) => at_ms)
      const limit = (value: number | undefined) => value ?? Number.POSITIVE_INFINITY
      expect(most(times_ms, 1_000)).toBeLessThanOrEqual(limit(rules.frames_per_second))
      expect(times_ms[0]! - opened_ms[index]!).toBeLessThan(limit(rules.first_frame_within_ms))
      for (const { bytes, topics: named } of frames) {
        expect(bytes).toBeLessThanOrEqual(limit(rules.frame_bytes))
        expect(named.length).toBeLessThanOrEqual(limit(rules.topics_per_frame))
      }
      const carried = frames.flatMap((frame) => frame.topics)
      expect(carried.length).toBeLessThanOrEqual(limit(rules.topics_per_connection))
      expect(carried.join('').length).toBeLessThanOrEqual(limit(rules.topic_characters))
    }
    expect(feed.status()).toMatchObject({ connected: true, books_total: MARKETS })
  })
})
