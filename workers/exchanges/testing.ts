/**
 * For tests: the dialects of all exchanges, each from its own testing-<id>.ts, and what goes with
 * them. Written from the protocols and sharing no code with the readers.
 */
import type { Market } from '../../shared/market.ts'
import type { Exchange } from './exchange.ts'
import { exchanges } from './index.ts'
import type { Dialect } from './testing-dialect.ts'

export { type Change, type Dialect, TrueBook } from './testing-dialect.ts'

interface DialectFile {
  readonly dialects: Readonly<Record<string, Dialect>>
}

/** By the name of the protocol. */
export const dialects: Readonly<Record<string, Dialect>> = Object.fromEntries(
  (await Promise.all(exchanges.map(({ id }) => dialectsOf(id)))).flatMap(Object.entries),
)

async function dialectsOf(id: string): Promise<DialectFile['dialects']> {
  const file: DialectFile = await import(`./testing-${id}.ts`)
  return file.dialects
}

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
