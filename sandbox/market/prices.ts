/**
 * The fair dollar price of every asset: one factor that moves the whole market, each coin's own
 * noise, and a stablecoin that wanders about its peg. All are Ornstein-Uhlenbeck processes in the
 * logarithm, sampled exactly for any time step, so prices never drift out of a plausible range.
 */
import { type Listing, USDT_USD } from './listings.ts'
import type { Random } from './random.ts'

/** Deviation in the logarithm after one second, and the time in which a deviation decays. */
interface Process {
  readonly per_second: number
  readonly decay_ms: number
}

/** A market factor of 0.004 % a second is about 20 % a year. */
const MARKET: Process = { per_second: 0.00004, decay_ms: 6 * 3_600_000 }
const OWN: Process = { per_second: 0.00006, decay_ms: 6 * 3_600_000 }
const STABLE: Process = { per_second: 0.000006, decay_ms: 600_000 }

interface CoinState {
  readonly start_usd: number
  /** how strongly the coin follows the market factor */
  readonly beta: number
  deviation: number
}

export class FairPrices {
  private readonly random: Random
  private readonly coins = new Map<string, CoinState>()
  private market = 0
  private stable = 0
  private readonly usd = new Map<string, number>()

  constructor(listings: readonly Listing[], random: Random) {
    this.random = random
    for (const { base, base_usd, rank } of listings) {
      if (base === 'USDT' || this.coins.has(base)) continue
      const beta = rank === 0 ? 1 : random.between(1, 1.8)
      this.coins.set(base, { start_usd: base_usd, beta, deviation: 0 })
    }
    this.publish()
  }

  advance(elapsed_ms: number): void {
    if (elapsed_ms <= 0) return
    this.market = evolve(this.market, MARKET, elapsed_ms, this.random)
    this.stable = evolve(this.stable, STABLE, elapsed_ms, this.random)
    for (const coin of this.coins.values()) {
      coin.deviation = evolve(coin.deviation, OWN, elapsed_ms, this.random)
    }
    this.publish()
  }

  /** @throws Error for an asset that no listing names. */
  usdPrice(asset: string): number {
    const price = this.usd.get(asset)
    if (price === undefined) throw new Error(`no price is known for ${asset}`)
    return price
  }

  private publish(): void {
    this.usd.set('USD', 1)
    this.usd.set('USDT', USDT_USD * Math.exp(this.stable))
    for (const [asset, { start_usd, beta, deviation }] of this.coins) {
      this.usd.set(asset, start_usd * Math.exp(beta * this.market + deviation))
    }
  }
}

/** The exact transition of an Ornstein-Uhlenbeck process about 0. */
function evolve(value: number, process: Process, elapsed_ms: number, random: Random): number {
  const kept = Math.exp(-elapsed_ms / process.decay_ms)
  const variance = (process.per_second ** 2 * process.decay_ms * (1 - kept ** 2)) / 2_000
  return value * kept + Math.sqrt(variance) * random.normal()
}
