/** Every page but the live one, in a real Chromium: what it shows, its address, and whoever cannot see. */
import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { faintTexts } from './testing/contrast.ts'
import {
  addressOf,
  axeViolations,
  counts,
  isLive,
  PHONE,
  reads,
  tooWide,
  useDashboard,
  WAIT,
} from './testing/dashboard.ts'
import {
  ago,
  exchange,
  expired,
  health,
  nearMiss,
  opportunity,
  spread,
  stats,
  webhook,
} from './testing/examples.ts'
import { attempt } from './testing/scripted-webhooks.ts'

const dashboard = useDashboard()
const visit = dashboard.visit.bind(dashboard)

const NAMES = ['Live', 'Spreads', 'History', 'Exchanges', 'Near misses', 'Alerts']
const askedOf = (path: string) => dashboard.edge.asked.filter((one) => one.startsWith(path))

/** Something of everything. */
beforeEach(() => {
  const { edge } = dashboard
  edge.health = health({ simulated: true })
  edge.exchanges.push(exchange({ id: 'bybit', state: 'maintenance', reason: 'announced' }))
  edge.opportunities = [
    opportunity({ detected_at: ago(4_000) }),
    opportunity({ transfer: 'closed' }),
  ]
  edge.past = Array.from({ length: 30 }, (_, index) =>
    expired(
      opportunity({ detected_at: ago(60_000 * (index + 1)) }),
      'closed',
      40 * 2 ** (index % 9),
    ),
  )
  edge.stats = stats([12, 0, 30, 7])
  edge.spreads = [
    spread('ETH/USDT', { binance: [2000, 2001], kraken: [2030, 2031], bybit: [1999, 2000.5] }),
    spread('BTC/USDT', { binance: [63_000, 63_001], kraken: [63_010, 63_020] }),
  ]
  edge.near_misses = [
    nearMiss(),
    nearMiss({ guard: 'below_minimum', symbol: 'SOL/USDT', why: 'nets 0.3 %', repeated: 4 }),
  ]
})

async function go(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click()
}

describe('the pages', () => {
  it('have addresses, titles, and a way back and forward', async () => {
    const page = await visit('/exchanges')
    await reads(page.getByRole('heading', { level: 2 }), 'Exchanges')
    for (const [name, address] of [
      ['Spreads', '/spreads'],
      ['History', '/history'],
      ['Near misses', '/near-misses'],
      ['Alerts', '/alerts'],
    ] as const) {
      await go(page, name)
      await reads(page.locator('#page-title'), name)
      expect(addressOf(page)).toBe(address)
      await vi.waitFor(async () => expect(await page.title()).toBe(`${name} · Spreadwire`), WAIT)
      const current = page.locator('nav [aria-current=page]')
      expect(await current.textContent()).toBe(name)
      // where a screen reader goes on reading
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name)
    }
    await page.goBack()
    await reads(page.locator('#page-title'), 'Near misses')
    await page.goForward()
    await reads(page.locator('#page-title'), 'Alerts')
    expect(askedOf('/v1/stream')).toHaveLength(1)
  })

  it('say so when there is none at an address', async () => {
    const page = await visit('/nowhere')
    await reads(page.getByTestId('empty'), 'There is no such page')
    await page.getByRole('link', { name: 'Back to the live opportunities' }).click()
    await reads(page.getByTestId('row').first(), 'BTC/USDT')
  })
})

describe('the spreads', () => {
  it('show the best route of each symbol, and the whole matrix of one', async () => {
    const page = await visit('/spreads')
    await reads(page.getByTestId('heat-map'), 'buy ↓ sell →')
    await reads(page.locator('#matrix'), 'Net edge of ETH/USDT')
    const best = page.getByRole('row', { name: /^Bybit/ }).first()
    await reads(best.locator('.heat-up-4'), '1.271%', 'gross 1.474%')
    await counts(page.getByTestId('heat-map').locator('.heat-none'), 3)
    await reads(page.getByTestId('quotes'), '2,000.5', '0.10%')
    await page.getByTestId('symbols').getByRole('link', { name: 'BTC/USDT' }).click()
    await reads(page.locator('#matrix'), 'Net edge of BTC/USDT')
    expect(addressOf(page)).toBe('/spreads?symbol=BTC/USDT')
    await counts(page.getByTestId('heat-map').locator('.heat-cell'), 2)
    await page.goBack()
    await reads(page.locator('#matrix'), 'Net edge of ETH/USDT')
  })

  it('find a symbol by a part of its name, and say when one is not watched', async () => {
    const page = await visit('/spreads?symbol=NO/SUCH')
    await reads(page.locator('#matrix'), 'NO/SUCH is not watched')
    await page.getByLabel('Find', { exact: true }).fill('btc')
    await counts(page.getByTestId('symbols').getByRole('link'), 1)
    expect(addressOf(page)).toBe('/spreads?symbol=NO/SUCH&q=btc')
  })

  it('stay in view with their age while they cannot be asked', async () => {
    const page = await visit('/spreads')
    await reads(page.getByTestId('symbols'), 'ETH/USDT')
    dashboard.edge.list_status = 503
    await reads(page.getByTestId('stale'), /as of \d+ s ago: the server answered 503/)
    await reads(page.getByTestId('symbols'), 'ETH/USDT')
  })
})

describe('the history', () => {
  it('sums up, draws, and lists', async () => {
    const page = await visit('/history')
    await reads(page.getByTestId('history-count'), '49')
    await reads(page.locator('#time'), '49 in all · at most 30 in an hour')
    const chart = page.locator('#time').getByRole('img')
    expect(await chart.getAttribute('aria-label')).toContain('49 opportunities')
    await counts(chart.locator('.bar'), 25)
    await reads(page.getByTestId('survival'), '250 ms', '56.0%', '0.200%')
    await reads(page.getByTestId('lifetimes'), 'under 50 ms', '500 ms – 1 s')
    await counts(page.getByTestId('past').locator('.row'), 30)
    const box = (await chart.boundingBox())!
    await page.mouse.move(box.x + box.width - 60, box.y + 100)
    await reads(page.locator('#time .readout'), /^12 · .* UTC · median 0\.812%$/)
  })

  it('asks for what the address says, and offers exactly that as CSV', async () => {
    const page = await visit('/history?range=7d&symbol=BTC/USDT&min_profit_percent=0.8')
    await reads(page.getByTestId('history-count'), '49')
    for (const path of ['/v1/stats', '/v1/history']) {
      const [asked = ''] = askedOf(path)
      const { searchParams } = new URL(asked, 'http://edge')
      expect(searchParams.get('symbol')).toBe('BTC/USDT')
      expect(searchParams.get('min_profit_percent')).toBe('0.8')
      const [from, to] = ['from', 'to'].map((name) => Date.parse(searchParams.get(name) ?? ''))
      expect(to! - from!).toBe(7 * 86_400_000)
    }
    const link = page.getByRole('link', { name: 'CSV' })
    const csv = new URL((await link.getAttribute('href'))!, 'http://edge')
    expect(csv.pathname).toBe('/v1/history')
    expect(csv.searchParams.get('format')).toBe('csv')
    expect(csv.searchParams.get('symbol')).toBe('BTC/USDT')
    expect(csv.searchParams.has('limit')).toBe(false)
    await page.getByRole('link', { name: '30 days' }).click()
    expect(addressOf(page)).toBe('/history?range=30d&symbol=BTC/USDT&min_profit_percent=0.8')
    await vi.waitFor(() => expect(askedOf('/v1/stats')).toHaveLength(2), WAIT)
    const asked = askedOf('/v1/stats').length
    await page.getByRole('button', { name: 'Update' }).click()
    await vi.waitFor(() => expect(askedOf('/v1/stats')).toHaveLength(asked + 1), WAIT)
  })

  it('says what is only a part, loads more when asked, and opens any of it', async () => {
    dashboard.edge.past = Array.from({ length: 700 }, (_, index) =>
      expired(opportunity({ detected_at: ago(2_000 * (index + 1)) }), 'closed', 700),
    )
    dashboard.edge.stats = stats([700])
    const page = await visit('/history?range=1h')
    await reads(page.locator('#lifetimes'), 'the newest 500 of 700')
    expect(askedOf('/v1/stats').filter((one) => one.includes('by=type')).length).toBeGreaterThan(11)
    await reads(page.locator('#time'), '9,100 in all · at most 700 in 5 minutes')
    const table = page.getByTestId('past')
    expect(await table.getAttribute('aria-rowcount')).toBe('501')
    expect(await table.locator('.row').count()).toBeLessThan(60)
    await page.getByRole('button', { name: 'Show more' }).click()
    await vi.waitFor(
      async () => expect(await table.getAttribute('aria-rowcount')).toBe('701'),
      WAIT,
    )
    await counts(page.getByRole('button', { name: 'Show more' }), 0)
    await table.locator('.row').first().getByRole('link').click()
    await reads(page.getByTestId('evidence'), 'gap closed after 700 ms')
  })

  it('asks when a field is left, and says what the API does not take', async () => {
    const page = await visit('/history')
    await reads(page.getByTestId('history-count'), '49')
    const before = askedOf('/v1/stats').length
    await page.getByLabel('Symbol').pressSequentially('SOL/USDT')
    expect(askedOf('/v1/stats')).toHaveLength(before)
    // also where the page is drawn again meanwhile
    expect(await page.getByLabel('Symbol').inputValue()).toBe('SOL/USDT')
    await page.keyboard.press('Enter')
    await vi.waitFor(() => expect(askedOf('/v1/stats')).toHaveLength(before + 1), WAIT)
    dashboard.edge.list_status = 400
    for (const _letter of '/USDT') await page.keyboard.press('Backspace')
    await page.keyboard.press('Enter')
    await reads(page.getByTestId('load-failure'), 'the server answered 400')
    expect(await page.getByTestId('history-count').count()).toBe(0)
  })

  it('says that there is nothing, and why nothing can be said', async () => {
    dashboard.edge.past = []
    dashboard.edge.stats = stats([])
    const page = await visit('/history')
    await reads(page.locator('#time'), 'Nothing in this range')
    dashboard.edge.list_status = 503
    const broken = await visit('/history')
    await reads(broken.getByTestId('load-failure'), 'the server answered 503')
  })
})

describe('the exchanges', () => {
  it('show what each is like, with its fee, and draw what it was like', async () => {
    const kraken = exchange({
      id: 'kraken',
      books_live: 90,
      books_stale: 28,
      books_halted: 2,
      checksums_ok: 41_000,
      checksums_failed: 1,
      refused: [{ market: 'XMR/EUR', reason: 'EQuery:Unknown asset pair' }],
    })
    dashboard.edge.exchanges = [exchange({ id: 'binance' }), kraken]
    const page = await visit('/exchanges')
    const card = page.locator('[data-testid=exchange][data-id=kraken]')
    await reads(
      card,
      '90 of 120 books live',
      '28 stale · 2 halted',
      '3,184',
      '4 ms',
      '41,000',
      '+3 ms',
      '0.10%',
      'Fee as of 2026-08-01',
      '1 market refused',
    )
    const source = card.getByRole('link', { name: 'source' })
    expect(await source.getAttribute('href')).toBe('https://www.binance.com/en/fee/schedule')
    await vi.waitFor(
      async () => expect(await card.locator('.spark-line').first().getAttribute('d')).toMatch(/L/),
      WAIT,
    )
  })
})

describe('the near misses', () => {
  it('say who refused what, in words, and count', async () => {
    const page = await visit('/near-misses')
    await counts(page.getByTestId('miss'), 2)
    await reads(page.getByTestId('miss'), 'the book of kraken BTC/USDT is 2,310 ms old')
    await reads(page.getByTestId('miss'), 'Below the minimum nets 0.3 % · and 4 times before')
    await page.getByRole('link', { name: 'Below the minimum 5' }).click()
    expect(addressOf(page)).toBe('/near-misses?guard=below_minimum')
    await vi.waitFor(
      () => expect(askedOf('/v1/near-misses').at(-1)).toContain('guard=below_minimum'),
      WAIT,
    )
    expect(await page.getByLabel('Refused by').inputValue()).toBe('below_minimum')
    await page.getByText('Prices').first().click()
    await reads(page.getByTestId('miss'), 'buy BTC/USDT on Kraken at 63,388.1, 0.5 there')
  })

  it('say why there are none', async () => {
    dashboard.edge.near_misses = []
    const page = await visit('/near-misses')
    await reads(page.getByTestId('empty'), 'Nothing was refused lately')
    const filtered = await visit('/near-misses?symbol=BTC/USDT')
    await reads(filtered.getByTestId('empty'), 'Nothing like that was refused lately')
  })
})

/** Signed in, with a subscription and two attempts. */
async function fillAlerts(page: Page): Promise<void> {
  const { webhooks } = dashboard.edge
  webhooks.webhooks = [webhook(), webhook({ enabled: false, disabled_reason: 'gone' })]
  webhooks.attempts = [attempt(), attempt({ result: 'failure', response_status: 503, attempt: 2 })]
  await page.getByLabel('API key').fill(webhooks.key)
  await page.getByRole('button', { name: 'Use this key' }).click()
  await page.getByTestId('subscriptions').getByRole('link').first().click()
  await counts(page.getByTestId('attempt'), 2)
}

async function isDrawn(page: Page, name: string): Promise<void> {
  if (name === 'Alerts') await fillAlerts(page)
  if (name === 'Live') {
    await page.getByTestId('row').first().getByRole('link').click()
    await page.getByTestId('evidence').waitFor()
  }
  await counts(page.getByTestId('loading'), 0)
}

it.each([
  ['dark, on a desk', { colorScheme: 'dark' }],
  ['light, on a desk', { colorScheme: 'light' }],
  ['dark, on a phone', { colorScheme: 'dark', ...PHONE }],
] as const)('every page can be read, fits, and axe objects to nothing: %s', async (_, options) => {
  const page = await visit('/', options)
  await isLive(page)
  await reads(page.getByTestId('simulated'), 'Simulated data')
  for (const name of NAMES) {
    if (name !== 'Live') await go(page, name)
    await isDrawn(page, name)
    expect(await axeViolations(page), name).toEqual([])
    expect(await page.evaluate(faintTexts), name).toEqual([])
    expect(await tooWide(page), name).toEqual([])
    if (name === 'Live') await page.getByRole('button', { name: 'Close the evidence' }).click()
  }
})

it('is walked by keyboard alone: from page to page, through filters and lists', async () => {
  const page = await visit('/')
  await isLive(page)
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')
  async function tabTo(text: string): Promise<void> {
    for (let tab = 0; tab < 60; tab++) {
      if ((await focused()) === text) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`nothing that says ${text} can be reached`)
  }
  await tabTo('Spreads')
  await page.keyboard.press('Enter')
  await reads(page.getByTestId('heat-map'), '%')
  await tabTo('ETH/USDT')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await reads(page.locator('#matrix'), 'Net edge of BTC/USDT')
  await page.keyboard.press('Home')
  await page.evaluate(() => document.querySelector<HTMLElement>('.brand')?.focus())
  await tabTo('Near misses')
  await page.keyboard.press('Enter')
  await counts(page.getByTestId('miss'), 2)
  await tabTo('Prices')
  await page.keyboard.press('Space')
  await reads(page.getByTestId('miss'), 'buy BTC/USDT on Kraken')
})

it('never moves for those who asked for stillness', async () => {
  const page = await visit('/', { reducedMotion: 'reduce' })
  await isLive(page)
  const fresh = opportunity({ detected_at: ago(0) })
  dashboard.edge.send({ type: 'opportunity.detected', data: fresh })
  await page.locator(`[data-id=${fresh.id}]`).waitFor()
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
})
