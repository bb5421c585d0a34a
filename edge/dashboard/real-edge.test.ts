/**
 * The built pages in a real Chromium, served by the app itself in workerd, under its own policy and
 * with its own answers: what a scripted edge could only pretend.
 */
import { rm } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Edge, startEdge } from '../../sandbox/edge.ts'
import { KEYS } from '../../shared/keys.ts'
import { WebhookCommand } from '../../shared/webhook.ts'
import { expired } from '../testing/opportunities.ts'
import { insertHistory, type Stores, startStores } from '../testing/stack.ts'
import { insertKey } from '../testing/webhooks.ts'
import type { ApiDocument } from './model/reference.ts'
import { openBrowser } from './testing/browser.ts'
import { buildDashboard } from './testing/build.ts'

let files: string
let stores: Stores
let edge: Edge
let browser: Browser
beforeAll(async () => {
  files = await buildDashboard()
  stores = await startStores()
  edge = await startEdge({ port: 0, vars: stores.vars, assets_dir: files })
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await edge?.stop()
  await stores?.stop()
  await rm(files, { recursive: true, force: true })
})

/** A page that may complain about nothing and ask nobody else. */
async function open(path: string, width = 1_280): Promise<[Page, string[]]> {
  const page = await browser.newPage({ viewport: { width, height: 900 } })
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // Chromium reports each failed request by itself: there is no worker here, so /health is a 503.
    const network = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !network) complaints.push(message.text())
  })
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== edge.url) complaints.push(request.url())
  })
  await page.goto(edge.url + path)
  return [page, complaints]
}

it.each([
  ['a desk', 1_280],
  ['a phone', 390],
])('shows every endpoint on %s, from this origin alone and within the policy', async (_, width) => {
  const [page, complaints] = await open('/docs', width)
  await page.locator('#endpoints .endpoint').first().waitFor()
  const described = (await (await fetch(`${edge.url}/openapi.json`)).json()) as ApiDocument
  const operations = Object.values(described.paths).flatMap((item) => Object.keys(item))
  expect(await page.locator('#endpoints .endpoint').count()).toBe(operations.length)
  const text = (await page.locator('#app').textContent()) ?? ''
  for (const path of Object.keys(described.paths)) expect(text).toContain(path)
  for (const name of Object.keys(described.components?.schemas ?? {})) {
    expect(await page.locator(`#schema-${name}`).count(), name).toBe(1)
  }
  expect(text).toContain('opportunity.detected')
  expect(text).toContain('min_profit_percent')
  const scroll_width = await page.evaluate<number>('document.documentElement.scrollWidth')
  expect(scroll_width).toBeLessThanOrEqual(width)
  expect(complaints).toEqual([])
  await page.close()
})

it('finds an endpoint by its address and goes on to what it answers', async () => {
  const page = await browser.newPage()
  await page.goto(`${edge.url}/docs`)
  await page.getByRole('link', { name: 'GET /v1/spreads' }).click()
  expect(new URL(page.url()).hash).toBe('#get--v1-spreads')
  await expect.poll(() => page.getByRole('heading', { name: '/v1/spreads' }).isVisible()).toBe(true)
  await page.close()
})

it.each(['/', '/spreads', '/history', '/exchanges', '/near-misses', '/alerts'])(
  'serves the page at %s, and answers what it asks',
  async (path) => {
    const [page, complaints] = await open(path)
    await page.locator('#page-title').waitFor({ state: 'attached' })
    await expect.poll(() => page.getByTestId('loading').count()).toBe(0)
    expect(await page.getByTestId('load-failure').count()).toBe(0)
    expect(complaints).toEqual([])
    await page.close()
  },
)

it('shows the history that PostgreSQL holds, with the evidence of each', async () => {
  const detected_at = new Date(Date.now() - 600_000).toISOString()
  const past = expired({ id: 'opp_0000000000000000000000past', detected_at, symbol: 'SOL/USDT' })
  await insertHistory(stores.pool, [past])
  const [page, complaints] = await open('/history?range=1h&symbol=SOL/USDT')
  await page.getByTestId('history-count').filter({ hasText: '1' }).waitFor()
  await page.locator('#time').filter({ hasText: '1 in all · at most 1 in 5 minutes' }).waitFor()
  await page.getByTestId('past').getByRole('link').click()
  await page.getByTestId('evidence').filter({ hasText: 'gap closed after 1.5 s' }).waitFor()
  expect(complaints).toEqual([])
  await page.close()
})

it('manages alerts from the first key to the last rotation', async () => {
  const { key } = await insertKey(stores.pool, ['webhooks'])
  const [page, complaints] = await open('/alerts')
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
  await page.getByLabel('API key').fill(key)
  await press('Use this key')
  await page.getByRole('link', { name: 'Make the first subscription' }).click()
  await page.getByLabel('Address').fill('https://192.168.0.1/hook')
  await page.getByLabel('Exchange of any leg').waitFor()
  await press('Subscribe')
  await page.locator('.field-wrong').filter({ hasText: 'public internet' }).first().waitFor()
  await page.getByLabel('Address').fill('https://example.com/hook')
  await page.getByLabel('Net at least').fill('0.8')
  await press('Subscribe')
  const secret = page.getByTestId('secret')
  const first = (await secret.textContent()) ?? ''
  expect(first).toMatch(/whsec_[\w+/]{43}=/)
  await press('I have kept it')
  await press('Send a test')
  await page.getByTestId('said').filter({ hasText: 'A sample is on its way' }).waitFor()
  const commands = await stores.redis.xrange(KEYS.webhook_commands, '-', '+')
  const asked = commands.map(([, [, data = '']]) => WebhookCommand.parse(JSON.parse(data)))
  expect(asked).toMatchObject([{ kind: 'test' }])
  await press('Turn off')
  await page.getByTestId('said').filter({ hasText: 'It is off' }).waitFor()
  await press('Rotate secret')
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click()
  await secret.waitFor()
  expect(await secret.textContent()).not.toBe(first)
  const { rows } = await stores.pool.query('SELECT enabled, filters FROM webhook_endpoints')
  expect(rows).toEqual([{ enabled: false, filters: { min_profit_percent: '0.8' } }])
  await press('Delete')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('link', { name: 'Make the first subscription' }).waitFor()
  expect(complaints).toEqual([])
  await page.close()
})
