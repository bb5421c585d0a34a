/**
 * One exchange's account, seen through a key of the operator's: its own taker fees, read anew each
 * hour. The key's rights are read first, and one that may do more than read is refused: nobody could
 * steal anything here but what is here. Without an accepted key the list fees stay in force.
 */
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { AccountProcedure, ApiKey, Exchange } from '../exchanges/exchange.ts'
import { backoff_ms, type Random } from './backoff.ts'
import { restUrl } from './url.ts'

const TIMEOUT_MS = 10_000
const READ_EVERY_MS = 3_600_000
const RETRY = { base_ms: 30_000, cap_ms: 600_000 }

export interface AccountOptions {
  readonly exchange: Pick<Exchange, 'id' | 'time'>
  readonly procedure: AccountProcedure
  readonly key: ApiKey
  readonly rest_url: string
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  /** taker fees in percent, by the exchange's name of the market; empty when the key is refused */
  readonly onRates: (percent_of: ReadonlyMap<string, string>) => void
}

export class Account {
  private readonly options: AccountOptions
  private readonly abort = new AbortController()
  private timer: NodeJS.Timeout | undefined
  private attempts = 0
  private admitted = false
  /** the key was looked at for the first time */
  private readonly judged = Promise.withResolvers<void>()
  /** exchange clock minus our wall clock */
  private offset_ms = 0

  constructor(options: AccountOptions) {
    this.options = options
  }

  start(): void {
    void this.read()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.abort.abort()
  }

  /** A signed GET. @throws Error when the key is not accepted, or nothing useful answers */
  async get(path: string): Promise<string> {
    await this.judged.promise
    if (!this.admitted) throw new Error('the key is not accepted')
    return this.signed(path)
  }

  private async read(): Promise<void> {
    const { exchange, procedure, log, random, onRates } = this.options
    let wait_ms = READ_EVERY_MS
    try {
      await this.readClock()
      const excess = procedure.rights.parse(await this.signed(procedure.rights.path))
      this.admitted = excess.length === 0
      if (this.admitted) {
        const rates = procedure.rates.parse(await this.signed(procedure.rates.path))
        log.info('account fees read', { exchange: exchange.id, markets: rates.size })
        onRates(rates)
      } else {
        log.error(
          'the API key may do more than read and is not used: remove these rights from it',
          {
            exchange: exchange.id,
            remove: excess,
          },
        )
        onRates(new Map())
      }
      this.attempts = 0
    } catch (error) {
      if (this.abort.signal.aborted) return
      wait_ms = RETRY.base_ms + Math.round(backoff_ms(this.attempts++, RETRY, random))
      log.warn('account fees could not be read', {
        exchange: exchange.id,
        wait_ms,
        reason: error instanceof Error ? error.message : String(error),
      })
    }
    this.judged.resolve()
    if (!this.abort.signal.aborted) this.timer = setTimeout(() => void this.read(), wait_ms)
  }

  /** Signatures carry the exchange's time: our clock may be off by more than the window. */
  private async readClock(): Promise<void> {
    const { exchange, clock } = this.options
    const sent_ms = clock.wall_ms()
    const body = await this.fetch(exchange.time.path, {})
    const between_ms = (sent_ms + clock.wall_ms()) / 2
    this.offset_ms = exchange.time.parse(body) - between_ms
  }

  private signed(path: string): Promise<string> {
    const { procedure, key, clock } = this.options
    const request = procedure.sign(path, key, clock.wall_ms() + this.offset_ms)
    return this.fetch(request.path, request.headers)
  }

  /** A key goes to the address it was given for and nowhere else: redirections are errors. */
  private async fetch(path: string, headers: Readonly<Record<string, string>>): Promise<string> {
    const response = await fetch(restUrl(this.options.rest_url, path), {
      headers,
      redirect: 'error',
      signal: AbortSignal.any([this.abort.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    const body = await response.text()
    if (response.status === 200) return body
    const [plain] = path.split('?')
    throw new Error(`GET ${plain} answered HTTP ${response.status}: ${body.slice(0, 200)}`)
  }
}
