import { describe, expect, it } from 'vitest'
import { coinGiven, coinReceived, type Leg } from './chain.ts'
import { ChainFinder } from './finder.ts'
import { createMarketModel } from './model.ts'
import { PublishedBooks } from './published.ts'
import { FOUR } from './testing.ts'
import { type Books, take } from './walk.ts'

const START_MS = 1_790_000_000_000
const MONEY = ['USD', 'USDT', 'USDC', 'EUR']

/** Every cycle of trades of two to four coins, leg by leg, with what opportunity it is. */
function everyChain({ markets }: Books): { name: string; legs: Leg[] }[] {
  const found: { name: string; legs: Leg[] }[] = []
  const all = [...markets.keys()].flatMap((index): Leg[] => [
    { market: index, side: 'buy' },
    { market: index, side: 'sell' },
  ])
  const given = ({ market, side }: Leg) => coinGiven(markets[market]!, side)
  const received = ({ market, side }: Leg) => coinReceived(markets[market]!, side)
  const extend = (legs: Leg[]) => {
    const [first, last] = [legs[0]!, legs.at(-1)!]
    if (received(last) === given(first)) {
      const name = nameOf(legs)
      if (name !== undefined) found.push({ name, legs })
      return
    }
    if (legs.length === 4 || legs.some((leg) => given(leg) === received(last))) return
    for (const next of all) if (given(next) === received(last)) extend([...legs, next])
  }
  const nameOf = (legs: Leg[]): string | undefined => {
    const exchanges = new Set(legs.map(({ market }) => markets[market]!.exchange))
    const coins = legs.map(given)
    const moneys = coins.filter((coin) => MONEY.includes(coin)).length
    const exchangeOf = (leg: Leg) => markets[leg.market]!.exchange
    const [one, two] = [legs[0]!, legs[1]!]
    if (legs.length === 2 && exchangeOf(one) !== exchangeOf(two)) {
      return `cross ${[one, two].map(({ market, side }) => `${side} ${market}`).sort()}`
    }
    if (legs.length === 3 && moneys === 2) {
      const out = coins.findIndex((coin) => !MONEY.includes(coin))
      const [buy, sell] = [legs[(out + 2) % 3]!, legs[out]!]
      if (exchangeOf(buy) !== exchangeOf(sell)) {
        return `cross ${[buy, sell].map(({ market, side }) => `${side} ${market}`).sort()}`
      }
    }
    if (legs.length === 2) return undefined
    const at = coins.indexOf([...coins].sort()[0]!)
    const cycle = [...coins.slice(at), ...coins.slice(0, at)].join()
    if (exchanges.size > 1 || legs.length > 3) return `multi ${cycle}`
    return `triangle ${[...exchanges]} ${cycle}`
  }
  for (const leg of all) extend([leg])
  return found
}

describe('ChainFinder', () => {
  it('finds what a look at every chain on every book finds, moment by moment', {
    timeout: 120_000,
  }, () => {
    const model = createMarketModel({ exchanges: FOUR, seed: 3, symbols: 2, rate: 1, tears: 4 })
    const books = new PublishedBooks(model)
    const usdPrice = (coin: string) => model.usdPrice(coin)
    const finder = new ChainFinder({
      books,
      tradable: () => true,
      usdPrice,
      min_percent: 0.5,
      min_volume_usd: 1_000,
    })
    const chains = everyChain(books)
    const named = new Map<string, string>()
    for (const { key, hops } of finder.families) {
      // any choice of legs of a family has the family's name, but for those it does not admit
      const legs = hops.map((hop) => hop[0]!)
      const coins = legs.map(({ market, side }) => coinGiven(model.markets[market]!, side))
      const at = coins.indexOf([...coins].sort()[0]!)
      const cycle = [...coins.slice(at), ...coins.slice(0, at)].join()
      const [kind, exchange] = key.split(' ')
      if (kind === 'cross_exchange') {
        const pair = [legs[0]!, legs[1]!].map(({ market, side }) => `${side} ${market}`)
        named.set(key, `cross ${pair.sort()}`)
      } else if (kind === 'multi_leg') named.set(key, `multi ${cycle}`)
      else named.set(key, `triangle ${exchange} ${cycle}`)
    }
    const open = new Set<string>()
    const seen = new Set<string>()
    for (let now_ms = START_MS; now_ms < START_MS + 60_000; now_ms += 20) {
      model.step(now_ms)
      for (const [family, found] of finder.look(books.push(now_ms))) {
        if (family.hops.length > 4) continue
        if (found) open.add(named.get(family.key)!)
        else open.delete(named.get(family.key)!)
      }
      if (now_ms % 300 !== 0) continue
      const expected = new Set<string>()
      for (const { name, legs } of chains) {
        if (expected.has(name) || bestCase(books, legs) < 1.005 - 1e-9) continue
        const taken = take(books, legs, 0.5)
        const first = model.markets[legs[0]!.market]!
        const usd = (taken?.amount_in ?? 0) * usdPrice(coinGiven(first, legs[0]!.side))
        if (usd >= 1_000) expected.add(name)
      }
      // a cycle's volume is counted where it begins; from elsewhere it may be a cent below the minimum
      expect([...open].sort()).toEqual([...expected].sort())
      for (const name of expected) seen.add(name.split(' ')[0]!)
    }
    expect([...seen].sort()).toEqual(['cross', 'multi', 'triangle'])
  })
})

/** The product of the best prices after fees. */
function bestCase(books: Books, legs: readonly Leg[]): number {
  return legs.reduce((product, { market, side }) => {
    const { taker_fee_percent, price_decimals, units = 1 } = books.markets[market]!
    const price = books.side(market, side === 'buy' ? 'ask' : 'bid').price(0) / 10 ** price_decimals
    const kept = 1 - Number(taker_fee_percent) / 100
    return product * kept * (side === 'buy' ? units / price : price / units)
  }, 1)
}
