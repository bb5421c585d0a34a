/**
 * Minutes of the worst weather over a virtual clock, for every exchange: doors that refuse, links
 * that die young, snapshots that are refused, books that lose their thread again and again. Whatever
 * happens, no budget is exceeded, and when the weather clears every book is live.
 */
import type { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../shared/log.ts'
import { Books } from '../book/books.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { exchanges } from '../exchanges/index.ts'
import { dialects, TrueBook, testMarket } from '../exchanges/testing.ts'
import { Feed } from './feed.ts'
import { START } from './testing-server.ts'

interface Dialler extends EventEmitter {
  readyState: number
}

const world = vi.hoisted(() => ({
  dialled: (_socket: unknown) => {},
  said: (_socket: unknown, _frame: string) => {},
}))

vi.mock('ws', async () => {
  const { EventEmitter: Emitter } = await import('node:events')
  class FakeSocket extends Emitter {
    static readonly OPEN = 1
    readyState = 0
    constructor() {
      super()
      world.dialled(this)
    }
    send(frame: string) {
      world.said(this, frame)
    }
    ping() {
      setTimeout(() => this.readyState === 1 && this.emit('pong'), 5)
    }
    terminate() {
      if (this.readyState === 3) return
      this.readyState = 3
      setTimeout(() => this.emit('close', 1006, Buffer.from('')), 1)
    }
  }
  const actual = await vi.importActual<object>('ws')
  return { ...actual, default: FakeSocket, WebSocket: FakeSocket }
})

const WEATHER = ['calm', 'refuse', 'throttle', 'die young', 'mute', 'gaps'] as const
type Weather = (typeof WEATHER)[number]

/** xorshift32: the storm of a seed is always the same. */
function dice(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** Most cost within any window; each event as [ms, cost], in order. */
function most(events: readonly (readonly [number, number])[], window_ms: number): number {
  let [sum, worst, from] = [0, 0, 0]
  for (const [at_ms, cost] of events) {
    sum += cost
    while (at_ms - (events[from]?.[0] ?? at_ms) >= window_ms) sum -= events[from++]?.[1] ?? 0
    worst = Math.max(worst, sum)
  }
  return worst
}

/** One exchange with three connections of four markets, and tight budgets so that they bind. */
function scene(original: Exchange, seed: number) {
  const { market } = dialects[original.id]!
  const separator = /[-/]/.exec(market)?.[0] ?? ''
  const quote = separator === '' ? 'USDT' : 'USD'
  const names = Array.from({ length: 12 }, (_, n) => `M${n + 10}${separator}${quote}`)
  const exchange: Exchange = {
    ...original,
    limits: {
      ...original.limits,
      markets_per_connection: 4,
      connects: { count: 8, window_ms: 60_000 },
      // so that links are replaced in the middle of it
      connection_life_ms: 90_000,
      rest: { ...original.limits.rest, weight: Math.min(300, original.limits.rest.weight) },
    },
  }
  return { exchange, names, random: dice(seed) }
}

const RETRY_AFTER_S = 7

function weightOf(exchange: Exchange, url: string): number {
  const { snapshot, audit, trading_status = [] } = exchange
  const status = trading_status.find(({ path }) => url.endsWith(path))
  if (status !== undefined) return status.weight
  for (const procedure of [snapshot, audit]) {
    const marker = procedure?.path('@')
    if (marker === undefined || procedure === undefined) continue
    const [before = '', after = ''] = marker.split('%40')
    if (url.includes(before) && url.endsWith(after)) return procedure.weight
  }
  return 1
}

async function weather(original: Exchange, seed: number, phases: readonly Weather[]) {
  const { exchange, names, random } = scene(original, seed)
  const dialect = dialects[original.id]!
  const truths = new Map(names.map((name) => [name, new TrueBook(START)]))
  const began_ms = Date.now()
  let now: Weather = 'calm'
  const connects: [number, number][] = []
  const requests: [number, number][] = []
  const throttled: { kind: 'connect' | 'rest'; at_ms: number }[] = []
  const frames = new Map<Dialler, [number, number][]>()
  const subscribed = new Map<Dialler, Map<string, number>>()

  world.dialled = (raw) => {
    const socket = raw as Dialler
    connects.push([Date.now(), 1])
    frames.set(socket, [])
    const status = now === 'refuse' ? 503 : now === 'throttle' ? 429 : undefined
    setTimeout(() => {
      if (socket.readyState !== 0) return
      if (status !== undefined) {
        if (status === 429) throttled.push({ kind: 'connect', at_ms: Date.now() })
        const headers = { 'retry-after': String(RETRY_AFTER_S) }
        socket.emit('unexpected-response', { destroy: () => {} }, { statusCode: status, headers })
        return
      }
      socket.readyState = 1
      subscribed.set(socket, new Map())
      socket.emit('open')
      if (now === 'die young') setTimeout(() => end(socket), random() * 5_000)
    }, 20)
  }
  const end = (socket: Dialler) => {
    if (socket.readyState === 3) return
    socket.readyState = 3
    socket.emit('close', 1001, Buffer.from('going away'))
  }
  world.said = (raw, frame) => {
    const socket = raw as Dialler
    frames.get(socket)?.push([Date.now(), 1])
    const own = subscribed.get(socket)
    const named = names.filter((name) => frame.toUpperCase().includes(name))
    const leaving = /unsubscribe/i.test(frame)
    for (const name of named) {
      own?.delete(name)
      if (leaving || now === 'mute') continue
      own?.set(name, 0)
      if (dialect.snapshots === 'socket') deliver(socket, dialect.snapshot(truths.get(name)!, name))
    }
  }
  const deliver = (socket: Dialler, frame: string) =>
    setTimeout(() => socket.readyState === 1 && socket.emit('message', Buffer.from(frame)), 10)

  vi.stubGlobal('fetch', async (url: string) => {
    requests.push([Date.now(), weightOf(exchange, url)])
    if (now === 'throttle' && random() < 0.5) {
      throttled.push({ kind: 'rest', at_ms: Date.now() })
      return new Response('', { status: 429, headers: { 'retry-after': String(RETRY_AFTER_S) } })
    }
    if (now === 'refuse') return new Response('', { status: 503 })
    const name = names.find((one) => decodeURIComponent(url).includes(one))
    const asks_book = exchange.snapshot !== undefined && name !== undefined
    if (!asks_book) return new Response('', { status: 404 })
    return new Response(dialect.snapshot(truths.get(name)!, name))
  })

  const clock = { monotonic_ms: () => Date.now() - began_ms, wall_ms: () => Date.now() }
  const feed = new Feed({
    exchange,
    websocket_url: 'ws://exchange.test',
    rest_url: 'http://exchange.test',
    markets: names.map((name) => testMarket(exchange.id, name)),
    books: new Books(),
    clock,
    log: silentLog,
    random,
  })
  feed.start()
  const ticker = setInterval(() => {
    for (const [name, truth] of truths) {
      const size = `${1 + Math.floor(random() * 9)}.0000`
      const changes = truth.change([['bid', '99.95', size]])
      truth.time_ms = Date.now()
      for (const [socket, own] of subscribed) {
        const batch = own.get(name)
        if (batch === undefined || socket.readyState !== 1 || now === 'mute') continue
        own.set(name, batch + 1)
        const lost = now === 'gaps' && random() < 0.3
        const frame = dialect.delta(truth, changes, batch + 1, name)
        if (!lost) deliver(socket, frame)
      }
    }
  }, 500)
  for (const phase of phases) {
    now = phase
    await vi.advanceTimersByTimeAsync(20_000 + random() * 40_000)
  }
  now = 'calm'
  await vi.advanceTimersByTimeAsync(240_000)
  const status = feed.status()
  clearInterval(ticker)
  await feed.stop()
  return { exchange, status, connects, requests, throttled, frames }
}

describe.each(exchanges)('$id in a storm', (exchange) => {
  it('exceeds no budget, obeys who throttles it, and has every book back afterwards', async () => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    })
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 2 ** 30 }),
          fc.array(fc.constantFrom(...WEATHER), { minLength: 1, maxLength: 6 }),
          async (seed, phases) => {
            const seen = await weather(exchange, seed, phases)
            const { limits } = seen.exchange
            expect(most(seen.connects, limits.connects.window_ms)).toBeLessThanOrEqual(
              limits.connects.count,
            )
            expect(most(seen.requests, limits.rest.window_ms)).toBeLessThanOrEqual(
              limits.rest.weight,
            )
            for (const sent of seen.frames.values()) {
              // a ping of the protocol's own may come on top
              expect(most(sent, 1_000)).toBeLessThanOrEqual(limits.frames_per_second + 1)
            }
            for (const { kind, at_ms } of seen.throttled) {
              const spent = kind === 'connect' ? seen.connects : seen.requests
              const early = spent.filter(
                ([ms]) => ms > at_ms + 50 && ms < at_ms + RETRY_AFTER_S * 1_000,
              )
              expect(early).toEqual([])
            }
            expect(seen.status).toMatchObject({ books_live: 12, state: 'online', connected: true })
          },
        ),
        { numRuns: 3 },
      )
    } finally {
      vi.useRealTimers()
      vi.unstubAllGlobals()
    }
  }, 60_000)
})
