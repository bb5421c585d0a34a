/**
 * A story: a small world of exchanges and what happens in it, step by step. It is made of a seed and
 * is plain data, so that steps can be left out and it can be told in words; each step brings its own
 * time and its own randomness, and means the same without the others.
 */
import { seededRandom } from '../replay/random.ts'

export interface MarketSpec {
  readonly exchange: string
  readonly base: string
  readonly quote: string
  /** price in the quote */
  readonly fair: number
  readonly fee_percent: string
  readonly size_step: string
  readonly minimum_size: string
  readonly minimum_notional: string
}

export interface ExchangeSpec {
  readonly id: string
  /** one way, without jitter */
  readonly latency_ms: number
  /** its clock minus the true time */
  readonly clock_ms: number
}

type Happening =
  | { readonly kind: 'tick' | 'cross'; readonly market: string }
  | { readonly kind: 'empty'; readonly market: string; readonly side: 'bid' | 'ask' }
  | { readonly kind: 'move'; readonly market: string; readonly percent: number }
  | { readonly kind: 'trading'; readonly market: string; readonly open: boolean }
  | { readonly kind: 'fee'; readonly market: string; readonly percent: string | null }
  /** of the next frame of a book */
  | { readonly kind: 'lose' | 'double' | 'swap'; readonly exchange: string }
  /** of a connection: it ends, it is about to, nobody is there any more */
  | { readonly kind: 'cut' | 'mute'; readonly exchange: string }
  | { readonly kind: 'replace'; readonly exchange: string }
  | { readonly kind: 'hold'; readonly exchange: string; readonly for_ms: number }
  | { readonly kind: 'maintenance'; readonly exchange: string; readonly on: boolean }
  | { readonly kind: 'clock'; readonly exchange: string; readonly by_ms: number }
  | { readonly kind: 'rest'; readonly exchange: string; readonly answer: RestAnswer }
  | { readonly kind: 'stall'; readonly for_ms: number }
  | { readonly kind: 'takeover' }

/** what becomes of the next snapshot that is asked for */
export type RestAnswer = 'late' | 'old' | 'failed'

export type Step = Happening & { readonly at_ms: number; readonly seed: number }

export interface Story {
  readonly seed: number
  readonly exchanges: readonly ExchangeSpec[]
  readonly markets: readonly MarketSpec[]
  readonly min_volume_usd: number
  readonly steps: readonly Step[]
}

type Random = () => number

/** Dollars for one; a cycle begins with the first of these that it visits. */
export const COINS: Readonly<Record<string, number>> = {
  USD: 1,
  USDT: 1,
  EUR: 1.25,
  BTC: 12_000,
  ETH: 800,
}
const PAIRS: readonly (readonly [base: string, quote: string, chance: number])[] = [
  ['BTC', 'USDT', 0.75],
  ['ETH', 'USDT', 0.5],
  ['ETH', 'BTC', 0.35],
  ['BTC', 'USD', 0.4],
  ['ETH', 'USD', 0.2],
  ['USDT', 'USD', 0.3],
  ['BTC', 'EUR', 0.15],
  ['EUR', 'USD', 0.1],
]
/** until every book can be live */
const BEGIN_MS = 1_500

export const nameOf = ({
  exchange,
  base,
  quote,
}: Pick<MarketSpec, 'exchange' | 'base' | 'quote'>) => `${exchange} ${base}/${quote}`

/** Always the same for a seed and these exchanges. */
export function storyOf(seed: number, exchange_ids: readonly string[]): Story {
  const random = seededRandom(mixed(seed))
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const count = random() < 0.6 ? 2 : Math.min(3, exchange_ids.length)
  const ids = [...exchange_ids].sort(() => random() - 0.5).slice(0, count)
  const exchanges = ids.map((id) => ({
    id,
    latency_ms: 2 + Math.floor(random() ** 2 * 120),
    clock_ms: Math.floor((random() - 0.5) * pick([10, 200, 4_000])),
  }))
  const markets = ids.flatMap((exchange, i) =>
    PAIRS.filter(
      ([base], n) => random() < (PAIRS[n]?.[2] ?? 0) || (i === 0 && base === 'USDT'),
    ).map(
      ([base, quote]): MarketSpec => ({
        exchange,
        base,
        quote,
        fair: (COINS[base] as number) / (COINS[quote] as number),
        fee_percent: pick(['0', '0.05', '0.1', '0.1', '0.26']),
        size_step: pick(['0.00000001', '0.0001', '0.0001', '0.01']),
        minimum_size: pick(['0', '0', '0', '0.001']),
        minimum_notional: pick(['0', '0', '5']),
      }),
    ),
  )
  const min_volume_usd = pick([0, 0, 10, 1_000])
  const world = { seed, exchanges, markets, min_volume_usd }
  return { ...world, steps: stepsOf(world, random) }
}

/** Neighbouring seeds have nothing in common; large ones are not cut. */
function mixed(seed: number): number {
  return (
    (Math.imul(seed >>> 0, 0x9e3779b1) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca6b)) >>> 0
  )
}

function stepsOf(world: Omit<Story, 'steps'>, random: Random): Step[] {
  const steps: Step[] = []
  const length = 20 + Math.floor(random() * 50)
  // some worlds are calm, others know all faults
  const unrest = random() < 0.2 ? 0 : random() * 0.3
  let at_ms = BEGIN_MS
  for (let i = 0; i < length; i++) {
    at_ms += pauseOf(random)
    const add = (after_ms: number, what: Happening) =>
      steps.push({ ...what, at_ms: at_ms + after_ms, seed: Math.floor(random() * 2 ** 32) })
    if (random() < unrest) addFault(world, random, add)
    else addChange(world, random, add)
  }
  return steps.sort((a, b) => a.at_ms - b.at_ms)
}

/** Mostly a few, now and then many milliseconds. */
function pauseOf(random: Random): number {
  const kind = random()
  if (kind < 0.02) return 2_000 + Math.floor(random() * 6_000)
  return Math.floor(kind < 0.15 ? random() * 800 : random() * 90)
}

type Add = (after_ms: number, what: Happening) => void

function addChange({ markets }: Omit<Story, 'steps'>, random: Random, add: Add): void {
  const market = nameOf(markets[Math.floor(random() * markets.length)] as MarketSpec)
  const kind = random()
  if (kind < 0.74) {
    add(0, { kind: 'tick', market })
  } else if (kind < 0.95) {
    // a price tears away and comes back
    const far = random() < 0.1 ? 20 : 2.8
    add(0, { kind: 'move', market, percent: round((random() - 0.5) * 2 * far) })
    if (random() < 0.9) add(Math.floor(random() ** 2 * 2_500), { kind: 'move', market, percent: 0 })
  } else {
    if (random() < 0.6) add(0, { kind: 'cross', market })
    else add(0, { kind: 'empty', market, side: random() < 0.5 ? 'bid' : 'ask' })
    add(Math.floor(random() * 900), { kind: 'move', market, percent: 0 })
  }
}

function addFault(world: Omit<Story, 'steps'>, random: Random, add: Add): void {
  const { exchanges, markets } = world
  const exchange = (exchanges[Math.floor(random() * exchanges.length)] as ExchangeSpec).id
  const market = nameOf(markets[Math.floor(random() * markets.length)] as MarketSpec)
  const soon_ms = Math.floor(random() * 3_000)
  const long_ms = Math.floor(random() ** 2 * 9_000)
  const faults: readonly (() => void)[] = [
    () => add(0, { kind: 'lose', exchange }),
    () => add(0, { kind: 'double', exchange }),
    () => add(0, { kind: 'swap', exchange }),
    () => add(0, { kind: 'cut', exchange }),
    () => add(0, { kind: 'replace', exchange }),
    () => add(0, { kind: 'hold', exchange, for_ms: Math.floor(soon_ms / 2) }),
    () => add(0, { kind: 'mute', exchange }),
    () => add(0, { kind: 'stall', for_ms: 60 + Math.floor(soon_ms / 3) }),
    () => {
      add(0, { kind: 'trading', market, open: false })
      add(soon_ms, { kind: 'trading', market, open: true })
    },
    () => {
      add(0, { kind: 'maintenance', exchange, on: true })
      add(soon_ms, { kind: 'maintenance', exchange, on: false })
    },
    () => add(0, { kind: 'clock', exchange, by_ms: (random() < 0.5 ? -1 : 1) * (1_500 + long_ms) }),
    () => {
      const answer = (['late', 'old', 'failed'] as const)[Math.floor(random() * 3)] as RestAnswer
      add(0, { kind: 'rest', exchange, answer })
      add(1, { kind: 'lose', exchange })
    },
    () => {
      add(0, { kind: 'fee', market, percent: null })
      add(soon_ms, { kind: 'fee', market, percent: '0.1' })
    },
    () => add(0, { kind: 'takeover' }),
  ]
  faults[Math.floor(random() * faults.length)]?.()
}

const round = (value: number) => Math.round(value * 100) / 100
