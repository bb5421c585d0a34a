/** Binance spot as the sandbox has it. */
import { listedUnder } from '../market/coins.ts'
import { type ExchangeProfile, lotPlaces, pricePlaces } from '../market/profile.ts'
import { withRoutes } from './account-rest.ts'
import { binanceServer } from './binance.ts'
import { binanceRoutes } from './binance-account.ts'
import { simulatedBinance } from './binance-streams.ts'
import type { SandboxExchange } from './exchange.ts'
import { RecordedBinance } from './recorded-binance.ts'
import type { WireLine, WireMessage } from './wire.ts'

const profile: ExchangeProfile = {
  id: 'binance',
  lists: listedUnder('b'),
  units: { CAT: { asset: '1000CAT', units: 1_000 } },
  quotes: () => ['USDT'],
  pairs: [
    ...['USDC/USDT', 'EUR/USDT', 'BTC/USDC', 'ETH/USDC', 'BTC/EUR', 'ETH/BTC', 'SOL/BTC'],
    ...['XRP/BTC', 'LTC/BTC', 'LINK/BTC', 'SOL/ETH', 'ADA/ETH'],
  ],
  // binance.com/en/fee, seen on 2026-07-26
  takerFeePercent: () => '0.1',
  minimum_notional: { USDT: '5', USDC: '5', EUR: '5', BTC: '0.0001', ETH: '0.001' },
  priceDecimals: (price) => pricePlaces(price, [4, 2, 8]),
  // a lot is near a dollar or ten cents
  sizeDecimals: (usd_price) => lotPlaces(usd_price, 1, 5),
  batches_per_second: 25,
  lag_ms: 15,
  depth_share: 1,
  // `@depth@100ms`
  push_every_ms: 100,
}

function readWire({ url, dir, raw }: WireLine): WireMessage | undefined {
  if (dir === 'http') {
    const { pathname, searchParams } = new URL(url)
    if (!pathname.endsWith('/depth')) return undefined
    const { lastUpdateId, bids, asks } = JSON.parse(raw)
    const symbol = searchParams.get('symbol') ?? ''
    return { symbol, whole: true, bids, asks, ids: [lastUpdateId, lastUpdateId] }
  }
  if (dir !== 'in' || !raw.includes('"depthUpdate"')) return undefined
  const frame = JSON.parse(raw)
  const { s, U, u, b, a } = frame.data ?? frame
  return { symbol: s, whole: false, bids: b, asks: a, ids: [U, u] }
}

export const binance: SandboxExchange = {
  profile,
  simulate: (source) => withRoutes(binanceServer(simulatedBinance(source)), binanceRoutes(source)),
  recording: () => new RecordedBinance(),
  hosts: ['stream.binance.com', 'api.binance.com'],
  readWire,
}
