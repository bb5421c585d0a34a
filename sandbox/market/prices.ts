/**
 * The fair dollar price of every coin: one factor that moves the whole market, each coin's own
 * noise, and stablecoins that wander about their pegs, which may move. All are Ornstein-Uhlenbeck processes in the
 * logarithm, sampled exactly for any time step, so prices never drift out of a plausible range.
 */
import { baseCoin } from './chain.ts'
import { type Listing, MONEY_USD } from './listings.ts'
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
/** A stablecoin that lost its peg trades like any coin in trouble. */
const DEPEGGED: Process = { per_second: 0.0006, decay_ms: 60_000 }
/** How fast a price follows when its peg moves. */
const PEG_DECAY_MS = 1_500
/** A peg that moved by more is no peg any more. */
const PEG_TOLERANCE = 0.005

interface CoinState {
  readonly start_usd: number
  /** how strongly the coin follows the market factor */
  readonly beta: number
  deviation: number
}

interface MoneyState {
  readonly start_usd: number
  /** where it is going, and what it is worth but for its noise */
  target_usd: number
  peg_usd: number
  deviation: number
}

export class FairPrices {
  private readonly random: Random
  private readonly coins = new Map<string, CoinState>()
  private readonly moneys = new Map<string, MoneyState>()
  private market = 0
  private readonly usd = new Map<string, number>()

  constructor(listings: readonly Listing[], random: Random) {
    this.random = random
    for (const [asset, usd] of Object.entries(MONEY_USD)) {
      this.moneys.set(asset, { start_usd: usd, target_usd: usd, peg_usd: usd, deviation: 0 })
    }
    for (const listing of listings) {
      const coin = baseCoin(listing)
      if (this.moneys.has(coin) || this.coins.has(coin)) continue
      const start_usd = listing.base_usd / (listing.units ?? 1)
      const beta = listing.rank === 0 ? 1 : random.between(1, 1.8)
      this.coins.set(coin, { start_usd, beta, deviation: 0 })
    }
    this.publish()
  }

  advance(elapsed_ms: number): void {
    if (elapsed_ms <= 0) return
    this.market = evolve(this.market, MARKET, elapsed_ms, this.random)
    for (const [asset, money] of this.moneys) {
      if (asset === 'USD') continue
      money.peg_usd +=
        (money.target_usd - money.peg_usd) * (1 - Math.exp(-elapsed_ms / PEG_DECAY_MS))
      money.deviation = evolve(money.deviation, processOf(money), elapsed_ms, this.random)
    }
    for (const coin of this.coins.values()) {
      coin.deviation = evolve(coin.deviation, OWN, elapsed_ms, this.random)
    }
    this.publish()
  }

  /** @throws Error for a coin that no listing names. */
  usdPrice(coin: string): number {
    const price = this.usd.get(coin)
    if (price === undefined) throw new Error(`no price is known for ${coin}`)
    return price
  }

  /** From now on a money other than the dollar goes to `usd`. @throws RangeError for anything else. */
  setPeg(asset: string, usd: number): void {
    const money = this.moneys.get(asset)
    if (money === undefined || asset === 'USD') throw new RangeError(`no peg to move: ${asset}`)
    if (!(usd > 0 && Number.isFinite(usd))) throw new RangeError(`no price: ${usd}`)
    money.target_usd = usd
  }

  private publish(): void {
    for (const [asset, { peg_usd, deviation }] of this.moneys) {
      this.usd.set(asset, peg_usd * Math.exp(deviation))
    }
    for (const [coin, { start_usd, beta, deviation }] of this.coins) {
      this.usd.set(coin, start_usd * Math.exp(beta * this.market + deviation))
    }
  }
}

function processOf({ start_usd, target_usd }: MoneyState): Process {
  return Math.abs(target_usd / start_usd - 1) > PEG_TOLERANCE ? DEPEGGED : STABLE
}

/** The exact transition of an Ornstein-Uhlenbeck process about 0. */
function evolve(value: number, process: Process, elapsed_ms: number, random: Random): number {
  const kept = Math.exp(-elapsed_ms / process.decay_ms)
  const variance = (process.per_second ** 2 * process.decay_ms * (1 - kept ** 2)) / 2_000
  return value * kept + Math.sqrt(variance) * random.normal()
}
