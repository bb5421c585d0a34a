/** Bybit v5 spot as the sandbox has it. */
import { listedUnder } from '../market/coins.ts'
import { type ExchangeProfile, lotPlaces, pricePlaces } from '../market/profile.ts'
import { withRoutes } from './account-rest.ts'
import { bybitServer } from './bybit.ts'
import { bybitRoutes } from './bybit-account.ts'
import { simulatedBybit } from './bybit-books.ts'
import type { SandboxExchange } from './exchange.ts'
import { RecordedBybit } from './recorded-bybit.ts'
import type { WireLine, WireMessage } from './wire.ts'

const profile: ExchangeProfile = {
  id: 'bybit',
  lists: listedUnder('y'),
  quotes: () => ['USDT'],
  pairs: ['USDC/USDT', 'BTC/USDC', 'ETH/USDC', 'ETH/BTC', 'SOL/BTC', 'XRP/BTC'],
  // bybit.com, VIP 0, seen on 2026-07-26
  takerFeePercent: () => '0.1',
  minimum_notional: { USDT: '5', USDC: '5', BTC: '0.0001', ETH: '0.001' },
  priceDecimals: (price) => pricePlaces(price, [4, 1, 8]),
  // a lot is near a dollar or ten cents
  sizeDecimals: (usd_price) => lotPlaces(usd_price, 2, 6),
  batches_per_second: 16,
  lag_ms: 40,
  depth_share: 0.7,
  // `orderbook.50`
  push_every_ms: 20,
}

function readWire({ dir, raw }: WireLine): WireMessage | undefined {
  if (dir !== 'in' || !raw.includes('"topic":"orderbook.')) return undefined
  const { type, data } = JSON.parse(raw)
  return { symbol: data.s, whole: type === 'snapshot', bids: data.b, asks: data.a }
}

export const bybit: SandboxExchange = {
  profile,
  simulate: (source) => withRoutes(bybitServer(simulatedBybit(source)), bybitRoutes(source)),
  recording: () => new RecordedBybit(),
  hosts: ['stream.bybit.com', 'api.bybit.com'],
  readWire,
  window: 50,
}
