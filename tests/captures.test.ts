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
    expect(status).toBe(200)
    for (const [id, exchange] of Object.entries(health.exchanges)) {
      expect({ id, failed: exchange.checksums_failed }).toEqual({ id, failed: 0 })
      expect({ id, gaps: exchange.gaps_total }).toEqual({ id, gaps: 0 })
      expect(exchange.books_live).toBeGreaterThan(0)
    }
  })
})
