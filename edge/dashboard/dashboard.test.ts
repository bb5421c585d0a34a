/** The live page in a real Chromium, under the edge's security policy, fed by a scripted edge. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { describe, expect, it, vi } from 'vitest'
import type { Opportunity } from '../../shared/opportunity.ts'
import { faintTexts } from './testing/contrast.ts'
import {
  addressOf,
  counts,
  isLive,
  PHONE,
  reads,
  tooWide,
  useDashboard,
  WAIT,
} from './testing/dashboard.ts'
import { ago, exchange, expired, health, later, opportunity } from './testing/examples.ts'

const SCRIPT_BUDGET_BYTES = 80_000
const DEAD = { alive: false, heartbeat_age_ms: null, worker_id: null }

const dashboard = useDashboard()
const visit = dashboard.visit.bind(dashboard)

const rowOf = (page: Page, { id }: Opportunity) => page.locator(`[data-testid=row][data-id=${id}]`)
const rowsOf = (page: Page) => page.getByTestId('row')
const linkOf = (page: Page, one: Opportunity) => rowOf(page, one).getByRole('link')
const evidenceOf = (page: Page) => page.getByTestId('evidence')

describe('the built files', () => {
  it('are small, and run nothing that stands in the page itself', async () => {
    const scripts = (await readdir(join(dashboard.files, 'assets'))).filter((name) =>
      name.endsWith('.js'),
    )
    const sizes = await Promise.all(
      scripts.map(
        async (name) => gzipSync(await readFile(join(dashboard.files, 'assets', name))).length,
      ),
    )
    expect(sizes.reduce((total, size) => total + size, 0)).toBeLessThan(SCRIPT_BUDGET_BYTES)
    const html = await readFile(join(dashboard.files, 'index.html'), 'utf8')
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/)
  })
})

describe('the live table', () => {
  it('shows what is live with its figures', async () => {
    const live = opportunity({ detected_at: ago(125_000) })
    dashboard.edge.opportunities = [live]
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
    dashboard.edge.send({ type: 'opportunity.detected', data: found })
    await reads(rowOf(page, found), 'SOL/USDT', '0.551')
    dashboard.edge.send({
      type: 'opportunity.updated',
      data: later(found, { profit_percent: '0.9999' }),
    })
    await reads(rowOf(page, found), '▲', '0.999')
    const over = expired(found, 'gap', 3_400)
    dashboard.edge.send({ type: 'opportunity.expired', data: over })
    await reads(rowOf(page, found), 'ended')
    await counts(rowsOf(page), 0)
    await reads(page.getByTestId('ended'), 'SOL/USDT', '3.4 s', 'book lost continuity')
    await page.getByTestId('empty').waitFor()
  })

  it('ticks by the time of the server, not of this computer', async () => {
    const live = opportunity({ detected_at: ago(60_000) })
    dashboard.edge.opportunities = [live]
    const page = await (await dashboard.browser.newContext()).newPage()
    await page.clock.install({ time: Date.now() - 3_600_000 })
    await page.goto(dashboard.url)
    await reads(rowOf(page, live).getByTestId('age'), '1 m 0')
  })

  it('puts the newest first, and holds its order while somebody points at it', async () => {
    const old = opportunity({ detected_at: ago(50_000) })
    const young = opportunity({ detected_at: ago(10_000) })
    dashboard.edge.opportunities = [old, young]
    const page = await visit()
    await isLive(page)
    const order = () => rowsOf(page).evaluateAll((rows) => rows.map((row) => row.dataset.id))
    await vi.waitFor(async () => expect(await order()).toEqual([young.id, old.id]), WAIT)
    await rowOf(page, old).hover()
    const newest = opportunity({ detected_at: ago(0) })
    dashboard.edge.send({ type: 'opportunity.detected', data: newest })
    await vi.waitFor(async () => expect(await order()).toEqual([young.id, old.id, newest.id]), WAIT)
    await page.mouse.move(1, 1)
    await vi.waitFor(async () => expect(await order()).toEqual([newest.id, young.id, old.id]), WAIT)
  })

  it('sorts by profit when asked', async () => {
    const small = opportunity({ profit_usd: '9.10', detected_at: ago(1_000) })
    const large = opportunity({ profit_usd: '10.20', detected_at: ago(2_000) })
    dashboard.edge.opportunities = [small, large]
    const page = await visit()
    await reads(rowsOf(page).first(), '$9.10')
    await page.getByRole('button', { name: 'Profit' }).click()
    await reads(rowsOf(page).first(), '$10.20')
    const header = page.getByRole('columnheader', { name: 'Profit' })
    expect(await header.getAttribute('aria-sort')).toBe('descending')
  })

  it('shows names from outside as text and nothing else', async () => {
    const symbol = '<img src="/x" onerror="document.title=1">/USDT'
    dashboard.edge.opportunities = [opportunity({ symbol })]
    dashboard.edge.exchanges = [
      exchange({ id: 'kraken', reason: '<script>document.title=1</script>' }),
    ]
    const page = await visit()
    await reads(rowsOf(page).first(), symbol)
    await reads(page.getByTestId('exchange'), '<script>')
    expect(await page.locator('img, td script, li script').count()).toBe(0)
  })
})

describe('the filters', () => {
  it('live in the address, and back undoes a choice', async () => {
    const cheap = opportunity({ symbol: 'BTC/USDT', profit_percent: '0.6' })
    const rich = opportunity({ symbol: 'ETH/USDT', profit_percent: '1.5', sell_exchange: 'bybit' })
    dashboard.edge.opportunities = [cheap, rich]
    dashboard.edge.exchanges.push(exchange({ id: 'bybit' }))
    const page = await visit()
    await counts(rowsOf(page), 2)
    await page.getByLabel('Exchange', { exact: true }).selectOption('bybit')
    await counts(rowsOf(page), 1)
    expect(addressOf(page)).toBe('/?exchange=bybit')
    await reads(rowOf(page, rich), 'ETH/USDT')
    await page.getByLabel('Net at least').fill('1.5001')
    await counts(rowsOf(page), 0)
    await reads(page.getByTestId('empty'), 'Nothing passes the filters', '2 live without them')
    expect(addressOf(page)).toBe('/?exchange=bybit&min_profit_percent=1.5001')
    await page.goBack()
    await counts(rowsOf(page), 2)
    expect(addressOf(page)).toBe('/')
    await page.goForward()
    await counts(rowsOf(page), 0)
    await page.getByRole('link', { name: 'Clear filters' }).click()
    await counts(rowsOf(page), 2)
  })

  it('are read from an address that somebody was sent', async () => {
    const wanted = opportunity({ symbol: 'SOL/USDT' })
    dashboard.edge.opportunities = [opportunity({ symbol: 'BTC/USDT' }), wanted]
    const page = await visit('/?symbol=sol&sort=profit_usd')
    await reads(rowOf(page, wanted), 'SOL/USDT')
    await counts(rowsOf(page), 1)
    expect(await page.getByLabel('Symbol').inputValue()).toBe('sol')
    const header = page.getByRole('columnheader', { name: 'Profit' })
    expect(await header.getAttribute('aria-sort')).toBe('descending')
  })

  it('say what is wrong with a number, and filter nothing by it', async () => {
    dashboard.edge.opportunities = [opportunity()]
    const page = await visit('/?min_volume_usd=much')
    await counts(rowsOf(page), 1)
    expect(await page.getByLabel('Size at least').getAttribute('aria-invalid')).toBe('true')
    await reads(page.getByRole('search'), 'a number, such as 0.5')
  })
})

describe('being told', () => {
  it('sounds and notifies of what is new and passes the filters, if somebody asked', async () => {
    const page = await visit('/?symbol=ETH')
    await page.context().grantPermissions(['notifications'])
    await page.evaluate(() => {
      const told: string[] = []
      Object.assign(globalThis, { told })
      const Real = AudioContext.prototype.createOscillator
      AudioContext.prototype.createOscillator = function () {
        told.push('tone')
        return Real.call(this)
      }
      class Shown {
        static permission = 'granted'
        static requestPermission = () => Promise.resolve('granted')
        constructor(title: string, { body }: { body: string }) {
          told.push(`${title}: ${body}`)
        }
        close() {}
      }
      Object.assign(globalThis, { Notification: Shown })
      document.hasFocus = () => false
    })
    const told = () => page.evaluate(() => (globalThis as unknown as { told: string[] }).told)
    await isLive(page)
    await page.getByRole('button', { name: 'Sound' }).click()
    await page.getByRole('button', { name: 'Notify' }).click()
    await page.locator('button[aria-pressed=true]').nth(1).waitFor()
    expect(await told()).toEqual(['tone', 'tone'])
    const hidden = opportunity({ symbol: 'BTC/USDT', detected_at: ago(0) })
    dashboard.edge.send({ type: 'opportunity.detected', data: hidden })
    await reads(page.getByTestId('live-count'), '1')
    expect(await told()).toHaveLength(2)
    const wanted = opportunity({ symbol: 'ETH/USDT', detected_at: ago(0) })
    dashboard.edge.send({ type: 'opportunity.detected', data: wanted })
    await vi.waitFor(async () => {
      expect((await told()).slice(2)).toEqual([
        'tone',
        'tone',
        'ETH/USDT 0.551% net: $27.55 on $4,998.10',
      ])
    }, WAIT)
    await page.reload()
    const pressed = page.getByRole('button', { name: 'Sound' })
    await vi.waitFor(
      async () => expect(await pressed.getAttribute('aria-pressed')).toBe('true'),
      WAIT,
    )
  })
})

describe('a long list', () => {
  it('holds only what is near in the document, and keeps its place by keyboard', async () => {
    dashboard.edge.opportunities = Array.from({ length: 500 }, (_, index) =>
      opportunity({ detected_at: ago(1_000 + index * 1_000), symbol: `C${index}/USDT` }),
    )
    const page = await visit()
    await reads(page.getByTestId('live-count'), '500')
    await vi.waitFor(async () => expect(await rowsOf(page).count()).toBeLessThan(60), WAIT)
    const table = page.getByTestId('opportunities')
    expect(await table.getAttribute('aria-rowcount')).toBe('501')
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
    await reads(rowsOf(page), 'C499/USDT')
    const last = page.locator('[data-testid=row]').last()
    expect(await last.getAttribute('aria-rowindex')).toBe('501')
    await last.getByRole('link').focus()
    for (let step = 0; step < 60; step++) await page.keyboard.press('ArrowUp')
    const focused = page.locator('[data-testid=row]:has(:focus)')
    await vi.waitFor(async () => expect(await focused.textContent()).toContain('C439/USDT'), WAIT)
  })
})

describe('the evidence', () => {
  it('opens and closes by keyboard, and rows are walked by arrow', async () => {
    const old = opportunity({ detected_at: ago(50_000) })
    const young = opportunity({ detected_at: ago(10_000), symbol: 'ETH/USDT' })
    dashboard.edge.opportunities = [old, young]
    const page = await visit()
    await counts(rowsOf(page), 2)
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Skip')
    await page.keyboard.press('Enter')
    const focus = () => page.evaluate(() => document.activeElement?.textContent ?? '')
    const first = linkOf(page, young)
    const isThere = () => first.evaluate((link) => link === document.activeElement)
    for (let tab = 0; tab < 20 && !(await isThere()); tab++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await reads(
      evidenceOf(page),
      '1. Buy ETH on Kraken',
      '2. Sell ETH on Binance',
      '63,391.2',
      '3 levels taken',
      '0.26% list price',
      '8 ms',
      '51027793411',
    )
    expect(addressOf(page)).toBe(`/?open=${young.id}`)
    expect(await focus()).toBe('Evidence: ETH/USDT')
    await page.keyboard.press('Escape')
    await counts(evidenceOf(page), 0)
    await vi.waitFor(async () => expect(await focus()).toContain('ETH/USDT'), WAIT)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await reads(evidenceOf(page), '1. Buy BTC on Kraken')
  })

  it('draws the books and the profit against the size from the levels alone', async () => {
    const live = opportunity()
    dashboard.edge.opportunities = [live]
    const page = await visit(`/?open=${live.id}`)
    const pictures = evidenceOf(page).getByRole('img')
    await counts(pictures, 2)
    expect(await pictures.nth(0).getAttribute('aria-label')).toBe(
      'Up to 0.07864 BTC: bought on Kraken from 63,386.90, sold on Binance from 63,971.50 USDT',
    )
    await reads(evidenceOf(page), 'Only levels that the order takes are evidence', '27.4165 USDT')
    // A tenth of the size is taken at the best levels, where it pays best.
    const box = (await pictures.nth(1).boundingBox())!
    await page.mouse.move(box.x + 78 + (box.width - 96) / 10, box.y + 60)
    await reads(evidenceOf(page), '2.79494 USDT on 0.00788489 BTC · 0.559%')
  })

  it('opens by a click anywhere in the row and survives the end of what it proves', async () => {
    const live = opportunity({ detected_at: ago(0) })
    dashboard.edge.opportunities = [live]
    const page = await visit()
    await isLive(page)
    const { width } = (await rowOf(page, live).boundingBox())!
    await rowOf(page, live).click({ position: { x: width - 30, y: 20 } })
    await evidenceOf(page).waitFor()
    const over = expired(live, 'closed', 2_000)
    dashboard.edge.send({ type: 'opportunity.expired', data: over })
    await reads(evidenceOf(page), 'gap closed after 2.0 s', '0.412%', 'not known')
    await counts(rowsOf(page), 0)
    await page.getByRole('button', { name: 'Close the evidence' }).click()
    await page.getByTestId('ended').getByRole('link').click()
    await reads(evidenceOf(page), 'gap closed')
    await page.goBack()
    await counts(evidenceOf(page), 0)
  })

  it('has an address of its own, also for what is long over, and says when there is nothing', async () => {
    const past = expired(opportunity({ symbol: 'SOL/USDT' }), 'gap', 900)
    dashboard.edge.past = [past]
    const page = await visit(`/?open=${past.id}`)
    await reads(evidenceOf(page), 'book lost continuity after 900 ms', '1. Buy SOL')
    const nothing = await visit('/?open=opp_unknown')
    await reads(nothing.getByRole('dialog'), 'There is no such opportunity')
  })

  it('covers a phone, and leaves it by its button', async () => {
    const live = opportunity({ detected_at: ago(0) })
    dashboard.edge.opportunities = [live]
    const page = await visit('/', PHONE)
    await rowOf(page, live).tap()
    await evidenceOf(page).waitFor()
    const { width, height } = (await page.getByRole('dialog').boundingBox())!
    expect([width, height]).toEqual([390, 844])
    await page.getByRole('button', { name: 'Close the evidence' }).tap()
    await counts(evidenceOf(page), 0)
  })

  it('keeps the place of the keyboard when the row under it leaves', async () => {
    const old = opportunity({ detected_at: ago(50_000) })
    const young = opportunity({ detected_at: ago(10_000) })
    dashboard.edge.opportunities = [old, young]
    const page = await visit()
    await isLive(page)
    await counts(rowsOf(page), 2)
    await linkOf(page, young).focus()
    dashboard.edge.send({ type: 'opportunity.expired', data: expired(young, 'closed', 10_000) })
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
    dashboard.edge.send({ type: 'opportunity.detected', data: before })
    await counts(rowsOf(page), 1)
    const meanwhile = opportunity({ detected_at: ago(0), symbol: 'ETH/USDT' })
    dashboard.edge.stream_status = 503
    dashboard.edge.cut()
    await reads(page.getByTestId('connection'), 'Reconnecting')
    dashboard.edge.send({ type: 'opportunity.detected', data: meanwhile })
    dashboard.edge.send({ type: 'opportunity.expired', data: expired(before, 'closed', 5_000) })
    dashboard.edge.stream_status = 200
    await isLive(page)
    await reads(rowOf(page, meanwhile), 'ETH/USDT')
    await reads(page.getByTestId('ended'), 'BTC/USDT', 'gap closed')
    expect(dashboard.edge.resumed_from.at(-1)).toBe('1700000000000-1')
  })

  it('says that it is lost, since when and why, and tries again when told', async () => {
    dashboard.edge.opportunities = [opportunity()]
    const page = await visit()
    await isLive(page)
    dashboard.edge.stream_status = 503
    dashboard.edge.cut()
    const alert = page.getByRole('alert')
    await reads(alert, 'Connection lost at', 'last known state', 'the server answered 503')
    await reads(page.locator('#opportunities'), 'Last known state')
    dashboard.edge.stream_status = 200
    await alert.getByRole('button', { name: 'Retry now' }).click()
    await isLive(page)
    await counts(page.getByTestId('trouble'), 0)
  })

  it('takes the live set of a reset for the truth', async () => {
    const gone = opportunity()
    dashboard.edge.opportunities = [gone]
    const page = await visit()
    await isLive(page)
    await counts(rowOf(page, gone), 1)
    const live = opportunity({ symbol: 'ETH/USDT' })
    dashboard.edge.reset([live])
    await counts(rowOf(page, gone), 0)
    await counts(rowOf(page, live), 1)
  })

  it('never calls the figures live while the worker is dead, and notices when it is back', async () => {
    dashboard.edge.opportunities = [opportunity()]
    dashboard.edge.health = health({ status: 'down', worker: DEAD })
    const page = await visit()
    await reads(page.getByRole('alert'), 'The detection worker is not running')
    await reads(page.getByTestId('connection'), 'Worker not running')
    await reads(page.getByTestId('exchange').first(), 'Not watched', '0 of 120 books live')
    dashboard.edge.health = health()
    await isLive(page)
    await counts(page.getByTestId('trouble'), 0)
  })

  it('says that the list cannot be read instead of calling it empty', async () => {
    dashboard.edge.list_status = 503
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
    dashboard.edge.health = health({ simulated: true })
    const simulated = await visit()
    await reads(simulated.getByTestId('simulated'), 'Nothing here can be traded')
  })

  it('says why there is nothing', async () => {
    dashboard.edge.health = health({
      thresholds: { min_profit_percent: '0.5', min_volume_usd: '1000' },
    })
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
    await reads(kraken, 'Kraken', 'Online', '90 of 120 books live', '3,184 messages/s')
    const blocked = exchange({
      id: 'kraken',
      state: 'blocked',
      connected: false,
      books_live: 0,
      reason: 'the exchange answers HTTP 451 here',
    })
    dashboard.edge.exchanges = [blocked]
    dashboard.edge.send({ type: 'exchange.status', data: blocked })
    await reads(kraken, 'Blocked here', '0 of 120 books live', 'HTTP 451')
  })

  it.each([360, 768, 1024, 1440])('needs no sideways scrolling at %d px', async (width) => {
    const long = { buy_exchange: 'averylongexchangename', sell_exchange: 'anotherlongexchange' }
    const live = opportunity({ symbol: '1000000MOGWAI/USDT', transfer: 'closed', ...long })
    dashboard.edge.opportunities = [
      live,
      opportunity({ profit_usd: '123456.78', volume_usd: '1234567.89' }),
    ]
    dashboard.edge.health = health({ simulated: true })
    const page = await visit('/', { viewport: { width, height: 800 } })
    await isLive(page)
    await linkOf(page, live).click()
    await evidenceOf(page).waitFor()
    const over = expired(opportunity({ symbol: '1000000MOGWAI/USDT', ...long }), 'gap', 66_000)
    dashboard.edge.send({ type: 'opportunity.expired', data: over })
    await page.getByTestId('ended').waitFor()
    expect(await tooWide(page)).toEqual([])
  })

  it.each(['dark', 'light'] as const)('can be read in the %s scheme', async (colorScheme) => {
    const live = opportunity({ transfer: 'closed', detected_at: ago(0) })
    dashboard.edge.opportunities = [live, opportunity()]
    dashboard.edge.health = health({ simulated: true })
    dashboard.edge.exchanges.push(
      exchange({ id: 'coinbase', state: 'maintenance', reason: 'announced' }),
      exchange({ id: 'bybit', state: 'down', connected: false }),
    )
    const page = await visit('/', { colorScheme })
    await isLive(page)
    dashboard.edge.send({
      type: 'opportunity.updated',
      data: later(live, { profit_percent: '0.4' }),
    })
    dashboard.edge.send({ type: 'opportunity.expired', data: expired(opportunity(), 'closed', 10) })
    await reads(rowOf(page, live), '▼')
    await linkOf(page, live).click()
    await page.getByTestId('ended').waitFor()
    expect(await page.evaluate(faintTexts)).toEqual([])
    dashboard.edge.health = health({ simulated: true, worker: DEAD })
    await page.getByTestId('trouble').waitFor()
    expect(await page.evaluate(faintTexts)).toEqual([])
  })
})
