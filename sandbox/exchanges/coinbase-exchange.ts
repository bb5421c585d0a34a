/** Coinbase as the sandbox has it: one set of books behind the doors of Exchange and Advanced Trade. */
import { listedUnder } from '../market/coins.ts'
import { type ExchangeProfile, pricePlaces } from '../market/profile.ts'
import type { MarketSource } from '../market/source.ts'
import { withRoutes } from './account-rest.ts'
import { coinbaseServer } from './coinbase.ts'
import { advancedServer } from './coinbase-advanced.ts'
import { simulatedCoinbase } from './coinbase-books.ts'
import { coinbaseRoutes } from './coinbase-currencies.ts'
import type { SandboxExchange } from './exchange.ts'
import { RecordedCoinbase } from './recorded-coinbase.ts'
import type { ExchangeServer } from './server.ts'
import type { WireLine, WireMessage, WirePair } from './wire.ts'

/** Only the most popular coins are traded in USDT. */
const USDT_COINS = 8

const profile: ExchangeProfile = {
  id: 'coinbase',
  lists: listedUnder('c'),
  quotes: (rank) => (rank < USDT_COINS ? ['USD', 'USDT'] : ['USD']),
  // no USDC books: they are the dollar books. Nobody else lists ADA/BTC and AVAX/BTC: only a longer
  // chain leads back from them
  pairs: [
    ...['USDT/USD', 'BTC/EUR', 'ETH/EUR', 'ETH/BTC', 'LTC/BTC', 'LINK/BTC', 'ADA/BTC', 'AVAX/BTC'],
    ...['SOL/ETH'],
  ],
  // exchange.coinbase.com fees, seen on 2026-07-26
  takerFeePercent: () => '0.6',
  minimum_notional: { USD: '1', USDT: '1', EUR: '1', BTC: '0.000016', ETH: '0.00022' },
  priceDecimals: (price) => pricePlaces(price, [4, 2, 8]),
  // dust may be traded
  sizeDecimals: (usd_price) => (usd_price >= 1 ? 8 : usd_price >= 0.01 ? 6 : 0),
  batches_per_second: 12,
  lag_ms: 70,
  depth_share: 0.6,
  // `level2_batch`
  push_every_ms: 50,
}

function simulate(source: MarketSource): ExchangeServer {
  const { exchange, advanced } = simulatedCoinbase(source)
  const server = withRoutes(coinbaseServer(exchange), coinbaseRoutes(source))
  return { ...server, alternative: advancedServer(advanced) }
}

function readWire({ dir, raw }: WireLine): WireMessage | undefined {
  if (dir !== 'in') return undefined
  const { type, product_id, bids, asks, changes = [] } = JSON.parse(raw)
  if (type === 'snapshot') return { symbol: product_id, whole: true, bids, asks }
  if (type !== 'l2update') return undefined
  const of = (side: string): WirePair[] =>
    changes.flatMap(([name, price, size]: string[]) => (name === side ? [[price, size]] : []))
  return { symbol: product_id, whole: false, bids: of('buy'), asks: of('sell') }
}

export const coinbase: SandboxExchange = {
  profile,
  simulate,
  recording: () => new RecordedCoinbase(),
  hosts: [
    'ws-feed.exchange.coinbase.com',
    'api.exchange.coinbase.com',
    'advanced-trade-ws.coinbase.com',
  ],
  readWire,
}
