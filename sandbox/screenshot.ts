/**
 * `npm run screenshot`: the picture of the README, docs/dashboard.png. Starts the whole system on the
 * sandbox exchanges, waits until the market gives something to see, and takes the live page with the
 * evidence of one opportunity. It changes nothing else and leaves nothing running.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { systemClock } from '../shared/clock.ts'
import { findChromium } from './browser.ts'
import { environment, PROJECT_DIR } from './environment.ts'
import { freePort } from './ports.ts'
import { startStack } from './stack.ts'

const FILE = join(PROJECT_DIR, 'docs', 'dashboard.png')
const SIZE = { width: 1440, height: 900 }
const SIZE_MAX_BYTES = 300_000
const ROWS_WANTED = 3
/** The table is not always full; after this time a quieter one will do. */
const PATIENCE_MS = 120_000

async function main(): Promise<void> {
  const data_dir = await mkdtemp(join(tmpdir(), 'spreadwire-screenshot-'))
  const stack = await startStack({
    data_dir,
    edge_port: await freePort(),
    worker_port: await freePort(),
    source: { kind: 'market', seed: 1, symbols: 24, rate: 1 },
    record_file: undefined,
    settings: {},
    signal: new AbortController().signal,
  })
  try {
    await takePicture(stack.edge_url)
  } finally {
    await stack.stop()
    await rm(data_dir, { recursive: true, force: true })
  }
  const { size } = await stat(FILE)
  process.stderr.write(`${FILE}: ${Math.ceil(size / 1_000)} kB\n`)
  if (size > SIZE_MAX_BYTES) throw new Error(`more than ${SIZE_MAX_BYTES / 1_000} kB`)
}

async function takePicture(url: string): Promise<void> {
  const { command, env } = await findChromium()
  const args = ['--no-sandbox', '--disable-gpu', '--hide-scrollbars']
  const browser = await chromium.launch({ executablePath: command, env: environment(env), args })
  try {
    const page = await browser.newPage({ viewport: SIZE, colorScheme: 'dark' })
    await page.goto(url)
    await openEvidence(page)
    await writeFile(FILE, await pictureOfMuch(page))
  } finally {
    await browser.close()
  }
}

/** Of one between two exchanges that has ended: its markouts are known. */
async function openEvidence(page: Page): Promise<void> {
  const pair = page.getByTestId('ended').locator('li:has(.arrow) a')
  await pair.first().click({ timeout: PATIENCE_MS })
  await page.locator('.markouts').waitFor()
  await page.mouse.move(0, 0)
  await page.evaluate('scrollTo(0, 0)')
}

/** Opportunities may be over before a picture is taken: one that shows some is the one. */
async function pictureOfMuch(page: Page): Promise<Buffer> {
  const live = page.locator('.row:not(.row-ended) .net')
  const ends_ms = systemClock.monotonic_ms() + PATIENCE_MS
  for (;;) {
    await live.nth(ROWS_WANTED - 1).waitFor({ timeout: PATIENCE_MS })
    const picture = await page.screenshot()
    const is_late = systemClock.monotonic_ms() > ends_ms
    if (is_late || (await live.count()) >= ROWS_WANTED) return picture
  }
}

await main()
