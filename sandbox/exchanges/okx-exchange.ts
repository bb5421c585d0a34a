/** OKX v5 spot as the sandbox has it. */
import { listedUnder } from '../market/coins.ts'
import { type ExchangeProfile, lotPlaces, powerOfTen, pricePlaces } from '../market/profile.ts'
import type { SandboxExchange } from './exchange.ts'
import { okxServer } from './okx.ts'
import { BOOKS_EVERY_MS, OKX_DEPTH, simulatedOkx } from './okx-books.ts'
import { RecordedOkx } from './okx-recorded.ts'
import type { WireLine, WireMessage, WirePair } from './wire.ts'

/** Of the most popular coins there is a market in USDC, too. */
const USDC_COINS = 6

const profile: ExchangeProfile = {
  id: 'okx',
  // the small coins that it lists are about those of Bybit
  lists: listedUnder('y'),
  quotes: (rank) => (rank < USDC_COINS ? ['USDT', 'USDC'] : ['USDT']),
  pairs: [
    'USDC/USDT',
    'EUR/USDT',
    'BTC/EUR',
    'ETH/EUR',
    'ETH/BTC',
    'SOL/BTC',
    'XRP/BTC',
    'LTC/BTC',
  ],
  // okx.com/fees, regular user, seen on 2026-07-26
  takerFeePercent: () => '0.1',
  // there is none but the smallest size
  minimum_notional: { USDT: '0', USDC: '0', EUR: '0', BTC: '0', ETH: '0' },
  priceDecimals: (price) => pricePlaces(price, [4, 1, 9]),
  sizeDecimals: (usd_price) => lotPlaces(usd_price, 4, 8),
  minimumSize,
  batches_per_second: 14,
  lag_ms: 55,
  depth_share: 0.65,
  push_every_ms: BOOKS_EVERY_MS,
}

/** `minSz` is worth about a dollar. */
function minimumSize(usd_price: number, size_decimals: number): string {
  return powerOfTen(Math.max(Math.floor(Math.log10(1 / usd_price)), -size_decimals))
}

function readWire({ dir, raw }: WireLine): WireMessage | undefined {
  if (dir !== 'in' || !raw.startsWith('{"arg":{"channel":"books"')) return undefined
  const { arg, action, data } = JSON.parse(raw)
  const [{ bids, asks }] = data
  const pairs = (levels: string[][]): WirePair[] =>
    levels.map(([price = '', size = '']) => [price, size])
  return { symbol: arg.instId, whole: action === 'snapshot', bids: pairs(bids), asks: pairs(asks) }
}

export const okx: SandboxExchange = {
  profile,
  simulate: (source) => okxServer(simulatedOkx(source)),
  recording: () => new RecordedOkx(),
  hosts: ['ws.okx.com', 'www.okx.com'],
  readWire,
  window: OKX_DEPTH,
}
