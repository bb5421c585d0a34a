/**
 * For tests: the dialects and published limits of all exchanges, each from its own testing-<id>.ts.
 * Written from the protocols and sharing no code with the readers.
 */
import type { Market } from '../../shared/market.ts'
import type { Exchange } from './exchange.ts'
import { exchanges } from './index.ts'
import type { Dialect, Published } from './testing-dialect.ts'

export { type Change, type Dialect, TrueBook } from './testing-dialect.ts'

interface ExchangeFile {
  readonly dialects: Readonly<Record<string, Dialect>>
  readonly published: Published
}

const files = await Promise.all(
  exchanges.map(async ({ id }) => {
    const file: ExchangeFile = await import(`./testing-${id}.ts`)
    return [id, file] as const
  }),
)

/** By the name of the protocol. */
export const dialects: Readonly<Record<string, Dialect>> = Object.fromEntries(
  files.flatMap(([, file]) => Object.entries(file.dialects)),
)

/** By the exchange's id. */
export const published: Readonly<Record<string, Published>> = Object.fromEntries(
  files.map(([id, file]) => [id, file.published]),
)

/** Every protocol that is spoken: each exchange's own and those of its alternatives, by name. */
export function protocolsOf(exchange: Exchange): (readonly [string, Exchange])[] {
  const others = (exchange.alternatives ?? []).flatMap(({ websocket_url, protocol }) => {
    if (websocket_url === undefined || protocol === undefined) return []
    const name = `${exchange.id} at ${new URL(websocket_url).hostname}`
    return [[name, { ...exchange, ...protocol }] as const]
  })
  return [[exchange.id, exchange], ...others]
}

export function testMarket(exchange: string, market: string): Market {
  const [base = '', quote = ''] = market.includes('/')
    ? market.split('/')
    : market.includes('-')
      ? market.split('-')
      : [market.slice(0, -4), market.slice(-4)]
  return {
    exchange,
    symbol: `${base}/${quote}`,
    market,
    base,
    quote,
    price_step: '0.01',
    size_step: '0.0001',
    minimum_size: '0',
    minimum_notional: '0',
    taker_fee_percent: '0.1',
    trading: true,
  }
}
