/** The stack on frames that the real exchanges sent, played over real sockets, where there are any. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROJECT_DIR } from '../sandbox/environment.ts'
import { type RunningStack, startRunningStack } from './running.ts'

const CAPTURES = join(PROJECT_DIR, '..', 'shared', 'captures')

describe.skipIf(!existsSync(CAPTURES))('npm start -- --captures', () => {
  let stack: RunningStack

  beforeAll(async () => {
    stack = await startRunningStack(['--captures', CAPTURES])
  })
  afterAll(() => stack?.remove())

  it('verifies every checksum of Kraken and loses no message of anybody', async () => {
    const kraken = async () => (await stack.health()).health.exchanges.kraken?.checksums_ok ?? 0
    await expect.poll(kraken, { timeout: 60_000, interval: 250 }).toBeGreaterThan(500)
    const { status, health } = await stack.health()
    expect({ status, says: health.status }).toEqual({ status: 200, says: 'ok' })
    const ids = Object.keys(health.exchanges)
    expect(ids).toEqual(expect.arrayContaining(['binance', 'coinbase', 'kraken']))
    for (const [id, exchange] of Object.entries(health.exchanges)) {
      const whole = { connected: true, gaps_total: 0, checksums_failed: 0, reconnects_total: 0 }
      expect(exchange, id).toMatchObject(whole)
      expect(exchange.books_live, id).toBe(exchange.books_total)
    }
  })
})
