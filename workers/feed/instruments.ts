/**
 * Asks an exchange for its list of markets, once. Retrying is the caller's policy: at start it
 * waits, later it keeps the list it has.
 */
import type { Log } from '../../shared/log.ts'
import type { Market } from '../../shared/market.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { restAddressesOf } from './addresses.ts'
import { isBlocked } from './backoff.ts'
import type { Tap } from './tap.ts'
import { restUrl } from './url.ts'

const TIMEOUT_MS = 20_000

export interface InstrumentList {
  readonly markets: Market[]
  /** a sandbox answered */
  readonly simulated: boolean
}

/** The exchange answered with a status that is not 200. */
export class RestError extends Error {
  override name = 'RestError'
  readonly status: number

  constructor(exchange: string, url: string, status: number) {
    super(`${exchange}: GET ${url} answered HTTP ${status}`)
    this.status = status
  }
}

/** @throws RestError on a refusal, Error when nothing answers or the body is not a list. */
export async function fetchInstruments(options: {
  readonly exchange: Exchange
  readonly rest_url: string
  readonly log: Log
  /** a recording listens */
  readonly tap?: Tap | undefined
}): Promise<InstrumentList> {
  const { exchange, rest_url, log, tap } = options
  const bodies: string[] = []
  let simulated = false
  for (const path of exchange.instruments.paths) {
    const { response, url } = await ask(exchange, path, restAddressesOf(exchange, rest_url))
    if (response.status !== 200) throw new RestError(exchange.id, url, response.status)
    if (response.headers.get('x-spreadwire-sandbox') === '1') simulated = true
    const body = await response.text()
    tap?.answered(exchange, path, body)
    bodies.push(body)
  }
  const markets = exchange.instruments.parse(bodies)
  log.info('instruments read', { exchange: exchange.id, markets: markets.length, simulated })
  return { markets, simulated }
}

/** The first answer that does not refuse our address, else the last refusal. */
async function ask(
  exchange: Exchange,
  path: string,
  addresses: readonly string[],
): Promise<{ readonly response: Response; readonly url: string }> {
  const [address, ...others] = addresses
  if (address === undefined) throw new Error(`${exchange.id}: no address`)
  const url = restUrl(address, path)
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    (error: Error) => {
      throw new Error(`${exchange.id}: GET ${url} failed: ${causeOf(error)}`, { cause: error })
    },
  )
  const another = isBlocked(response.status) && others.length > 0
  return another ? ask(exchange, path, others) : { response, url }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}
