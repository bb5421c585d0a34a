/** The built page /docs in a real Chromium, served by the app itself under its own policy. */
import { rm } from 'node:fs/promises'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Edge, startEdge } from '../../sandbox/edge.ts'
import { type Stores, startStores } from '../testing/stack.ts'
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

it.each([
  ['a desk', 1_280],
  ['a phone', 390],
])('shows every endpoint on %s, from this origin alone and within the policy', async (_, width) => {
  const page = await browser.newPage({ viewport: { width, height: 900 } })
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== edge.url) complaints.push(request.url())
  })
  await page.goto(`${edge.url}/docs`)
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
