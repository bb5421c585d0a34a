/** Kraken v2 as the sandbox has it. */
import { listedUnder } from '../market/coins.ts'
import { MONEY_USD } from '../market/listings.ts'
import { type ExchangeProfile, powerOfTen, pricePlaces } from '../market/profile.ts'
import { withRoutes } from './account-rest.ts'
import type { SandboxExchange } from './exchange.ts'
import { krakenServer } from './kraken.ts'
import { krakenRoutes } from './kraken-assets.ts'
import { simulatedKraken } from './kraken-books.ts'
import { RecordedKraken } from './recorded-kraken.ts'
import type { WireLine, WireMessage, WirePair } from './wire.ts'

/** Of so many coins there is a market in USDT, too. */
const USDT_COINS = 60
/** what the worker subscribes */
const DEPTH = 25

const profile: ExchangeProfile = {
  id: 'kraken',
  lists: listedUnder('k'),
  quotes: (rank) => (rank < USDT_COINS ? ['USD', 'USDT'] : ['USD']),
  pairs: [
    ...['USDT/USD', 'USDC/USDT', 'USDC/USD', 'EUR/USD', 'USDT/EUR', 'BTC/EUR', 'ETH/EUR'],
    ...['ETH/BTC', 'SOL/BTC', 'XRP/BTC', 'LTC/BTC', 'LINK/BTC', 'DOT/BTC', 'SOL/ETH', 'ADA/ETH'],
  ],
  // kraken.com/features/fee-schedule, tier 1 and stable pairs, seen on 2026-07-26
  takerFeePercent: (base) => (base in MONEY_USD ? '0.2' : '0.8'),
  minimum_notional: { USD: '0.5', USDT: '0.5', EUR: '0.45', BTC: '0.00002', ETH: '0.0002' },
  priceDecimals: (price) => pricePlaces(price, [5, 1, 9]),
  // dust may be traded …
  sizeDecimals: (usd_price) => (usd_price >= 0.001 ? 8 : usd_price >= 0.0001 ? 5 : 2),
  minimumSize,
  batches_per_second: 8,
  lag_ms: 110,
  depth_share: 0.4,
  // every change at once
  push_every_ms: 0,
}

/** … but not ordered: `ordermin` is worth a few dollars. */
function minimumSize(usd_price: number, size_decimals: number): string {
  const exponent = Math.floor(Math.log10(5 / usd_price))
  return powerOfTen(Math.max(exponent, -size_decimals))
}

/**
 * "Keep the books at the depth that was subscribed."
 * https://docs.kraken.com/api/docs/guides/spot-ws-book-v2
 */
function readWire({ dir, raw }: WireLine): WireMessage | undefined {
  if (dir !== 'in' || !raw.startsWith('{"channel":"book"')) return undefined
  const { type, data } = JSON.parse(raw)
  const [{ symbol, bids, asks }] = data
  const pairs = (levels: { price: number; qty: number }[]): WirePair[] =>
    levels.map(({ price, qty }) => [price, qty])
  return {
    symbol,
    whole: type === 'snapshot',
    bids: pairs(bids),
    asks: pairs(asks),
    depth: DEPTH,
  }
}

export const kraken: SandboxExchange = {
  profile,
  simulate: (source) => withRoutes(krakenServer(simulatedKraken(source)), krakenRoutes(source)),
  recording: () => new RecordedKraken(),
  hosts: ['ws.kraken.com', 'api.kraken.com'],
  readWire,
  window: DEPTH,
}
