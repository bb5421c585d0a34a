/**
 * The built page in a real Chromium for the tests of one file: built once, one browser, and for each
 * test a scripted edge of its own. Whatever a page complains about or asks of somebody else fails the
 * test that opened it.
 */
import { rm } from 'node:fs/promises'
import axe_core from 'axe-core'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest'
import { openBrowser } from './browser.ts'
import { buildDashboard } from './build.ts'
import { exchange } from './examples.ts'
import { ScriptedEdge } from './scripted-edge.ts'

export const WAIT = { timeout: 20_000, interval: 50 }
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

export class Dashboard {
  files = ''
  edge!: ScriptedEdge
  url = ''
  browser!: Browser
  complaints: string[] = []

  async visit(path = '/', options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    page.on('pageerror', (error) => this.complaints.push(String(error)))
    page.on('request', (request) => {
      const { origin } = new URL(request.url())
      if (origin !== this.url) this.complaints.push(`asked for ${request.url()}`)
    })
    page.on('console', (message) => {
      // Chromium reports each failed request by itself; the tests that cause one mean to.
      const network = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !network) this.complaints.push(message.text())
    })
    await page.goto(this.url + path)
    return page
  }
}

/** Registers what has to be begun and ended around the tests of the file that calls it. */
export function useDashboard(): Dashboard {
  const dashboard = new Dashboard()
  beforeAll(async () => {
    dashboard.files = await buildDashboard()
    dashboard.browser = await openBrowser()
  })
  afterAll(async () => {
    await dashboard.browser?.close()
    await rm(dashboard.files, { recursive: true, force: true })
  })
  beforeEach(async () => {
    dashboard.complaints = []
    dashboard.edge = new ScriptedEdge(dashboard.files)
    dashboard.edge.exchanges = [
      exchange({ id: 'binance' }),
      exchange({ id: 'kraken', books_live: 90 }),
    ]
    dashboard.url = await dashboard.edge.listen()
  })
  afterEach(async () => {
    await Promise.all(dashboard.browser.contexts().map((context) => context.close()))
    await dashboard.edge.close()
    expect(dashboard.complaints).toEqual([])
  })
  return dashboard
}

export async function reads(locator: Locator, ...expected: (string | RegExp)[]): Promise<void> {
  for (const hasText of expected) {
    await locator.filter({ hasText }).first().waitFor({ timeout: WAIT.timeout })
  }
}

export async function counts(locator: Locator, expected: number): Promise<void> {
  await vi.waitFor(async () => expect(await locator.count()).toBe(expected), WAIT)
}

/** The stream is open and the list was read after that: from now on nothing can be missed. */
export async function isLive(page: Page): Promise<void> {
  await reads(page.getByTestId('connection'), 'Live')
}

/** Path and query of where the page is. */
export function addressOf(page: Page): string {
  const { pathname, search } = new URL(page.url())
  return decodeURIComponent(pathname + search)
}

/** What reaches beyond the right edge of the page and is not cut off before. */
export function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const edge = document.body.clientWidth + 1
    const reaches = (element: Element) => element.getBoundingClientRect().right > edge
    const isCut = (element: Element): boolean => {
      const parent = element.parentElement
      if (parent === null) return false
      return (getComputedStyle(parent).overflowX !== 'visible' && !reaches(parent)) || isCut(parent)
    }
    return [...document.querySelectorAll('*')]
      .filter((element) => reaches(element) && !isCut(element))
      .map((element) => `${element.tagName} ${element.getAttribute('class')}`)
  })
}

interface WithAxe {
  readonly axe: {
    run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>
  }
}

/** What axe-core objects to, all of its rules asked: "rule: element". */
export async function axeViolations(page: Page): Promise<string[]> {
  const is_there = await page.evaluate(() => 'axe' in globalThis)
  if (!is_there) await page.evaluate(axe_core.source)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as WithAxe
    const { violations } = await axe.run({ resultTypes: ['violations'] })
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
  })
}
