/** The faults of the faulted run, one after the other, and what each of them holds in doubt. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sandbox } from '../../bench/load/sandbox.ts'
import { Doubts, SILENT_MS } from './doubts.ts'
import type { Relay } from './relay.ts'

/** From the first moment on: another coin under the same ticker, another unit under the same name. */
export const LISTING_FAULTS = [
  'stranger bybit ADA 1.3',
  'stranger coinbase AVAX 1000',
  'unit kraken DOT 1000',
]

export class Disturbance {
  readonly doubts = new Doubts()

  constructor() {
    this.doubts.always({ exchange: 'bybit', symbol: 'ADA/' })
    this.doubts.always({ exchange: 'coinbase', symbol: 'AVAX/' })
    this.doubts.always({ exchange: 'kraken', symbol: 'DOT/' })
  }

  /** About 24 seconds of trouble. */
  async run(sandbox: Sandbox, networks: ReadonlyMap<string, Relay>): Promise<void> {
    const network = (id: string) => {
      const found = networks.get(id)
      if (found === undefined) throw new Error(`no network of ${id}`)
      return found
    }
    await sleep(2_000)
    await sandbox.tell('peg USDC 0.93')
    await sleep(2_000)
    const uncrossed = this.doubts.begin({ exchange: 'kraken', symbol: 'ETH/USD' })
    await sandbox.tell('cross kraken ETH/USD 1500')
    await sleep(1_500)
    uncrossed()
    const opened = this.doubts.begin({ exchange: 'kraken', symbol: 'XRP/USD' }, { halted: true })
    await sandbox.tell('halt kraken XRP/USD')
    await sleep(3_500)
    opened()
    await sandbox.tell('open kraken XRP/USD')
    await sleep(1_000)
    const resumed = this.doubts.begin({ exchange: 'bybit' }, { unknowable_ms: SILENT_MS })
    network('bybit').stall()
    await sleep(4_000)
    resumed()
    network('bybit').resume()
    await sleep(2_000)
    for (const id of ['binance', 'kraken', 'bybit']) {
      const found = this.doubts.begin({ exchange: id })
      network(id).lose(3)
      await sleep(1_500)
      found()
    }
    await sandbox.tell('peg USDC 1')
    await sleep(3_000)
  }
}
