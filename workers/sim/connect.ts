/** Puts a story's exchanges up and joins each to a port on our side. Nothing moves yet. */
import type { Clock } from '../../shared/clock.ts'
import type { Market } from '../../shared/market.ts'
import type { Books, MarketBook } from '../book/books.ts'
import { exchanges } from '../exchanges/index.ts'
import { dialects } from '../exchanges/testing.ts'
import { seededRandom } from '../replay/random.ts'
import { Outside, START_MS } from './outside.ts'
import { Port, type PortListener } from './port.ts'
import type { Queue } from './queue.ts'
import type { ExchangeSpec, Story } from './story.ts'
import type { Tally } from './tally.ts'
import { TrueMarket } from './true-market.ts'

/** Those whose frames can be made. */
export const EXCHANGES = exchanges.filter(({ id }) => id in dialects)

export interface Surroundings {
  readonly books: Books
  readonly clock: Clock
  readonly tally: Tally
  /** what happens out there, what our timers do, what comes to us */
  readonly outside: Queue
  readonly timers: Queue
  readonly arrivals: Queue
  readonly listener: PortListener
}

/** Where each book of ours comes from. */
export type Sources = ReadonlyMap<MarketBook, readonly [TrueMarket, Port]>

/** An exchange without a market is left out: stories are shortened. */
export function connect(story: Story, around: Surroundings): Sources {
  const sources = new Map<MarketBook, readonly [TrueMarket, Port]>()
  for (const [i, spec] of story.exchanges.entries()) {
    const seed = story.seed + 1_000 * (i + 1)
    const markets = marketsOf(story, spec, seed)
    if (markets.length === 0) continue
    const entries = markets.map((market) => around.books.add(marketOf(market)))
    const port = new Port({
      ...around,
      outside: outsideOf(spec, markets, seed + 1, around),
      entries,
      random: seededRandom(seed + 2),
    })
    for (const [n, entry] of entries.entries()) {
      sources.set(entry, [markets[n] as TrueMarket, port])
    }
  }
  return sources
}

function marketsOf(story: Story, { id }: ExchangeSpec, seed: number): TrueMarket[] {
  const random = seededRandom(seed)
  const separator = /[-/]/.exec(dialects[id]?.market ?? '')?.[0] ?? ''
  return story.markets
    .filter(({ exchange }) => exchange === id)
    .map((spec) => {
      return new TrueMarket(spec, `${spec.base}${separator}${spec.quote}`, START_MS, random)
    })
}

function outsideOf(
  spec: ExchangeSpec,
  markets: readonly TrueMarket[],
  seed: number,
  { outside, arrivals }: Surroundings,
): Outside {
  const exchange = EXCHANGES.find(({ id }) => id === spec.id)
  const dialect = dialects[spec.id]
  if (exchange === undefined || dialect === undefined) throw new Error(`nobody speaks ${spec.id}`)
  return new Outside(exchange, dialect, spec, markets, { events: outside, arrivals, seed })
}

function marketOf({ spec, name }: TrueMarket): Market {
  const { exchange, base, quote, size_step, minimum_size, minimum_notional } = spec
  const symbol = `${base}/${quote}`
  const rules = { price_step: '0.00000001', size_step, minimum_size, minimum_notional }
  const taker_fee_percent = spec.fee_percent
  return { exchange, symbol, market: name, base, quote, ...rules, taker_fee_percent, trading: true }
}
