import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeAll, expect, it, vi } from 'vitest'
import { systemClock } from '../shared/clock.ts'
import { silentLog } from '../shared/log.ts'
import { Books } from './book/books.ts'
import { readWatch } from './config.ts'
import type { CreateFinder } from './detection/finder.ts'
import { SlowFinder } from './detection/testing-finder.ts'
import { exchanges } from './exchanges/index.ts'
import { readReplayOptions } from './replay/options.ts'
import { replay } from './replay/run.ts'
import { Sandbox } from './replay/testing-sandbox.ts'
import { Watch } from './watch.ts'

const CAPTURES = new URL('../../shared/captures/', import.meta.url).pathname

/** Everything that a replay writes, at a threshold so low that there is much to write. */
async function play(files: readonly string[], createFinder?: CreateFinder): Promise<string[]> {
  const fees = 'binance=0.02,bybit=0.03,coinbase=0.04,kraken=0.05'
  const argv = [...files, '--min-percent', '0.02', '--min-volume-usd', '10', '--fees', fees]
  const settings = readReplayOptions(
    argv,
    exchanges.map(({ id }) => id),
  )
  if (!settings.ok) throw new Error(JSON.stringify(settings.problems))
  const lines: string[] = []
  const listener = {
    write: (document: object) => lines.push(JSON.stringify(document)),
    problem: () => {},
    drained: async () => {},
  }
  await replay(exchanges, settings.options, listener, createFinder)
  return lines
}

let recording: string

/** A few seconds of all exchanges of the sandbox, as they recorded what they sent. */
beforeAll(async () => {
  const sandbox = await Sandbox.start(11, 6)
  recording = sandbox.recording
  const settings = readWatch(
    sandbox.env,
    exchanges.map(({ id }) => id),
  )
  if (!settings.ok) throw new Error('the sandbox gave no addresses')
  const books = new Books()
  const watch = new Watch({
    exchanges,
    config: settings.watch,
    books,
    clock: systemClock,
    log: silentLog,
    random: Math.random,
  })
  watch.start()
  await vi.waitFor(
    () => {
      expect(books.all.length).toBeGreaterThan(0)
      expect(books.all.every(({ state }) => state === 'live')).toBe(true)
    },
    { timeout: 20_000 },
  )
  await wait(4_000)
  await watch.stop()
  await sandbox.stop()
}, 60_000)

it('is the same to the byte in every run, and when everything is looked at every time', async () => {
  const first = await play([recording])
  expect(first.filter((line) => line.includes('opportunity.detected')).length).toBeGreaterThan(3)
  expect(await play([recording])).toEqual(first)
  expect(await play([recording], (books, fees) => new SlowFinder(books, fees))).toEqual(first)
}, 120_000)

const files = existsSync(CAPTURES)
  ? readdirSync(CAPTURES).filter((name) => /\.jsonl(\.gz)?$/.test(name))
  : []
it.skipIf(files.length === 0)(
  'is the same over real recordings that lie side by side',
  async () => {
    const small = files
      .filter((name) => /kraken|coinbase/.test(name))
      .map((name) => CAPTURES + name)
    const first = await play(small)
    expect(await play(small, (books, fees) => new SlowFinder(books, fees))).toEqual(first)
  },
  120_000,
)
