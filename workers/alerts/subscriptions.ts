/**
 * The subscriptions as PostgreSQL has them, kept in memory: it tells of every change (LISTEN), the
 * changed rows are read again, and everything is read again after a lost connection and now and then.
 * While PostgreSQL is away what is known stays in use; before the first reading nothing is known, and
 * whoever asks waits.
 */
import { Client } from 'pg'
import type { Log } from '../../shared/log.ts'
import { WEBHOOKS_CHANNEL } from '../../shared/webhook.ts'
import { Catalogue } from './catalogue.ts'
import { settledWithin } from './deadline.ts'
import { ENDPOINT_COLUMNS, Endpoint } from './endpoint.ts'

export interface SubscriptionsOptions {
  readonly database_url: string
  readonly log: Log
  /** everything is read again so often, in case that a notice got lost */
  readonly reload_every_ms?: number
}

const RELOAD_EVERY_MS = 30_000
const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 2_000
const CONNECT_TIMEOUT_MS = 5_000
const QUERY_TIMEOUT_MS = 10_000
const END_WITHIN_MS = 1_000

/** A key that is revoked takes its endpoints with it. */
const SELECT = `
  SELECT ${ENDPOINT_COLUMNS.map((name) => `e.${name}`).join(', ')} FROM webhook_endpoints e
  LEFT JOIN api_keys k ON k.id = e.key_id WHERE k.revoked_at IS NULL`

export class Subscriptions {
  readonly catalogue = new Catalogue()
  /** resolves when everything was read for the first time */
  readonly ready: Promise<void>
  private readonly options: SubscriptionsOptions
  private readonly changed = new Set<string>()
  private readonly abort = new AbortController()
  private markReady: () => void = () => {}
  private wake: () => void = () => {}
  private running: Promise<void> = Promise.resolve()
  private told = false

  constructor(options: SubscriptionsOptions) {
    this.options = options
    this.ready = new Promise((resolve) => {
      this.markReady = resolve
    })
  }

  start(): void {
    this.running = this.run()
  }

  async stop(): Promise<void> {
    this.abort.abort()
    this.wake()
    await this.running
  }

  /** Ahead of PostgreSQL, which is about to say so too. */
  turnOff(id: string): void {
    const endpoint = this.catalogue.get(id)
    if (endpoint !== undefined) this.catalogue.put({ ...endpoint, enabled: false })
  }

  private get stopping(): boolean {
    return this.abort.signal.aborted
  }

  private async run(): Promise<void> {
    let retry_ms = RETRY_FIRST_MS
    while (!this.stopping) {
      try {
        await this.follow(() => {
          retry_ms = RETRY_FIRST_MS
        })
      } catch (error) {
        if (this.stopping) return
        if (!this.told) this.options.log.warn('subscriptions cannot be read', { error })
        this.told = true
      }
      await this.sleep(retry_ms)
      retry_ms = Math.min(retry_ms * 2, RETRY_MAX_MS)
    }
  }

  /** One connection, for as long as it lasts. */
  private async follow(onLoaded: () => void): Promise<void> {
    const client = new Client({
      connectionString: this.options.database_url,
      application_name: 'spreadwire-subscriptions',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    })
    let lost: Error | null = null
    const onLost = (error?: Error) => {
      lost ??= error ?? new Error('the connection ended')
      this.wake()
    }
    client.on('error', onLost)
    client.on('end', () => onLost())
    client.on('notification', ({ payload }) => {
      if (payload !== undefined) this.changed.add(payload)
      this.wake()
    })
    try {
      await client.connect()
      await client.query(`LISTEN ${WEBHOOKS_CHANNEL}`)
      while (!this.stopping) {
        await this.reload(client)
        onLoaded()
        await this.followChanges(client, () => lost)
      }
    } finally {
      // A dead link does not answer the goodbye either.
      await settledWithin(client.end(), END_WITHIN_MS)
    }
  }

  /** Reads changes as they are told; returns when it is time to read everything again. */
  private async followChanges(client: Client, lost: () => Error | null): Promise<void> {
    const { reload_every_ms = RELOAD_EVERY_MS } = this.options
    let is_due = false
    const timer = setTimeout(() => {
      is_due = true
      this.wake()
    }, reload_every_ms)
    try {
      while (!this.stopping && !is_due) {
        const error = lost()
        if (error !== null) throw error
        if (this.changed.size > 0) await this.reloadChanged(client)
        else await this.sleep(reload_every_ms)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  private async reload(client: Client): Promise<void> {
    this.changed.clear()
    const { rows } = await client.query(SELECT)
    const gone = new Set(this.catalogue.ids())
    for (const row of rows) {
      gone.delete(row.id)
      this.put(row)
    }
    for (const id of gone) this.catalogue.remove(id)
    if (this.told) this.options.log.info('subscriptions are read again')
    this.told = false
    this.markReady()
  }

  private async reloadChanged(client: Client): Promise<void> {
    const ids = [...this.changed]
    this.changed.clear()
    const { rows } = await client.query(`${SELECT} AND e.id = ANY($1)`, [ids])
    const gone = new Set(ids)
    for (const row of rows) {
      gone.delete(row.id)
      this.put(row)
    }
    for (const id of gone) this.catalogue.remove(id)
  }

  private put(row: { readonly id: string }): void {
    const endpoint = Endpoint.safeParse(row)
    if (endpoint.success) {
      this.catalogue.put(endpoint.data)
      return
    }
    const fields = endpoint.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    this.options.log.error('an endpoint cannot be read: it gets nothing', { id: row.id, fields })
    this.catalogue.remove(row.id)
  }

  /** Ends early when something happened. */
  private sleep(duration_ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.stopping) return resolve()
      const timer = setTimeout(() => this.wake(), duration_ms)
      this.wake = () => {
        clearTimeout(timer)
        this.wake = () => {}
        resolve()
      }
    })
  }
}
