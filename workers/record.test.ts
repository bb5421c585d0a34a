/** What is recorded from real sockets, replayed: the same books and what there was to find. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { systemClock as clock } from '../shared/clock.ts'
import { fixed } from '../shared/decimal.ts'
import { silentLog } from '../shared/log.ts'
import { Books } from './book/books.ts'
import { parseLine } from './capture/line.ts'
import { readLines } from './capture/reader.ts'
import { Recorder } from './capture/recorder.ts'
import { readWatch } from './config.ts'
import { exchanges as registry } from './exchanges/index.ts'
import { type Replayed, replayed } from './replay/testing.ts'
import { Sandbox, type Truth, WORLD } from './replay/testing-sandbox.ts'
import { Watch } from './watch.ts'

const exchanges = registry.filter(({ id }) => WORLD.includes(id))

const folder = mkdtempSync(join(tmpdir(), 'spreadwire-record-'))
const RECORDED_MS = 10_000

/** Gaps shorter than this may fall between two looks of the worker. */
const LONG_ENOUGH_MS = 250
/** Books that have just begun are not priced yet. */
const WARM_UP_MS = 500

function levels(books: Books, exchange: string, market: string, depth: number) {
  const { book } = books.get(exchange, market)!
  const print = (side: typeof book.bids) =>
    Array.from({ length: Math.min(depth, side.length) }, (_, rank) => [
      fixed(side.price(rank), book.price_decimals),
      fixed(side.size(rank), book.size_decimals),
    ])
  return { bids: print(book.bids), asks: print(book.asks) }
}

function expectWhole({ summary, problems }: Replayed): void {
  expect(problems).toEqual([])
  expect(summary.errors).toBe(0)
  expect(Object.keys(summary.exchanges).sort()).toEqual(WORLD)
  for (const one of Object.values(summary.exchanges)) {
    expect(one).toMatchObject({ gaps: 0, checksums_failed: 0, errors: 0 })
    expect(one.updates).toBeGreaterThan(50)
  }
  expect(summary.exchanges.kraken?.checksums_ok).toBeGreaterThan(50)
  expect(new Set(summary.books.map(({ state }) => state))).toEqual(new Set(['live']))
}

/** Those of `truths` that no opportunity of the replay overlaps. */
function missed(truths: readonly Truth[], { events }: Replayed): Truth[] {
  const expired = events.filter(({ status }) => status === 'expired')
  return truths.filter(
    (truth) =>
      !expired.some(
        (one) =>
          one.symbol === truth.symbol &&
          one.buy_exchange === truth.buy_exchange &&
          one.sell_exchange === truth.sell_exchange &&
          Date.parse(one.detected_at) < truth.to_ms &&
          Date.parse(one.expired_at ?? '') > truth.from_ms,
      ),
  )
}

describe('a recording of four exchanges', () => {
  const file = join(folder, 'feed.jsonl.gz')
  const books = new Books()
  let sandbox: Sandbox
  let truths: Truth[]
  let from_ms: number
  let to_ms: number

  beforeAll(async () => {
    sandbox = await Sandbox.start(7, 8)
    const settings = readWatch(
      sandbox.env,
      exchanges.map(({ id }) => id),
    )
    if (!settings.ok) throw new Error('the sandbox gave no addresses')
    const recorder = await Recorder.create(file, clock)
    const watch = new Watch({
      exchanges,
      config: settings.watch,
      books,
      clock,
      log: silentLog,
      random: Math.random,
      tap: recorder,
    })
    watch.start()
    await vi.waitFor(
      () => {
        expect(books.all.length).toBeGreaterThan(0)
        expect(books.all.every(({ state }) => state === 'live')).toBe(true)
      },
      { timeout: 20_000 },
    )
    from_ms = clock.wall_ms() + WARM_UP_MS
    await new Promise((resolve) => setTimeout(resolve, RECORDED_MS))
    to_ms = clock.wall_ms()
    await watch.stop()
    await recorder.close()
    truths = await sandbox.stop()
  }, 60_000)

  it('replays without a gap into the very books that the feed held', async () => {
    const result = await replayed(file, '--books', '1000')
    expectWhole(result)
    expect(result.summary.books.length).toBe(books.all.length)
    for (const { exchange, market, bids, asks } of result.summary.books) {
      expect({ bids, asks }).toEqual(levels(books, exchange, market, 1_000))
    }
  })

  it('by the exchanges themselves replays as well', async () => {
    expectWhole(await replayed(sandbox.recording))
  })

  it('holds what could have been taken, and nothing else', async () => {
    const seen = truths.filter((one) => one.to_ms > from_ms && one.from_ms < to_ms)
    const long = seen.filter(
      (one) => Math.min(one.to_ms, to_ms) - Math.max(one.from_ms, from_ms) > LONG_ENOUGH_MS,
    )
    expect(long.length).toBeGreaterThan(0)
    for (const recording of [file, sandbox.recording]) {
      const result = await replayed(recording)
      expect(missed(long, result)).toEqual([])
      for (const { symbol, buy_exchange, sell_exchange, simulated } of result.events) {
        expect(truths).toContainEqual(
          expect.objectContaining({ symbol, buy_exchange, sell_exchange }),
        )
        expect(simulated).toBe(true)
      }
      expect(result.events.length).toBeGreaterThan(0)
    }
  })

  it('says what was subscribed, under the addresses of the exchanges', async () => {
    const seen = new Set<string>()
    for await (const { lines } of readLines(file)) {
      for (const { text } of lines) {
        const line = parseLine(text)
        if (typeof line === 'string') throw new Error(line)
        seen.add(`${line.dir} ${new URL(line.url).hostname}`)
      }
    }
    const expected = exchanges.flatMap(({ websocket_url, rest_url }) => [
      ...['open', 'out', 'in'].map((dir) => `${dir} ${new URL(websocket_url).hostname}`),
      `http ${new URL(rest_url).hostname}`,
    ])
    expect([...seen].sort()).toEqual(expected.sort())
  })
})

describe('the commands', () => {
  let sandbox: Sandbox
  const running: ChildProcess[] = []

  beforeAll(async () => {
    sandbox = await Sandbox.start(3, 3)
  })
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL')
    await sandbox.stop()
  })

  async function run(
    command: 'record' | 'replay',
    args: readonly string[],
    more: { env?: object; act?: (child: ChildProcess) => void } = {},
  ) {
    const child = spawn(process.execPath, [join(import.meta.dirname, `${command}.ts`), ...args], {
      env: { ...process.env, ...sandbox.env, ...more.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.push(child)
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    more.act?.(child)
    const [code] = await once(child, 'close')
    return { code, stdout, stderr }
  }

  it('record what was asked for until Ctrl-C, however often it arrives, and replay it', async () => {
    const out = join(folder, 'interrupted.jsonl.gz')
    const options = ['--out', out, '--exchanges', 'kraken,bybit', '--symbols', 'BTC/USDT,ETH/USDT']
    const recorded = await run('record', options, {
      act: (child) => {
        const interrupt = () => [1, 2, 3].map(() => child.kill('SIGINT'))
        child.stderr?.on(
          'data',
          (chunk) => String(chunk).startsWith('recording 5 s') && interrupt(),
        )
      },
    })
    expect(recorded.stderr).toMatch(/recorded \d+ s: \d+ frames/)
    expect(recorded.code).toBe(0)
    const { code, stdout } = await run('replay', [out, '--books', '1'])
    expect(code).toBe(0)
    const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    expect(Object.keys(summary.exchanges)).toEqual(['bybit', 'kraken'])
    expect(summary).toMatchObject({ event: 'summary', errors: 0 })
    expect(summary.exchanges.kraken).toMatchObject({ gaps: 0, checksums_failed: 0 })
    expect(new Set(summary.books.map((one: { symbol: string }) => one.symbol))).toContain(
      'BTC/USDT',
    )
    expect((await run('replay', [out, '--books', '1'])).stdout).toBe(stdout)
  })

  it('end after so many seconds, and say when nothing came', async () => {
    const out = join(folder, 'nothing.jsonl')
    const args = ['--out', out, '--exchanges', 'kraken', '--seconds', '0.5']
    const env = { KRAKEN_WS_URL: 'ws://127.0.0.1:9', KRAKEN_REST_URL: 'http://127.0.0.1:9' }
    const { code, stderr } = await run('record', args, { env })
    expect(code).toBe(1)
    expect(stderr).toContain('no exchange sent anything')
    expect(existsSync(out)).toBe(true)
  })

  it.each([
    ['record', [], /--out: not set, expected the file to write/],
    ['record', ['--out', '/nowhere/at/all'], /ENOENT.*\/nowhere\/at\/all/],
    ['replay', ['--books', 'all', 'x'], /--books: "all", expected a number of levels/],
    ['replay', ['/nowhere/at/all'], /\/nowhere\/at\/all: cannot be read/],
  ] as const)('%s %j exit with 1 and one clear message', async (script, args, message) => {
    const { code, stdout, stderr } = await run(script, args)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(message)
  })

  it('end quietly when nobody reads the output any more', async () => {
    const line = '{"ts":1,"url":"wss://ws.kraken.com/v2","dir":"in","raw":"{}"}\n'
    const file = join(folder, 'long.jsonl')
    writeFileSync(file, line.repeat(1_000))
    const { code, stderr } = await run('replay', [file], {
      act: (child) => child.stdout?.destroy(),
    })
    expect([code, stderr]).toEqual([0, ''])
  })
})
