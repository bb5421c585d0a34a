/**
 * Three hundred markets on each exchange, subscribed over real sockets and held against the limits
 * that the exchanges publish, as testing-<id>.ts has them: not taken from the code.
 */
import { describe, expect, it } from 'vitest'
import { exchanges } from '../exchanges/index.ts'
import { published } from '../exchanges/testing.ts'
import { exchangeServer, startFeed, WAIT } from './testing-server.ts'

const MARKETS = 300

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
