/** The built page in a real Chromium, under the edge's security policy, fed by a scripted edge. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Opportunity } from '../../shared/opportunity.ts'
import { openBrowser } from './testing/browser.ts'
import { faintTexts } from './testing/contrast.ts'
import { ago, exchange, expired, health, later, opportunity } from './testing/examples.ts'
import { ScriptedEdge } from './testing/scripted-edge.ts'

const SCRIPT_BUDGET_BYTES = 40_000
const WAIT = { timeout: 20_000, interval: 50 }
const DEAD = { alive: false, heartbeat_age_ms: null, worker_id: null }

let files: string
let browser: Browser
let edge: ScriptedEdge
let url: string
/** What no visit may cause: errors in the page or its policy, and requests to anybody else. */
let complaints: string[]

beforeAll(async () => {
  files = await mkdtemp(join(tmpdir(), 'dashboard-'))
  const configFile = fileURLToPath(new URL('vite.config.ts', import.meta.url))
  await build({ configFile, logLevel: 'warn', build: { outDir: files, emptyOutDir: true } })
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  await rm(files, { recursive: true, force: true })
})

beforeEach(async () => {
  complaints = []
  edge = new ScriptedEdge(files)
  edge.exchanges = [exchange({ id: 'binance' }), exchange({ id: 'kraken', books_live: 90 })]
  url = await edge.listen()
})

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()))
  await edge.close()
  expect(complaints).toEqual([])
})

async function visit(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== url) complaints.push(`asked for ${request.url()}`)
  })
  page.on('console', (message) => {
    // Chromium reports each failed request by itself; the tests that cause one mean to.
    const network = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !network) complaints.push(message.text())
  })
  await page.goto(url)
  return page
}

const rowOf = (page: Page, { id }: Opportunity) => page.locator(`[data-testid=row][data-id=${id}]`)
const rowsOf = (page: Page) => page.getByTestId('row')
const disclosure = (row: Locator) => row.getByRole('button')

async function reads(locator: Locator, ...expected: string[]): Promise<void> {
  for (const hasText of expected) {
    await locator.filter({ hasText }).first().waitFor({ timeout: WAIT.timeout })
  }
}

async function counts(locator: Locator, expected: number): Promise<void> {
  await vi.waitFor(async () => expect(await locator.count()).toBe(expected), WAIT)
}

/** The stream is open and the list was read after that: from now on nothing can be missed. */
async function isLive(page: Page): Promise<void> {
  await reads(page.getByTestId('connection'), 'Live')
}

describe('the built files', () => {
  it('are small, and run nothing that stands in the page itself', async () => {
    const scripts = (await readdir(join(files, 'assets'))).filter((name) => name.endsWith('.js'))
    const sizes = await Promise.all(
      scripts.map(async (name) => gzipSync(await readFile(join(files, 'assets', name))).length),
    )
    expect(sizes.reduce((total, size) => total + size, 0)).toBeLessThan(SCRIPT_BUDGET_BYTES)
    const html = await readFile(join(files, 'index.html'), 'utf8')
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/)
  })
})

describe('the live table', () => {
  it('shows what is live with its figures', async () => {
    const live = opportunity({ detected_at: ago(125_000) })
    edge.opportunities = [live]
    const page = await visit()
    await reads(
      rowOf(page, live),
      'BTC/USDT',
      'Kraken',
      '63,388.10',
      'Binance',
      '63,969.44',
      '0.551',
      '0.0788489 BTC',
      '$4,998.10',
      '$27.55',
      '2 m 0',
    )
    await reads(page.getByTestId('live-count'), '1')
    expect(await page.title()).toBe('1 live · Spreadwire')
  })

  it('follows the stream: a row appears, changes and ends', async () => {
    const page = await visit()
    await isLive(page)
    await page.getByTestId('empty').waitFor()
    const found = opportunity({ symbol: 'SOL/USDT', detected_at: ago(0) })
    edge.send({ type: 'opportunity.detected', data: found })
    await reads(rowOf(page, found), 'SOL/USDT', '0.551')
    edge.send({ type: 'opportunity.updated', data: later(found, { profit_percent: '0.9999' }) })
    await reads(rowOf(page, found), '▲', '0.999')
    const over = expired(found, 'gap', 3_400)
    edge.send({ type: 'opportunity.expired', data: over })
    await reads(rowOf(page, found), 'ended')
    await counts(rowsOf(page), 0)
    await reads(page.getByTestId('ended'), 'SOL/USDT', '3.4 s', 'book lost continuity')
    await page.getByTestId('empty').waitFor()
  })

  it('ticks by the time of the server, not of this computer', async () => {
    const live = opportunity({ detected_at: ago(60_000) })
    edge.opportunities = [live]
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.clock.install({ time: Date.now() - 3_600_000 })
    await page.goto(url)
    await reads(rowOf(page, live).getByTestId('age'), '1 m 0')
  })

  it('puts the newest first, and holds its order while somebody points at it', async () => {
    const old = opportunity({ detected_at: ago(50_000) })
    const young = opportunity({ detected_at: ago(10_000) })
    edge.opportunities = [old, young]
    const page = await visit()
    await isLive(page)
    const order = () => rowsOf(page).evaluateAll((rows) => rows.map((row) => row.dataset.id))
    await vi.waitFor(async () => expect(await order()).toEqual([young.id, old.id]), WAIT)
    await rowOf(page, old).hover()
    const newest = opportunity({ detected_at: ago(0) })
    edge.send({ type: 'opportunity.detected', data: newest })
    await vi.waitFor(async () => expect(await order()).toEqual([young.id, old.id, newest.id]), WAIT)
    await page.mouse.move(1, 1)
    await vi.waitFor(async () => expect(await order()).toEqual([newest.id, young.id, old.id]), WAIT)
  })

  it('sorts by profit when asked', async () => {
    const small = opportunity({ profit_usd: '9.10', detected_at: ago(1_000) })
    const large = opportunity({ profit_usd: '10.20', detected_at: ago(2_000) })
    edge.opportunities = [small, large]
    const page = await visit()
    await reads(rowsOf(page).first(), '$9.10')
    await page.getByRole('button', { name: 'Profit' }).click()
    await reads(rowsOf(page).first(), '$10.20')
    const header = page.getByRole('columnheader', { name: 'Profit' })
    expect(await header.getAttribute('aria-sort')).toBe('descending')
  })

  it('shows names from outside as text and nothing else', async () => {
    const symbol = '<img src="/x" onerror="document.title=1">/USDT'
    edge.opportunities = [opportunity({ symbol })]
    edge.exchanges = [exchange({ id: 'kraken', reason: '<script>document.title=1</script>' })]
    const page = await visit()
    await reads(rowsOf(page).first(), symbol)
    await reads(page.getByTestId('exchange'), '<script>')
    expect(await page.locator('img, td script, li script').count()).toBe(0)
  })
})

describe('the evidence', () => {
  it('opens and closes by keyboard, and rows are walked by arrow', async () => {
    const old = opportunity({ detected_at: ago(50_000) })
    const young = opportunity({ detected_at: ago(10_000), symbol: 'ETH/USDT' })
    edge.opportunities = [old, young]
    const page = await visit()
    await counts(rowsOf(page), 2)
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Skip')
    await page.keyboard.press('Enter')
    // Three columns can be sorted; the first row comes after them.
    for (let tab = 0; tab < 4; tab++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const evidence = page.getByTestId('evidence')
    await reads(
      evidence,
      '1. Buy ETH on Kraken',
      '2. Sell ETH on Binance',
      '63,391.2',
      '3 levels taken',
      '0.26% list price',
      '8 ms',
    )
    expect(await disclosure(rowOf(page, young)).getAttribute('aria-expanded')).toBe('true')
    await page.keyboard.press('Escape')
    await counts(evidence, 0)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await reads(evidence, '1. Buy BTC on Kraken')
  })

  it('opens by a click anywhere in the row and survives the end of what it proves', async () => {
    const live = opportunity({ detected_at: ago(0) })
    edge.opportunities = [live]
    const page = await visit()
    await isLive(page)
    const { width } = (await rowOf(page, live).boundingBox())!
    await rowOf(page, live).click({ position: { x: width - 30, y: 20 } })
    await page.getByTestId('evidence').waitFor()
    edge.send({ type: 'opportunity.expired', data: expired(live, 'closed', 2_000) })
    await reads(page.getByTestId('evidence'), 'gap closed after 2.0 s', '0.412%', 'not known')
    await disclosure(rowOf(page, live)).click()
    await reads(page.getByTestId('ended'), 'BTC/USDT')
    await page.getByTestId('ended').getByRole('button').click()
    await reads(page.getByTestId('ended').getByTestId('evidence'), 'gap closed')
  })

  it('keeps the place of the keyboard when the row under it leaves', async () => {
    const old = opportunity({ detected_at: ago(50_000) })
    const young = opportunity({ detected_at: ago(10_000) })
    edge.opportunities = [old, young]
    const page = await visit()
    await isLive(page)
    await counts(rowsOf(page), 2)
    await disclosure(rowOf(page, young)).focus()
    edge.send({ type: 'opportunity.expired', data: expired(young, 'closed', 10_000) })
    await counts(rowsOf(page), 1)
    const focused = () =>
      page.evaluate(() => document.activeElement?.closest<HTMLElement>('[data-id]')?.dataset.id)
    await vi.waitFor(async () => expect(await focused()).toBe(old.id), WAIT)
  })
})

describe('the connection', () => {
  it('resumes after a break without losing what happened meanwhile', async () => {
    const page = await visit()
    await isLive(page)
    const before = opportunity({ detected_at: ago(0) })
    edge.send({ type: 'opportunity.detected', data: before })
    await counts(rowsOf(page), 1)
    const meanwhile = opportunity({ detected_at: ago(0), symbol: 'ETH/USDT' })
    edge.stream_status = 503
    edge.cut()
    await reads(page.getByTestId('connection'), 'Reconnecting')
    edge.send({ type: 'opportunity.detected', data: meanwhile })
    edge.send({ type: 'opportunity.expired', data: expired(before, 'closed', 5_000) })
    edge.stream_status = 200
    await isLive(page)
    await reads(rowOf(page, meanwhile), 'ETH/USDT')
    await reads(page.getByTestId('ended'), 'BTC/USDT', 'gap closed')
    expect(edge.resumed_from.at(-1)).toBe('1700000000000-1')
  })

  it('says that it is lost, since when and why, and tries again when told', async () => {
    edge.opportunities = [opportunity()]
    const page = await visit()
    await isLive(page)
    edge.stream_status = 503
    edge.cut()
    const alert = page.getByRole('alert')
    await reads(alert, 'Connection lost at', 'last known state', 'the server answered 503')
    await reads(page.locator('#opportunities'), 'Last known state')
    edge.stream_status = 200
    await alert.getByRole('button', { name: 'Retry now' }).click()
    await isLive(page)
    await counts(page.getByTestId('trouble'), 0)
  })

  it('takes the live set of a reset for the truth', async () => {
    const gone = opportunity()
    edge.opportunities = [gone]
    const page = await visit()
    await isLive(page)
    await counts(rowOf(page, gone), 1)
    const live = opportunity({ symbol: 'ETH/USDT' })
    edge.reset([live])
    await counts(rowOf(page, gone), 0)
    await counts(rowOf(page, live), 1)
  })

  it('never calls the figures live while the worker is dead, and notices when it is back', async () => {
    edge.opportunities = [opportunity()]
    edge.health = health({ status: 'down', worker: DEAD })
    const page = await visit()
    await reads(page.getByRole('alert'), 'The detection worker is not running')
    await reads(page.getByTestId('connection'), 'Worker not running')
    await reads(page.getByTestId('exchange').first(), 'Not watched', '0 of 120 books live')
    edge.health = health()
    await isLive(page)
    await counts(page.getByTestId('trouble'), 0)
  })

  it('says that the list cannot be read instead of calling it empty', async () => {
    edge.list_status = 503
    const page = await visit()
    await reads(page.getByTestId('load-failure'), 'the server answered 503')
    expect(await page.getByTestId('empty').count()).toBe(0)
  })
})

describe('what stands around the table', () => {
  it('calls simulated data simulated, and real data not', async () => {
    const real = await visit()
    await isLive(real)
    await reads(real.getByTestId('exchange').first(), 'Binance')
    expect(await real.getByTestId('simulated').count()).toBe(0)
    edge.health = health({ simulated: true })
    const simulated = await visit()
    await reads(simulated.getByTestId('simulated'), 'Nothing here can be traded')
  })

  it('says why there is nothing', async () => {
    edge.health = health({ thresholds: { min_profit_percent: '0.5', min_volume_usd: '1000' } })
    const page = await visit()
    await reads(
      page.getByTestId('empty'),
      'Watching 208 of 240 order books on 2 of 2 exchanges',
      'at least 0.50% after taker fees, on $1,000.00 or more',
    )
  })

  it('shows each exchange as the worker sees it, as it changes', async () => {
    const page = await visit()
    await isLive(page)
    const kraken = page.locator('[data-testid=exchange][data-id=kraken]')
    await reads(kraken, 'Kraken', 'Online', '90 of 120 books live', '3,184 messages/s', '0.10%')
    const blocked = exchange({
      id: 'kraken',
      state: 'blocked',
      connected: false,
      books_live: 0,
      reason: 'the exchange answers HTTP 451 here',
    })
    edge.exchanges = [blocked]
    edge.send({ type: 'exchange.status', data: blocked })
    await reads(kraken, 'Blocked here', '0 of 120 books live', 'HTTP 451')
  })

  it.each([360, 768, 1024, 1440])('needs no sideways scrolling at %d px', async (width) => {
    const long = { buy_exchange: 'averylongexchangename', sell_exchange: 'anotherlongexchange' }
    const live = opportunity({ symbol: '1000000MOGWAI/USDT', transfer: 'closed', ...long })
    edge.opportunities = [live, opportunity({ profit_usd: '123456.78', volume_usd: '1234567.89' })]
    edge.health = health({ simulated: true })
    const page = await visit({ viewport: { width, height: 800 } })
    await isLive(page)
    await disclosure(rowOf(page, live)).click()
    await page.getByTestId('evidence').waitFor()
    const over = expired(opportunity({ symbol: '1000000MOGWAI/USDT', ...long }), 'gap', 66_000)
    edge.send({ type: 'opportunity.expired', data: over })
    await page.getByTestId('ended').waitFor()
    const wider = await page.evaluate(() =>
      [...document.querySelectorAll('*')]
        .filter((element) => element.getBoundingClientRect().right > document.body.clientWidth + 1)
        .map((element) => `${element.tagName}.${element.className}`),
    )
    expect(wider).toEqual([])
  })

  it.each(['dark', 'light'] as const)('can be read in the %s scheme', async (colorScheme) => {
    const live = opportunity({ transfer: 'closed', detected_at: ago(0) })
    edge.opportunities = [live, opportunity()]
    edge.health = health({ simulated: true })
    edge.exchanges.push(
      exchange({ id: 'coinbase', state: 'maintenance', reason: 'announced' }),
      exchange({ id: 'bybit', state: 'down', connected: false }),
    )
    const page = await visit({ colorScheme })
    await isLive(page)
    edge.send({ type: 'opportunity.updated', data: later(live, { profit_percent: '0.4' }) })
    edge.send({ type: 'opportunity.expired', data: expired(opportunity(), 'closed', 10) })
    await reads(rowOf(page, live), '▼')
    await disclosure(rowOf(page, live)).click()
    await page.getByTestId('ended').waitFor()
    expect(await page.evaluate(faintTexts)).toEqual([])
    edge.health = health({ simulated: true, worker: DEAD })
    await page.getByTestId('trouble').waitFor()
    expect(await page.evaluate(faintTexts)).toEqual([])
  })
})
