/** A planned replacement of connections: whatever the markets do meanwhile, no book leaves live. */
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { WebSocket } from 'ws'
import { binance } from '../exchanges/binance.ts'
import { type Change, dialects, TrueBook } from '../exchanges/testing.ts'
import { quietMarkets } from './handover.ts'
import { Bench } from './testing.ts'
import { allLive, exchangeServer, START, startFeed, WAIT, withIdle } from './testing-server.ts'

/** minutes pass quickly here */
const SPEED = 20
const clock = { monotonic_ms: () => performance.now() * SPEED, wall_ms: () => Date.now() }

/** Binance with so many markets; each subscriber gets what it subscribed, from then on. */
async function market300(names: readonly string[]) {
  const truths = new Map(names.map((name) => [name, new TrueBook(START)]))
  // without a time on its frames nobody finds a busy machine late
  for (const truth of truths.values()) truth.time_ms = Number.NaN
  const subscribed = new Map<WebSocket, Set<string>>()
  const server = await exchangeServer({
    rest: (request, response) => {
      const symbol = new URL(request.url ?? '', 'http://x').searchParams.get('symbol') ?? ''
      response.end(dialects.binance!.snapshot(truths.get(symbol)!))
    },
    connected: (socket) => void subscribed.set(socket, new Set()),
    said: (socket, { method, params, id }) => {
      socket.send(JSON.stringify({ result: null, id }))
      if (method !== 'SUBSCRIBE') return
      for (const stream of params as string[]) {
        subscribed.get(socket)?.add(stream.split('@')[0]!.toUpperCase())
      }
    },
  })
  let batch = 0
  const change = (name: string) => {
    const truth = truths.get(name)!
    const changes = truth.change([['bid', '99.95', `${1 + (++batch % 9)}.0000`]])
    const frame = dialects.binance!.delta(truth, changes, batch, name)
    for (const [socket, streams] of subscribed) if (streams.has(name)) socket.send(frame)
  }
  const shutDown = (socket: WebSocket) =>
    socket.send('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}')
  return { ...server, truths, change, shutDown }
}

describe('three hundred markets of Binance, half of them silent,', () => {
  const names = Array.from({ length: 300 }, (_, n) => `M${n}USDT`)
  async function start() {
    const server = await market300(names)
    const limits = {
      ...binance.limits,
      rest: { weight: 1_000_000, window_ms: 60_000 },
      connection_life_ms: Number.POSITIVE_INFINITY,
    }
    const patient = withIdle({ ...binance, limits }, 10_000 * SPEED)
    const started = startFeed(server, patient, names, { clock })
    // every market speaks until it is known; from then on every other one is silent
    let speaking: readonly string[] = names
    const ticker = setInterval(() => speaking.forEach(server.change), 100)
    onTestFinished(() => clearInterval(ticker))
    await allLive(started.feed, 300)
    speaking = names.filter((_, n) => n % 2 === 0)
    expect(server.sockets).toHaveLength(2)
    return { server, limits, ...started }
  }

  const everyBookIsRight = ({ server, entry }: Awaited<ReturnType<typeof start>>) => {
    for (const name of names) {
      const { book } = entry(name)
      const [price, size] = server.truths.get(name)!.levels('bids', 1)[0]!
      expect([book.bids.price(0), book.bids.size(0)]).toEqual([Number(price), Number(size)])
    }
  }

  it('stay live when the exchange announces that it shuts down', async () => {
    const started = await start()
    const { server, feed, books } = started
    const before = books.history.length
    const [first, second] = server.sockets
    server.shutDown(first!)
    server.shutDown(second!)
    await expect.poll(() => [first!.readyState, second!.readyState], WAIT).toEqual([3, 3])
    await expect.poll(() => server.sockets.filter((s) => s.readyState === 1).length, WAIT).toBe(2)
    expect(books.history.slice(before)).toEqual([])
    for (const name of names) server.change(name)
    await expect.poll(() => everyBookIsRight(started), WAIT).toBeUndefined()
    expect(books.history.slice(before)).toEqual([])
    expect(feed.status()).toMatchObject({ books_live: 300, gaps_total: 0, reconnects_total: 0 })
  }, 40_000)

  it('stay live when their connections grow old', async () => {
    const { server, feed, books, limits } = await start()
    const before = books.history.length
    const [first, second] = server.sockets
    limits.connection_life_ms = 1
    await expect.poll(() => [first!.readyState, second!.readyState], WAIT).toEqual([3, 3])
    expect(books.history.slice(before)).toEqual([])
    expect(feed.status()).toMatchObject({ books_live: 300, gaps_total: 0, reconnects_total: 0 })
  }, 40_000)

  it('stay live when the old connection ends before its successor has heard of all', async () => {
    const started = await start()
    const { server, feed, books } = started
    const before = books.history.length
    const [first] = server.sockets
    server.shutDown(first!)
    await expect.poll(() => server.sockets.length, WAIT).toBe(3)
    // a few seconds of the exchange's time: the lively half has joined
    await expect.poll(() => server.frames.length, WAIT).toBeGreaterThanOrEqual(5)
    const opened_ms = clock.monotonic_ms()
    await expect.poll(() => clock.monotonic_ms() - opened_ms, WAIT).toBeGreaterThan(5_000)
    first!.close(1001)
    await expect.poll(() => first!.readyState, WAIT).toBe(3)
    for (const name of names) server.change(name)
    await expect.poll(() => everyBookIsRight(started), WAIT).toBeUndefined()
    expect(books.history.slice(before)).toEqual([])
    expect(feed.status().books_live).toBe(300)
  }, 40_000)
})

describe('a quiet market', () => {
  const plan = { continuity: 'range', markets_per_frame: 2 } as const

  /** BUSY has joined the new line; QUIET is still carried by the old one. */
  function bench() {
    const world = new Bench(binance, ['BUSY', 'QUIET'])
    const truths = { BUSY: new TrueBook(START), QUIET: new TrueBook(START) }
    const delta = (name: 'BUSY' | 'QUIET', n: number) => {
      const changes: Change[] = [['bid', '99.95', `${n + 1}.0000`]]
      return dialects.binance!.delta(truths[name], truths[name].change(changes), n, name)
    }
    for (const [at, name] of (['BUSY', 'QUIET'] as const).entries()) {
      const body = dialects.binance!.snapshot(truths[name])
      world.frame(delta(name, 0))
      world.intake.snapshot(world.lanes[at]!, body, world.now_ms)
    }
    const next = world.intake.line()
    for (const lane of world.lanes) next.succeed(lane)
    const take = () => quietMarkets(world.lanes, next, 5_000, plan).map(({ market }) => market)
    return { world, next, delta, truths, take, quiet: world.lanes[1]! }
  }

  it('is taken over once another of its request has joined, and not before', () => {
    const { world, next, delta, take, quiet } = bench()
    expect(quiet.entry.state).toBe('live')
    expect(take()).toEqual([])
    const frame = delta('BUSY', 1)
    world.frame(frame)
    world.frame(frame, next)
    expect(take()).toEqual(['QUIET'])
    expect(quietMarkets(world.lanes, next, 500, plan)).toEqual([])
    expect(quietMarkets(world.lanes, next, 5_000, { ...plan, markets_per_frame: 1 })).toEqual([])
    expect(quietMarkets(world.lanes, next, 5_000, { ...plan, continuity: 'increment' })).toEqual([])
  })

  it('holds whatever was heard of it on either line when it is taken over', () => {
    const deliveries = fc.array(fc.constantFrom('old', 'new'), { maxLength: 40 })
    fc.assert(
      fc.property(fc.nat(5), fc.nat(5), deliveries, (count, subscribed_at, order) => {
        const { world, next, delta, truths, take, quiet } = bench()
        const busy = delta('BUSY', 1)
        world.frame(busy)
        world.frame(busy, next)
        const frames = Array.from({ length: count }, (_, n) => delta('QUIET', n + 1))
        // the new line carries what happened since it subscribed; each line keeps its order
        const streams = { old: [...frames], new: frames.slice(subscribed_at) }
        let heard = 0
        for (const which of order) {
          const frame = streams[which].shift()
          if (frame === undefined) continue
          world.frame(frame, which === 'old' ? world.line : next)
          heard = Math.max(heard, frames.indexOf(frame) + 1)
        }
        if (quiet.carrier === next || !take().includes('QUIET')) return
        next.carry(quiet)
        const size = () => quiet.entry.book.bids.size(0)
        expect(size()).toBe(heard + 1)
        // and a change that was missed shows with the next one
        const last = delta('QUIET', count + 1)
        for (const frame of [...streams.new, last]) world.frame(frame, next)
        const right = size() === Number(truths.QUIET.levels('bids', 1)[0]![1])
        expect(right || quiet.entry.state !== 'live').toBe(true)
      }),
    )
  })
})
