/**
 * Asks an exchange every few minutes which assets can be deposited and withdrawn. What it once said
 * is forgotten when it has not been said again for too long: an old "open" is worse than "unknown".
 */
import type { AssetStatus } from '../../shared/asset.ts'
import type { Log } from '../../shared/log.ts'
import type { AssetProcedure } from '../exchanges/exchange.ts'
import type { Random } from './backoff.ts'

const ASK_EVERY_MS = 300_000
/** the first list of markets and the snapshots go first */
const FIRST_AFTER_MS = 5_000
const RETRY_MS = 60_000
const FAILURES_UNTIL_FORGOTTEN = 15

export interface AssetWatchOptions {
  readonly exchange_id: string
  readonly procedure: AssetProcedure
  /** the body of a GET that succeeded; rejects otherwise */
  readonly get: (path: string) => Promise<string>
  readonly log: Log
  readonly random: Random
  /** empty: nothing is known any more */
  readonly onAssets: (assets: readonly AssetStatus[]) => void
  /** undefined: as in production */
  readonly first_after_ms: number | undefined
}

export class AssetWatch {
  private readonly options: AssetWatchOptions
  private timer: NodeJS.Timeout | undefined
  private stopped = false
  private failures = 0

  constructor(options: AssetWatchOptions) {
    this.options = options
  }

  start(): void {
    this.schedule(this.options.first_after_ms ?? FIRST_AFTER_MS)
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  private schedule(wait_ms: number): void {
    if (this.stopped) return
    const jittered_ms = Math.round(wait_ms * (1 + this.options.random() / 10))
    this.timer = setTimeout(() => void this.ask(), jittered_ms)
  }

  private async ask(): Promise<void> {
    const { exchange_id, procedure, get, log, onAssets } = this.options
    try {
      const assets = procedure.parse(await get(procedure.path))
      if (this.stopped) return
      this.failures = 0
      onAssets(assets)
      this.schedule(ASK_EVERY_MS)
    } catch (error) {
      if (this.stopped) return
      this.failures++
      if (this.failures === FAILURES_UNTIL_FORGOTTEN) onAssets([])
      log.warn('nothing says which assets can be moved', {
        exchange: exchange_id,
        reason: error instanceof Error ? error.message : String(error),
      })
      this.schedule(RETRY_MS)
    }
  }
}
