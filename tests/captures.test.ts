/**
 * `npm start -- --captures`: frames recorded from real exchanges arrive through real sockets, and
 * every book stays whole. The recordings are not part of the project; without them this is skipped.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EdgeHealth } from '../shared/health.ts'
import { eventually, PROJECT_DIR, Running } from './running.ts'

const CAPTURES = join(PROJECT_DIR, '..', 'shared', 'captures')

describe.skipIf(!existsSync(CAPTURES))('recorded frames of real exchanges', () => {
  let system: Running
  beforeAll(async () => {
    system = await Running.start(['--captures', CAPTURES])
  })
  afterAll(async () => {
    await system?.stop()
    system?.clean()
  })

  it('keep every book live with all checksums right and no gap', async () => {
    const health = await eventually(
      async () => {
        const { body } = await system.json('/health')
        const parsed = EdgeHealth.parse(body)
        return (parsed.exchanges.kraken?.checksums_ok ?? 0) >= 500 ? parsed : undefined
      },
      60_000,
      '500 checksums',
    )
    expect(health.status).toBe('ok')
    expect(Object.keys(health.exchanges)).toEqual(
      expect.arrayContaining(['binance', 'coinbase', 'kraken']),
    )
    for (const [id, exchange] of Object.entries(health.exchanges)) {
      expect(exchange, id).toMatchObject({
        connected: true,
        gaps_total: 0,
        checksums_failed: 0,
        reconnects_total: 0,
      })
      expect(exchange.books_live, id).toBe(exchange.books_total)
    }
  })
})
