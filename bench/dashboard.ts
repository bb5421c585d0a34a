/**
 * `node bench/dashboard.ts`: the built dashboard in Chromium, fed by a scripted edge. Size of its
 * scripts, time to the first paint, and the frames of 500 live rows under updates. Figures go to
 * standard output as JSON lines, a table for people to standard error. Ends with 1 when the page
 * complained; it judges no figure: machines differ.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { openBrowser } from '../edge/dashboard/testing/browser.ts'
import { buildDashboard } from '../edge/dashboard/testing/build.ts'
import { exchange, later, opportunity } from '../edge/dashboard/testing/examples.ts'
import { ScriptedEdge } from '../edge/dashboard/testing/scripted-edge.ts'
import type { Opportunity } from '../shared/opportunity.ts'
import { framesDuring } from './dashboard/frames.ts'

const GOAL_SCRIPT_KB = 80
const GOAL_PAINT_MS = 1_000
const GOAL_FRAME_MS = 50
const ROWS = 500
const UPDATES_PER_SECOND = 20
const SECONDS = 10
const VISITS = 5
/** After the first rows: fonts, the first answers, and what the engine compiles. */
const SETTLE_MS = 2_000

const say = (text: string) => process.stderr.write(`${text}\n`)
const print = (figures: object) =>
  process.stdout.write(`${JSON.stringify({ bench: 'dashboard', ...figures })}\n`)
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function scriptBytes(files: string): Promise<number> {
  const names = (await readdir(join(files, 'assets'))).filter((name) => name.endsWith('.js'))
  const scripts = await Promise.all(names.map((name) => readFile(join(files, 'assets', name))))
  return scripts.reduce((sum, script) => sum + gzipSync(script).length, 0)
}

async function open(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  page.on('pageerror', (error) => {
    say(`the page complained: ${error}`)
    process.exitCode = 1
  })
  await page.goto(url)
  await page.getByTestId('row').first().waitFor()
  return page
}

/** Of a browser that has never seen the page. */
async function firstPaints(browser: Browser, url: string): Promise<number[]> {
  const paints_ms: number[] = []
  for (let visit = 0; visit < VISITS; visit++) {
    const page = await open(browser, url)
    paints_ms.push(
      await page.evaluate(() => {
        const [paint] = performance.getEntriesByName('first-contentful-paint')
        return paint?.startTime ?? Number.NaN
      }),
    )
    await page.context().close()
  }
  return paints_ms.sort((a, b) => a - b)
}

/** Each update moves the profit of `rows_each` rows, one after the other through all of them. */
async function update(edge: ScriptedEdge, rows: Opportunity[], rows_each: number): Promise<void> {
  const ends_ms = performance.now() + SECONDS * 1_000
  for (let step = 0; performance.now() < ends_ms; step++) {
    for (let index = 0; index < rows_each; index++) {
      const at = (step * rows_each + index) % rows.length
      const before = rows[at]
      if (before === undefined) continue
      const profit_percent = (0.5 + ((step * 7 + at) % 100) / 100).toFixed(4)
      const data = later(before, { profit_percent }, 50)
      rows[at] = data
      edge.send({ type: 'opportunity.updated', data })
    }
    await sleep(1_000 / UPDATES_PER_SECOND)
  }
}

const files = await buildDashboard()
const edge = new ScriptedEdge(files)
const rows = Array.from({ length: ROWS }, (_, index) =>
  opportunity({ symbol: `COIN${index}/USDT` }),
)
edge.opportunities = rows
edge.exchanges = ['binance', 'bybit', 'coinbase', 'kraken'].map((id) => exchange({ id }))
const url = await edge.listen()
const browser = await openBrowser()
try {
  const script_kb = (await scriptBytes(files)) / 1_000
  const paints_ms = await firstPaints(browser, url)
  const first_paint_ms = paints_ms[VISITS >> 1] ?? Number.NaN
  print({ what: 'load', script_gzip_kb: script_kb, goal_kb: GOAL_SCRIPT_KB, first_paint_ms })
  say(`dashboard bench: scripts ${script_kb.toFixed(1)} kB gzip (goal ${GOAL_SCRIPT_KB})`)
  say(`first paint ${first_paint_ms.toFixed(0)} ms, median of ${VISITS} (goal ${GOAL_PAINT_MS})`)

  const page = await open(browser, `${url}/?sort=profit_percent`)
  await sleep(SETTLE_MS)
  say(`frames of ${ROWS} live rows, ${SECONDS} s each; none over ${GOAL_FRAME_MS} ms is the goal`)
  const scroll = async () => {
    for (let step = 0; step < SECONDS * 10; step++) {
      await page.mouse.wheel(0, step % 40 < 20 ? 400 : -400)
      await sleep(100)
    }
  }
  const phases = [
    ['20 updates/s', () => update(edge, rows, 1)],
    ['20 × 25 updates/s', () => update(edge, rows, 25)],
    ['20 × 25/s, scrolled', () => Promise.all([update(edge, rows, 25), scroll()])],
  ] as const
  for (const [what, work] of phases) {
    const frames = await framesDuring(page, async () => void (await work()))
    print({ what, rows: ROWS, ...frames, goal_ms: GOAL_FRAME_MS })
    const cells = [frames.p50_ms, frames.p99_ms, frames.longest_ms].map((ms) => ms.toFixed(1))
    const busy = `main thread ${frames.main_thread_percent.toFixed(0)} %`
    say(`${what.padEnd(22)}p50 ${cells[0]} ms, p99 ${cells[1]} ms, longest ${cells[2]} ms, ${busy}`)
  }
} finally {
  await browser.close()
  await edge.close()
  await rm(files, { recursive: true, force: true })
}
