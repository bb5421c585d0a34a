/**
 * What the exchanges say beside their books: whether assets can be moved, and with the operator's
 * keys what the account is charged. It joins those who ask to those who use the answers.
 */
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { Books } from './book/books.ts'
import type { Config, ExchangeConfig } from './config.ts'
import type { AccountRates } from './detection/fees.ts'
import type { Transfers } from './detection/transfers.ts'
import type { Exchange } from './exchanges/exchange.ts'
import { Account } from './feed/account.ts'
import { AssetWatch } from './feed/assets.ts'
import type { Random } from './feed/backoff.ts'
import { resolveUrl, restUrl } from './feed/url.ts'

const TIMEOUT_MS = 20_000

export interface AccountsOptions {
  readonly exchanges: readonly Exchange[]
  readonly config: Pick<Config, 'exchanges' | 'api_keys'>
  readonly books: Books
  readonly transfers: Transfers
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  /** until assets are first asked for; absent: as in production */
  readonly assets_after_ms?: number
}

export class Accounts implements AccountRates {
  private readonly options: AccountsOptions
  private readonly rates = new Map<string, ReadonlyMap<string, string>>()
  private readonly parts: readonly { start(): void; stop(): void }[]

  constructor(options: AccountsOptions) {
    this.options = options
    this.parts = options.config.exchanges.flatMap((config) => this.partsOf(config))
  }

  start(): void {
    for (const part of this.parts) part.start()
  }

  stop(): void {
    for (const part of this.parts) part.stop()
  }

  taker_percent(exchange: string, market: string): string | null {
    return this.rates.get(exchange)?.get(market) ?? null
  }

  private partsOf(config: ExchangeConfig): { start(): void; stop(): void }[] {
    const { exchanges, transfers, clock, log, random, assets_after_ms } = this.options
    const key = this.options.config.api_keys.get(config.id)
    const exchange = exchanges.find(({ id }) => id === config.id)
    if (exchange === undefined) throw new Error(`no exchange is called ${config.id}`)
    const rest_url = resolveUrl(config.rest_url ?? undefined, exchange.rest_url)
    const { account: procedure, assets } = exchange
    const account =
      procedure === undefined || key === undefined
        ? null
        : new Account({
            ...{ exchange, procedure, key, rest_url, clock, log, random },
            onRates: (percent_of) => this.charged(exchange.id, percent_of),
          })
    const parts: { start(): void; stop(): void }[] = account === null ? [] : [account]
    if (assets === undefined || (assets.needs_key && account === null)) return parts
    parts.push(
      new AssetWatch({
        exchange_id: exchange.id,
        procedure: assets,
        get: (path) =>
          assets.needs_key && account !== null
            ? account.get(path)
            : publicGet(restUrl(rest_url, path)),
        log,
        random,
        onAssets: (known) => transfers.set(exchange.id, known),
        first_after_ms: assets_after_ms,
      }),
    )
    return parts
  }

  /** Markets whose fee changed are revised: everybody who keeps a fee looks at that. */
  private charged(exchange: string, percent_of: ReadonlyMap<string, string>): void {
    const { books } = this.options
    const before = this.rates.get(exchange)
    this.rates.set(exchange, percent_of)
    for (const entry of books.all) {
      const { market } = entry
      if (market.exchange !== exchange) continue
      if (before?.get(market.market) === percent_of.get(market.market)) continue
      books.revise(entry, { ...market })
    }
  }
}

async function publicGet(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  const body = await response.text()
  if (response.status === 200) return body
  throw new Error(`GET ${url} answered HTTP ${response.status}: ${body.slice(0, 200)}`)
}
