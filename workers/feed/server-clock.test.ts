/** The estimate of an exchange's clock: its bounds, and what a feed reports on real sockets. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exchanges } from '../exchanges/index.ts'
import { kraken } from '../exchanges/kraken.ts'
import { dialects, published, TrueBook } from '../exchanges/testing.ts'
import { type Bounds, boundsOf, boundsOfPong, narrow } from './server-clock.ts'
import { asksBooks, exchangeServer, START, startFeed, WAIT } from './testing-server.ts'

describe('bounds', () => {
  const probe = fc.record({
    gap_ms: fc.integer({ min: 1, max: 5_000 }),
    out_ms: fc.integer({ min: 0, max: 400 }),
    back_ms: fc.integer({ min: 0, max: 400 }),
  })

  it('hold the truth whatever the way there and back takes, and never widen', () => {
    const offsets = fc.integer({ min: -60_000, max: 60_000 })
    const resolutions = fc.constantFrom(1, 1_000)
    fc.assert(
      fc.property(offsets, resolutions, fc.array(probe, { minLength: 1 }), (offset, step, all) => {
        let now_ms = 1_000
        let known: Bounds | null = null
        for (const { gap_ms, out_ms, back_ms } of all) {
          now_ms += gap_ms
          const server_ms = now_ms + out_ms + offset
          const told_ms = Math.floor(server_ms / step) * step
          const width_ms: number = known === null ? Infinity : known.most_ms - known.least_ms
          known = narrow(known, boundsOf(told_ms, step, now_ms, now_ms + out_ms + back_ms))
          now_ms += out_ms + back_ms
          expect(known.least_ms).toBeLessThanOrEqual(offset)
          expect(known.most_ms).toBeGreaterThanOrEqual(offset)
          expect(known.most_ms - known.least_ms).toBeLessThanOrEqual(width_ms)
        }
      }),
    )
  })

  it('of a pong hold the truth as well, and are as narrow as the way there and back', () => {
    const offsets = fc.integer({ min: -60_000, max: 60_000 })
    const held = fc.integer({ min: 0, max: 300 })
    fc.assert(
      fc.property(offsets, probe, held, (offset, { gap_ms, out_ms, back_ms }, held_ms) => {
        const asked_ms = gap_ms + 0.7
        const came_ms = Math.floor(asked_ms + out_ms + offset)
        const left_ms = Math.floor(asked_ms + out_ms + held_ms + offset)
        const received_ms = asked_ms + out_ms + held_ms + back_ms
        const pong = { sent_ms: Math.floor(asked_ms), came_ms, left_ms }
        const found = boundsOfPong(pong, received_ms)!
        expect(found.least_ms).toBeLessThanOrEqual(offset)
        expect(found.most_ms).toBeGreaterThanOrEqual(offset)
        // what the exchange kept it for does not count; whole milliseconds cost up to three
        expect(found.most_ms - found.least_ms).toBeLessThanOrEqual(out_ms + back_ms + 3)
      }),
    )
  })

  it.each([
    ['of a ping that was not ours', { sent_ms: 9_000, came_ms: 500, left_ms: 500 }],
    ['of another life', { sent_ms: -100_000, came_ms: 500, left_ms: 500 }],
    ['that left before it came', { sent_ms: 990, came_ms: 500, left_ms: 5_000 }],
  ])('are not taken from a pong %s', (_what, pong) => {
    expect(boundsOfPong(pong, 1_000)).toBeNull()
  })

  it('start anew when the clock was set between two answers', () => {
    const newer = boundsOf(40_000, 1, 9_000, 9_100)
    expect(narrow(boundsOf(1_000, 1, 900, 1_000), newer)).toBe(newer)
  })
})

describe('every exchange', () => {
  it.each(exchanges)('$id tells its time', ({ id, time }) => {
    const { body, at_ms } = published[id]!.time
    expect(time.parse(body)).toBe(at_ms)
    for (const body of ['', '{}', 'null', '{"serverTime":"soon","time":-1,"iso":"never"}']) {
      expect(() => time.parse(body)).toThrow(/./)
    }
  })
})

describe('a feed', () => {
  const AHEAD_MS = 30_000

  function serve(truth: TrueBook) {
    return exchangeServer({
      time: (response) => {
        const unixtime = Math.floor((Date.now() + AHEAD_MS) / 1_000)
        response.end(JSON.stringify({ error: [], result: { unixtime } }))
      },
      said: (socket, frame) => {
        if (asksBooks(frame)) socket.send(dialects.kraken!.snapshot(truth))
      },
    })
  }

  it('says how far the exchange’s clock is from ours, and what frames prove about it', async () => {
    const truth = new TrueBook(START)
    const server = await serve(truth)
    const { feed, state } = startFeed(server, kraken, ['BTC/USD'])
    await expect.poll(() => feed.status().clock_offset_ms, WAIT).not.toBeNull()
    // whole seconds and one way there and back: a second and a half at most
    expect(Math.abs(feed.status().clock_offset_ms! - AHEAD_MS)).toBeLessThan(1_500)
    await expect.poll(() => state('BTC/USD'), WAIT).toBe('live')
    const before_ms = feed.status().clock_offset_ms!
    // a frame that has just been sent tells how late the seconds were rounded
    const changes = truth.change([['bid', '99.95', '1.0000']])
    truth.time_ms = Date.now() + AHEAD_MS
    server.sockets[0]!.send(dialects.kraken!.delta(truth, changes, 1))
    await expect.poll(() => feed.status().messages_total, WAIT).toBeGreaterThan(1)
    expect(feed.status().clock_offset_ms!).toBeGreaterThanOrEqual(before_ms)
    expect(Math.abs(feed.status().clock_offset_ms! - AHEAD_MS)).toBeLessThan(1_500)
  })

  it('knows Kraken’s clock to milliseconds, though REST tells it whole seconds', async () => {
    const ping = { every_ms: 20, frame: kraken.keepalive.ping!.frame }
    const server = await exchangeServer({
      said: (socket, { method, req_id }) => {
        if (method !== 'ping') return
        const now = new Date(Date.now() + AHEAD_MS).toISOString().replace('Z', '456Z')
        socket.send(JSON.stringify({ method: 'pong', req_id, time_in: now, time_out: now }))
      },
    })
    const pinging = { ...kraken, keepalive: { ...kraken.keepalive, ping } }
    const { feed } = startFeed(server, pinging, ['BTC/USD'])
    const error_ms = () => Math.abs((feed.status().clock_offset_ms ?? Infinity) - AHEAD_MS)
    await expect.poll(error_ms, WAIT).toBeLessThan(20)
  })

  it('says nothing when the exchange does not tell its time', async () => {
    const server = await exchangeServer({})
    const { feed } = startFeed(server, kraken, ['BTC/USD'])
    await expect.poll(() => feed.status().connected, WAIT).toBe(true)
    expect(feed.status().clock_offset_ms).toBeNull()
  })
})
