import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openBrowser } from '../../edge/dashboard/testing/browser.ts'
import { expired } from '../publish/testing.ts'
import { add, addKey, publish, type Stores, startGateway, startStores } from './testing.ts'

const ROOT = join(import.meta.dirname, '../..')
const CLIENT = join(ROOT, 'node_modules/socket.io-client/dist/socket.io.esm.min.js')

let stores: Stores
beforeAll(async () => {
  stores = await startStores()
})
afterAll(() => stores?.stop())

it('runs the page of docs/realtime.md in a browser, through the end of a worker', async () => {
  const [, example = ''] =
    /```html\n([^`]*(?:`[^`]+`[^`]*)*?)```/.exec(
      readFileSync(join(ROOT, 'docs/realtime.md'), 'utf8'),
    ) ?? []
  const { version } = JSON.parse(
    readFileSync(join(ROOT, 'node_modules/socket.io-client/package.json'), 'utf8'),
  )
  expect(example).toContain(`https://cdn.socket.io/${version}/socket.io.esm.min.js`)
  const limits = { public_read: false, anonymous_streams: 5, key_streams: 20 }
  const first = await startGateway(stores, { limits })
  const { token } = await addKey(stores)
  const browser = await openBrowser()
  try {
    const page = await browser.newPage()
    await page.route('https://cdn.socket.io/**', (route) =>
      route.fulfill({ path: CLIENT, headers: { 'access-control-allow-origin': '*' } }),
    )
    await page.setContent(
      example.replace('https://worker.example', first.url).replace('arb_…', token),
    )
    const lines = page.locator('#open li')
    const shown = () => expect.poll(() => lines.allInnerTexts(), { timeout: 20_000 })
    await expect.poll(() => first.gateway.sockets, { timeout: 20_000 }).toBe(1)
    await publish(stores.redis, { profit_percent: '0.4' })
    await publish(stores.redis, { id: 'opp_ended' })
    await shown().toEqual(['BTC/USDT: binance → bybit, 0.9210 %'])
    await first.stop()
    await add(stores.redis, expired('ended'))
    await publish(stores.redis, { symbol: 'ETH/USDT', profit_percent: '1.5' })
    const second = await startGateway(stores, { limits, port: first.port })
    await shown().toEqual(['ETH/USDT: binance → bybit, 1.5 %'])
    await second.stop()
  } finally {
    await browser.close()
  }
}, 60_000)
