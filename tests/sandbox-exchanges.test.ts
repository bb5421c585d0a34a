/**
 * The worker's feeds on the sandbox exchanges, both real: what an exchange does to its clients, a door
 * that shuts, a halt, maintenance, must end with the right books in the right state.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { difference, shownOf } from '../bench/load/exact.ts'
import { Sandbox } from '../bench/load/sandbox.ts'
import { systemClock } from '../shared/clock.ts'
import { silentLog } from '../shared/log.ts'
import { Books } from '../workers/book/books.ts'
import type { Exchange } from '../workers/exchanges/exchange.ts'
import { exchanges } from '../workers/exchanges/index.ts'
import { Feed } from '../workers/feed/feed.ts'
import { fetchInstruments } from '../workers/feed/instruments.ts'
import { createBookView } from '../workers/ops/books.ts'

const WAIT = { timeout: 60_000, interval: 50 }
/** how often feeds ask by REST is tested where they are: here they ask again and again */
const EVERY_MS = 500
/** no pause between attempts: how long feeds wait is tested where they are */
const IMPATIENT = () => 0

let sandbox: Sandbox
let addresses: Awaited<ReturnType<Sandbox['addresses']>>
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-exchanges-'))
  const truth_file = join(folder, 'truth.jsonl')
  sandbox = new Sandbox({ seed: 4, symbols: 3, rate: 4, truth_file })
  addresses = await sandbox.addresses()
})

afterAll(async () => {
  await sandbox?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function startFeed(id: string, adapt = (exchange: Exchange) => exchange) {
  const found = exchanges.find((exchange) => exchange.id === id)
  const address = addresses.get(id)
  if (found === undefined || address === undefined) throw new Error(`no exchange ${id}`)
  const { websocket_url, rest_url } = address
  const exchange = adapt({ ...found, ...asking(found), websocket_url, rest_url })
  const { markets } = await fetchInstruments({ exchange, rest_url, log: silentLog })
  const books = new Books()
  const own = { exchange, websocket_url, rest_url, markets, books }
  const feed = new Feed({ ...own, clock: systemClock, log: silentLog, random: IMPATIENT })
  onTestFinished(() => feed.stop())
  feed.start()
  const view = createBookView(books, systemClock)
  const wrong = async () => {
    const truth = await sandbox.books(id)
    const held = new Map(markets.map(({ symbol, market }) => [symbol, view.show(id, market)]))
    return truth.flatMap((book) => difference(shownOf(id, book), held.get(book.symbol)) ?? [])
  }
  const stateOf = (symbol: string) =>
    books.all.find(({ market }) => market.symbol === symbol)?.state
  const states = () => [...new Set(books.all.map(({ state }) => state))]
  const allLive = () => expect.poll(states, WAIT).toEqual(['live'])
  return { feed, markets, wrong, states, stateOf, allLive }
}

function asking<T extends Pick<Exchange, 'audit' | 'trading_status'>>({
  audit,
  trading_status,
}: T) {
  const often = trading_status?.map((procedure) => ({ ...procedure, every_ms: EVERY_MS }))
  return {
    ...(audit && { audit: { ...audit, every_ms: EVERY_MS, settle_ms: EVERY_MS / 2 } }),
    ...(often && { trading_status: often }),
  }
}

/** Coinbase with its other door where the sandbox has it. */
function withOtherDoor(coinbase: Exchange): Exchange {
  const websocket_url = addresses.get('coinbase')?.alternative_websocket_url
  if (websocket_url === undefined) throw new Error('the sandbox has no other door')
  const alternatives = (coinbase.alternatives ?? []).map((door) => ({ ...door, websocket_url }))
  return { ...coinbase, alternatives }
}

/** Holds the market still until the test ends. */
async function standStill(): Promise<void> {
  onTestFinished(() => sandbox.resume())
  await sandbox.pause()
}

describe('Coinbase', () => {
  it('is read exactly by Advanced Trade when its main door shuts, and by REST agrees', async () => {
    const { feed, wrong, states, allLive } = await startFeed('coinbase', withOtherDoor)
    await allLive()
    onTestFinished(async () => void (await sandbox.tell('refuse coinbase off')))
    await sandbox.tell('refuse coinbase on')
    await expect.poll(states, WAIT).not.toContain('live')
    await allLive()
    const { reconnects_total } = feed.status()
    expect(reconnects_total).toBeGreaterThan(0)
    await standStill()
    await expect.poll(wrong, WAIT).toEqual([])
    // while the market is busy most audits find nothing that stood still while they asked
    const { audits_ok = 0 } = feed.status()
    await expect.poll(() => feed.status().audits_ok, WAIT).toBeGreaterThan(audits_ok + 5)
    expect(feed.status()).toMatchObject({ audits_failed: 0, gaps_total: 0, state: 'online' })
  })

  it('is read exactly at its main door once that is open', async () => {
    const { wrong, allLive } = await startFeed('coinbase')
    await allLive()
    await standStill()
    await expect.poll(wrong, WAIT).toEqual([])
  })
})

describe.each(exchanges.map(({ id }) => id))('%s', (id) => {
  it('halts one market, then all, and goes on with exact books', async () => {
    const { feed, markets, wrong, states, stateOf, allLive } = await startFeed(id)
    await allLive()
    const [{ symbol } = { symbol: '' }] = markets
    const others = () =>
      markets.filter((market) => market.symbol !== symbol).map((market) => stateOf(market.symbol))
    onTestFinished(async () => {
      await sandbox.tell(`open ${id} ${symbol}`)
      await sandbox.tell(`maintenance ${id} off`)
    })
    await sandbox.tell(`halt ${id} ${symbol}`)
    await expect.poll(() => stateOf(symbol), WAIT).toBe('halted')
    expect(new Set(others())).toEqual(new Set(['live']))
    await sandbox.tell(`open ${id} ${symbol}`)
    await allLive()
    await sandbox.tell(`maintenance ${id} on`)
    await expect.poll(states, WAIT).toEqual(['halted'])
    await sandbox.tell(`maintenance ${id} off`)
    await allLive()
    await standStill()
    await expect.poll(wrong, WAIT).toEqual([])
    expect(feed.status().gaps_total).toBe(0)
  })
})
