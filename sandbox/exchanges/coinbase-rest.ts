/**
 * Coinbase Exchange's public REST: products, the clock and books. In maintenance it is unavailable.
 * https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-book
 */
import { systemClock } from '../../shared/clock.ts'
import type { Operations } from './operations.ts'
import type { HttpAnswer } from './server.ts'

/** What is asked by REST. */
export interface CoinbaseReference {
  /** entries of /products */
  readonly products: readonly { readonly id: string }[]
  /** body of /products/<id>/book with so many levels a side; undefined: there is none */
  orderbook(product: string, depth: number): string | undefined
  readonly operations: Operations
}

export function coinbaseRest(url: URL, feed: CoinbaseReference): HttpAnswer {
  const { pathname } = url
  if (feed.operations.maintenance) return failure(503, 'ServiceUnavailable')
  if (pathname === '/products') return { status: 200, body: JSON.stringify(feed.products) }
  if (pathname === '/time') return { status: 200, body: time() }
  const [, id = '', book] = /^\/products\/([^/]+)(\/book)?$/.exec(pathname) ?? []
  const product = feed.products.find((entry) => entry.id === decodeURIComponent(id))
  if (product === undefined) return failure(404, 'NotFound')
  if (book !== undefined) return orderbook(product.id, url, feed)
  return { status: 200, body: JSON.stringify(product) }
}

function time(): string {
  const now_ms = systemClock.wall_ms()
  return JSON.stringify({ iso: new Date(now_ms).toISOString(), epoch: now_ms / 1_000 })
}

/** "1: the best bid and ask; 2: full order book (aggregated)"; 3, order by order, is not simulated */
function orderbook(id: string, { searchParams }: URL, feed: CoinbaseReference): HttpAnswer {
  const level = searchParams.get('level') ?? '1'
  if (level !== '1' && level !== '2') return failure(400, 'Invalid level')
  const depth = level === '1' ? 1 : Number.POSITIVE_INFINITY
  const body = feed.orderbook(id, depth)
  return body === undefined ? failure(404, 'NotFound') : { status: 200, body }
}

export function failure(status: number, message: string): HttpAnswer {
  return { status, body: JSON.stringify({ message }) }
}
