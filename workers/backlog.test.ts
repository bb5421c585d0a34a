/**
 * What happens while the event loop is blocked must not be announced afterwards: two exchanges in a
 * thread of their own quote a gap that is over before anybody reads about it.
 */
import { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock as clock } from '../shared/clock.ts'
import { silentLog } from '../shared/log.ts'
import { Books } from './book/books.ts'
import { Detector } from './detection/detector.ts'
import { bybit } from './exchanges/bybit.ts'
import { testMarket } from './exchanges/testing.ts'
import { Feed } from './feed/feed.ts'
import { watchLateness } from './ops/lateness.ts'

const WAIT = { timeout: 20_000, interval: 20 }
const BLOCK_MS = 2_000

/**
 * Two servers that speak Bybit. Every 20 ms each sends a level; the second one bids 3 % more while
 * the wall clock is between the two moments that it was told.
 */
const EXCHANGES = `
const { createServer } = require('node:http')
const { parentPort } = require('node:worker_threads')
const { WebSocketServer } = require('ws')
let gap = [0, 0]
parentPort.on('message', (message) => { gap = message })
const topic = 'orderbook.50.BTC/USD'
function exchange(dear) {
  const server = new WebSocketServer({ port: 0 })
  server.on('connection', (socket) => {
    let u = 10
    const send = (type, b, a) => socket.send(JSON.stringify({
      topic, type, ts: Date.now(), cts: Date.now(), data: { s: 'BTC/USD', b, a, u: u++, seq: 1 },
    }))
    socket.on('message', (text) => {
      if (JSON.parse(text).op === 'subscribe') send('snapshot', [['99.9', '50']], [['100.0', '50']])
    })
    let high = false
    const timer = setInterval(() => {
      if (u < 11) return
      const now = Date.now()
      const cross = dear && now >= gap[0] && now < gap[1]
      if (cross !== high) {
        high = cross
        const [from, to] = high ? ['50', '0'] : ['0', '50']
        send('delta', [['103.0', from]], [['100.0', to], ['103.1', from]])
      } else send('delta', [['98.0', String(1 + u % 7)]], [])
    }, 20)
    socket.on('close', () => clearInterval(timer))
  })
  return new Promise((resolve) => server.on('listening', () => resolve(server.address().port)))
}
Promise.all([exchange(false), exchange(true)]).then((ports) => parentPort.postMessage(ports))
`

it('opens nothing from a backlog of two seconds, and what is there afterwards', async () => {
  const thread = new Worker(EXCHANGES, { eval: true })
  onTestFinished(async () => void (await thread.terminate()))
  const [cheap_port, dear_port] = await new Promise<number[]>((resolve) =>
    thread.once('message', resolve),
  )
  const verdicts: string[] = []
  const round = () => {
    for (const { kind } of detector.run(books.takeDirty())) verdicts.push(kind)
  }
  // every frame is judged as it is read: nothing hides in a round that sees only the last state
  const books = new Books(() => round())
  const feeds = [
    { exchange: bybit, port: cheap_port },
    { exchange: { ...bybit, id: 'dear' }, port: dear_port },
  ].map(({ exchange, port }) => {
    const url = `//127.0.0.1:${port}`
    const markets = [testMarket(exchange.id, 'BTC/USD')]
    const [websocket_url, rest_url] = [`ws:${url}`, `http:${url}`]
    const options = { exchange, websocket_url, rest_url, markets, books, clock }
    return new Feed({ ...options, log: silentLog, random: () => 0 })
  })
  const recheck = () => {
    for (const { kind } of detector.recheck()) verdicts.push(kind)
  }
  const lateness = watchLateness(clock, recheck)
  const rechecks = setInterval(recheck, 50)
  const detector = new Detector({
    books,
    clock,
    limits: {
      min_percent: 0.5,
      max_percent: 10,
      min_volume_usd: 100,
      max_book_age_ms: 5_000,
      max_skew_ms: 5_000,
    },
    is_simulated: () => false,
    log: silentLog,
    arrivals: {
      late: lateness.late,
      behind: (entry) => feeds.some((feed) => feed.isBehind(entry)),
    },
  })
  onTestFinished(async () => {
    clearInterval(rechecks)
    lateness.stop()
    await Promise.all(feeds.map((feed) => feed.stop()))
  })
  for (const feed of feeds) feed.start()
  await expect.poll(() => books.all.map(({ state }) => state), WAIT).toEqual(['live', 'live'])

  // proof that the gap would be found: one that nobody sleeps through
  thread.postMessage([0, Date.now() + 60_000])
  await expect.poll(() => verdicts, WAIT).toContain('open')
  thread.postMessage([0, 0])
  await expect.poll(() => verdicts.at(-1), WAIT).toBe('closed')

  await expect.poll(() => lateness.late(), WAIT).toBe(false)
  const frames = () => feeds.map((feed) => feed.status().messages_total)
  const [before, frames_before] = [verdicts.length, frames()]
  const start_ms = Date.now()
  thread.postMessage([start_ms + 300, start_ms + BLOCK_MS - 300])
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS)
  const enough = (BLOCK_MS / 20) * 0.8
  await expect
    .poll(() => frames().every((count, i) => count > frames_before[i]! + enough), WAIT)
    .toBe(true)
  await expect.poll(() => lateness.late(), WAIT).toBe(false)
  expect(verdicts.slice(before)).toEqual([])
  expect(detector.rejected.backlog).toBeGreaterThan(0)
  expect(books.all.map(({ state }) => state)).toEqual(['live', 'live'])

  thread.postMessage([0, Date.now() + 60_000])
  await expect.poll(() => verdicts.slice(before), WAIT).toContain('open')
})
