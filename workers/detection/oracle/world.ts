/** A small market world as plain text: what the oracle and the detector are both shown. */
type Level = readonly [price: string, size: string]

export interface OracleMarket {
  readonly exchange: string
  readonly base: string
  readonly quote: string
  /** which coin the base is and how many of them are one unit */
  readonly coin: string
  readonly units: number
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
  readonly fee_percent: string
  readonly size_step: string
  readonly minimum_size: string
  readonly minimum_notional: string
}

export interface World {
  readonly markets: readonly OracleMarket[]
  readonly min_percent: string
  readonly min_volume_usd: string
}

type Random = () => number

/** Fair prices in dollars. */
const COINS: readonly (readonly [name: string, dollars: number])[] = [
  ['USD', 1],
  ['USDT', 1],
  ['EUR', 1.25],
  ['BTC', 100],
  ['ETH', 8],
  ['SOL', 2],
  ['SATS', 0.001],
]
const EXCHANGES = ['binance', 'bybit', 'kraken']
/** Beyond reach of any chain: only there so that every coin has a price in dollars. */
const TELLER = { exchange: 'teller', fee_percent: '60' }

/** A world of some coins and exchanges, different for each state of `random`; a small one is quick to search. */
export function randomWorld(random: Random, is_small: boolean): World {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const chance = is_small ? 0.35 : 0.6
  const coins = COINS.filter(([name]) => name === 'USDT' || random() < chance)
  const exchanges = is_small ? EXCHANGES.slice(0, 2) : EXCHANGES
  const min_percent = pick(['0', '0.1', '0.5', '1'])
  const noise = pick([0.001, 0.003, 0.005])
  const markets: OracleMarket[] = []
  for (const exchange of exchanges) {
    const fee_percent = pick(['0', '0', '0.05', '0.1', '0.26'])
    for (const [i, [quote, in_quote]] of coins.entries()) {
      for (const [base, in_dollars] of coins.slice(i + 1)) {
        if (random() < (is_small ? 0.15 : 0.45) || quote === 'SATS') continue
        const is_thousand = base === 'SATS' && exchange === 'binance'
        const units = is_thousand ? 1000 : 1
        const fair = (in_dollars / in_quote) * units * (1 + (random() - 0.5) * 2 * noise)
        const name = is_thousand ? '1000SATS' : base
        // now and then listed the other way round, as EUR/USDT and USDT/EUR are
        const is_inverse = units === 1 && base !== 'SATS' && random() < 0.1
        markets.push({
          exchange,
          base: is_inverse ? quote : name,
          quote: is_inverse ? base : quote,
          coin: is_inverse ? quote : base,
          units,
          ...sides(is_inverse ? 1 / fair : fair, random),
          fee_percent,
          size_step: pick(['0.00000001', '0.00000001', '0.0001', '0.5']),
          minimum_size: pick(['0', '0', '0', '0.5']),
          minimum_notional: pick(['0', '0', '0', '5']),
        })
      }
    }
  }
  for (const [coin, dollars] of coins) {
    if (coin === 'USD') continue
    const price = decimals(dollars, 0)
    markets.push({
      ...TELLER,
      base: coin,
      quote: 'USD',
      coin,
      units: 1,
      bids: [[price, '1']],
      asks: [[decimals(dollars, 1), '1']],
      size_step: '0.0001',
      minimum_size: '0',
      minimum_notional: '0',
    })
  }
  return { markets, min_percent, min_volume_usd: pick(['0', '0', '10', '200']) }
}

function sides(fair: number, random: Random): Pick<OracleMarket, 'bids' | 'asks'> {
  const is_empty = random() < 0.03
  return {
    bids: random() < 0.03 ? [] : ladder(fair, -1, random),
    asks: is_empty ? [] : ladder(fair, 1, random),
  }
}

/** Up to four levels that move away from the fair price; equal sizes, tiny and huge ones happen. */
function ladder(fair: number, direction: 1 | -1, random: Random): Level[] {
  const levels: Level[] = []
  let ticks = 0
  const count = 1 + Math.floor(random() * 4)
  for (let i = 0; i < count; i++) {
    ticks += 1 + Math.floor(random() * 8)
    const price = decimals(fair * (1 + direction * ticks * 1e-4), 0)
    const kind = random()
    const size =
      kind < 0.15
        ? '10'
        : kind < 0.2
          ? '0.0001'
          : kind < 0.25
            ? '900000000'
            : (random() * 200).toFixed(4)
    if (Number(size) > 0 && !levels.some(([known]) => known === price)) levels.push([price, size])
  }
  return levels
}

/** Seven significant digits, never in exponent form; `ulps` steps above. */
function decimals(value: number, ulps: number): string {
  const digits = Math.max(0, 6 - Math.floor(Math.log10(value)))
  return (value + ulps * 10 ** -digits).toFixed(digits)
}

/** Small, fast and seeded (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
