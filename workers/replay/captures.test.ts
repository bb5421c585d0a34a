/** Recordings of the real exchanges through a replay, where they are at hand. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exchanges } from '../exchanges/index.ts'
import { Hosts } from './hosts.ts'
import { Player } from './player.ts'
import { survey } from './survey.ts'
import { replayed } from './testing.ts'
import { numberedLines, playFiles } from './timeline.ts'

const FOLDER = join(import.meta.dirname, '../../../shared/captures')
const capture = (name: string) => join(FOLDER, name)
const LIMITS = {
  min_percent: 0.5,
  max_percent: 10,
  min_volume_usd: 1_000,
  max_book_age_ms: 5_000,
  max_skew_ms: 2_000,
}

/** The messages of a recording, read without any of the code that replays it. */
async function messages(file: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = []
  for await (const batch of numberedLines(file)) {
    for (const { line } of batch) {
      if (typeof line !== 'string' && line.dir === 'in') found.push(JSON.parse(line.raw))
    }
  }
  return found
}

/** Plays a recording and calls `look` after each line that it holds. */
async function watched(file: string, look: (player: Player, raw: string) => void): Promise<Player> {
  const hosts = new Hosts(exchanges)
  const surveyed = await survey([file], hosts)
  const nothing = () => {}
  const player = new Player({
    survey: surveyed,
    hosts,
    limits: LIMITS,
    fees: new Map(),
    onEvents: nothing,
    onProblem: nothing,
  })
  const take = (file_index: number, numbered: Parameters<Player['take']>[1], at_ms: number) => {
    player.take(file_index, numbered, at_ms)
    if (typeof numbered.line !== 'string') look(player, numbered.line.raw)
  }
  await playFiles(surveyed.files, take, async () => {})
  return player
}

describe.skipIf(!existsSync(FOLDER))('recordings of', () => {
  it.each([
    ['kraken-spot-v2-book-btcusd.sample.cb20260802.jsonl', 2_052],
    ['kraken-spot-v2-book-btcusd.resub.cb20260801.jsonl', undefined],
    ['kraken-spot-v2-book10-btcusd.pks2023.jsonl', 510],
  ])('Kraken: every checksum of %s holds', async (name, known) => {
    const books = (await messages(capture(name))).filter(({ channel }) => channel === 'book')
    const { summary } = await replayed(capture(name))
    const { kraken } = summary.exchanges
    expect(kraken).toMatchObject({
      checksums_ok: known ?? books.length,
      checksums_failed: 0,
      gaps: 0,
    })
    expect(kraken?.checksums_ok).toBe(books.length)
    expect(summary.errors).toBe(0)
    expect(summary.books).toMatchObject([{ symbol: 'BTC/USD', state: 'live' }])
  })

  it('Kraken: three recordings after each other are three times the same market', async () => {
    const names = ['sample.cb20260802', 'resub.cb20260801'].map((name) => `-btcusd.${name}`)
    const files = [...names, '10-btcusd.pks2023'].map((name) =>
      capture(`kraken-spot-v2-book${name}.jsonl`),
    )
    const { kraken } = (await replayed(...files)).summary.exchanges
    expect(kraken).toMatchObject({ checksums_failed: 0, gaps: 0, checksums_ok: 2_052 + 155 + 510 })
  })

  it.each([
    ['binance-spot-combined-btcusdt.hft20240808.jsonl.gz', 564, 3_448],
    ['binance-spot-combined.cf20211012.jsonl.gz', 20, 146],
  ])(
    'Binance: %s is bridged, and its best prices are those of bookTicker',
    async (name, same_id, since) => {
      type Ticker = { s: string; u: number; b: string; B: string; a: string; A: string }
      const all = (await messages(capture(name)))
        .filter(({ stream }) => String(stream).endsWith('@bookTicker'))
        .map(({ data }) => data as Ticker)
      const tickers = Map.groupBy(all, ({ s }) => s)
      const compared = { same_id: 0, since: 0 }
      const different: string[] = []
      const player = await watched(capture(name), ({ books }, raw) => {
        const market = /"e":"depthUpdate".*?"s":"([^"]+)"/.exec(raw)?.[1]
        const entry = market === undefined ? undefined : books.get('binance', market)
        if (entry?.state !== 'live') return
        const { bids, asks, last_id } = entry.book
        // every change of the best prices has its ticker: the last one up to our id is what we hold
        const ticker = tickers.get(market ?? '')?.findLast(({ u }) => u <= last_id)
        if (ticker === undefined) return
        if (ticker.u === last_id) compared.same_id++
        compared.since++
        const ours = [bids.price(0), bids.size(0), asks.price(0), asks.size(0)]
        const theirs = [ticker.b, ticker.B, ticker.a, ticker.A].map(Number)
        if (ours.join() !== theirs.join()) different.push(`${market} ${last_id}: ${ours} ${theirs}`)
      })
      expect(different).toEqual([])
      expect(compared).toEqual({ same_id, since })
      for (const { intake, entries } of player.venues) {
        expect(intake.counters).toMatchObject({ gaps: 0, errors: 0, snapshots: entries.length })
        expect(entries.map(({ state }) => state)).toEqual(entries.map(() => 'live'))
      }
    },
  )

  it('Binance: a recording that was cut at midnight goes on as one', async () => {
    const days = ['hft20240808', 'hft20240809'].map((day) =>
      capture(`binance-spot-combined-btcusdt.${day}.jsonl.gz`),
    )
    const { summary } = await replayed(...days)
    expect(summary.exchanges.binance).toMatchObject({ snapshots: 1, updates: 6_493, gaps: 0 })
    expect(summary.books[0]?.state).toBe('live')
  })

  it('Coinbase: no book is crossed after any frame', async () => {
    const crossed: string[] = []
    const file = capture('coinbase-spot-level2-ticker-matches.cf20210417.jsonl.gz')
    const player = await watched(file, ({ books }, raw) => {
      for (const { book, market } of books.all) {
        if (book.crossed) crossed.push(`${market.market}: ${raw.slice(0, 200)}`)
      }
    })
    expect(crossed).toEqual([])
    const [venue] = player.venues
    expect(venue?.entries.length).toBeGreaterThan(3)
    expect(venue?.intake.counters).toMatchObject({ gaps: 0, errors: 0 })
    expect(venue?.entries.every(({ state }) => state === 'live')).toBe(true)
  })

  it('protocols that no adapter reads are ignored', async () => {
    const names = [
      'kraken-spot-v1-book10-btcusd.pks2023.jsonl',
      'bybit-inverse-v2.cf20210417.jsonl',
      'bybit-linear-v2.cf20210417.jsonl.gz',
      'bybit-linear-v5-orderbook500-xrpusdt.nt20241201.jsonl',
      'binance-usdm-combined.cf20210722.jsonl',
      'coinbase-spot-advanced-ticker.ccxt20260812.jsonl',
    ]
    const { summary, problems } = await replayed(...names.map(capture))
    expect(problems).toEqual([])
    expect(summary.frames).toBeGreaterThan(3_000)
    expect(summary).toMatchObject({ ignored: summary.frames, errors: 0, books: [] })
  })

  it('one exchange are the same bytes in every run', async () => {
    const file = capture('kraken-spot-v2-book-btcusd.sample.cb20260802.jsonl')
    expect((await replayed(file)).text).toBe((await replayed(file)).text)
  })
})
