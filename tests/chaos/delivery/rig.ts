/**
 * What becomes of an event once it is in the stream: one worker that watches no exchange, receivers
 * of all kinds, and events that are published here. The worker may be exchanged for another one.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { MortalWorker } from '../../../bench/alerts/worker.ts'
import { until } from '../../../bench/failover/rig.ts'
import { opportunity } from '../../../edge/testing/opportunities.ts'
import { publish } from '../../../edge/testing/stack.ts'
import { startPostgres } from '../../../sandbox/postgres.ts'
import { startRedis } from '../../../sandbox/redis.ts'
import type { Draft } from '../../../shared/event.ts'
import { KEYS, QUEUE_PREFIX, QUEUES } from '../../../shared/keys.ts'
import { newMessageId, newWebhookId, newWebhookSecret } from '../../../shared/webhook.ts'
import type { ChaosRig, RigKind, Verdict } from '../fault.ts'
import { Findings } from '../findings.ts'
import { Receivers } from './receivers.ts'

export const DELIVERY: RigKind<DeliveryRig> = {
  name: 'a worker and receivers of all kinds',
  start: () => DeliveryRig.start(),
}

export interface Attempt {
  readonly message_id: string
  readonly result: string
  readonly response_body: string | null
  readonly error: string | null
  readonly duration_ms: number | null
}

export interface NewEndpoint {
  readonly url: string
  readonly symbol?: string
  readonly event_types?: readonly string[]
  readonly key_id?: string
  readonly failing_since?: Date
}

const KNOWN = '/known'
const SETTLED_WITHIN_MS = 30_000

export class DeliveryRig implements ChaosRig {
  readonly redis: Redis
  readonly redis_url: string
  readonly pool: Pool
  readonly database_url: string
  readonly receivers: Receivers
  worker: MortalWorker
  private readonly stops: (() => Promise<unknown>)[]

  private constructor(
    urls: { redis_url: string; database_url: string },
    receivers: Receivers,
    stops: (() => Promise<unknown>)[],
  ) {
    this.redis_url = urls.redis_url
    this.database_url = urls.database_url
    this.redis = new Redis(urls.redis_url)
    this.pool = new Pool({ connectionString: urls.database_url, max: 2 })
    this.pool.on('error', () => {})
    this.receivers = receivers
    this.worker = new MortalWorker(urls.redis_url, urls.database_url)
    this.stops = stops
  }

  static async start(): Promise<DeliveryRig> {
    const stops: (() => Promise<unknown>)[] = []
    try {
      const folder = await mkdtemp(join(tmpdir(), 'spreadwire-chaos-'))
      stops.push(() => rm(folder, { recursive: true, force: true }))
      const redis = await startRedis()
      stops.push(() => redis.stop())
      const postgres = await startPostgres({ data_dir: join(folder, 'postgres'), durable: false })
      stops.push(() => postgres.stop())
      const receivers = await Receivers.start()
      stops.push(() => receivers.stop())
      const urls = { redis_url: redis.url, database_url: postgres.url }
      const rig = new DeliveryRig(urls, receivers, stops)
      stops.push(() => rig.pool.end())
      stops.push(async () => rig.redis.disconnect())
      stops.push(() => rig.worker.stop())
      await rig.worker.migrate()
      await rig.worker.start()
      return rig
    } catch (error) {
      for (const stop of stops.reverse()) await stop()
      throw error
    }
  }

  /** Another worker takes the place of this one. */
  async exchangeWorker(variables: Readonly<Record<string, string>>): Promise<void> {
    await this.worker.stop()
    this.worker = new MortalWorker(this.redis_url, this.database_url, variables)
    await this.worker.start()
  }

  /** A row as the API would have made it, of an address that the API might have refused; its id. */
  async endpoint({
    url,
    symbol,
    event_types,
    key_id,
    failing_since,
  }: NewEndpoint): Promise<string> {
    const id = newWebhookId()
    await this.pool.query(
      `INSERT INTO webhook_endpoints (id, url, event_types, filters, secret, key_id, failing_since)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [
        ...[id, url, JSON.stringify(event_types ?? ['opportunity.detected'])],
        JSON.stringify(symbol === undefined ? {} : { symbol }),
        ...[newWebhookSecret(), key_id ?? null, failing_since ?? null],
      ],
    )
    return id
  }

  /** Waits until the worker knows all endpoints that there are: they become known in order. */
  async known(): Promise<void> {
    const id = await this.endpoint({ url: this.receivers.url + KNOWN, event_types: [] })
    const before = this.receivers.at(KNOWN).length
    const isKnown = async () => {
      // a delivery to somebody who is not known is done, and the same one is not done again
      const command = { kind: 'test', webhook_id: id, message_id: newMessageId() }
      await this.redis.xadd(KEYS.webhook_commands, '*', 'data', JSON.stringify(command))
      return this.receivers.at(KNOWN).length > before
    }
    await until('an endpoint to be known', isKnown)
    await this.forget([id])
  }

  async forget(ids: readonly string[]): Promise<void> {
    await this.pool.query('DELETE FROM webhook_endpoints WHERE id = ANY($1)', [ids])
  }

  /** An opportunity begins now; the event's id. */
  detect(symbol: string): Promise<string> {
    const timestamp = new Date().toISOString()
    const data = opportunity({ symbol, detected_at: timestamp })
    return this.publish({ type: 'opportunity.detected', timestamp, data })
  }

  publish(draft: Draft): Promise<string> {
    return publish(this.redis, draft)
  }

  /** What is on record of an endpoint, the oldest first. */
  async attempts(endpoint_id: string): Promise<Attempt[]> {
    const sql = 'SELECT * FROM webhook_attempts WHERE endpoint_id = $1 ORDER BY attempted_at, id'
    return (await this.pool.query<Attempt>(sql, [endpoint_id])).rows
  }

  async check(): Promise<Verdict> {
    const findings = new Findings({ timed: false })
    const left = async () => {
      const lengths = Object.values(QUEUES).flatMap((queue) =>
        ['wait', 'active'].map((state) => this.redis.llen(`${QUEUE_PREFIX}:${queue}:${state}`)),
      )
      return (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0)
    }
    await until('the queues', async () => (await left()) === 0, SETTLED_WITHIN_MS).catch(() => {})
    findings.hold((await left()) === 0, `${await left()} jobs wait or run`)
    for (const queue of Object.values(QUEUES)) {
      const done = await this.redis.zcard(`${QUEUE_PREFIX}:${queue}:completed`)
      const failed = await this.redis.zcard(`${QUEUE_PREFIX}:${queue}:failed`)
      findings.note(`${done} ${queue} done, ${failed} failed by our own fault`)
      findings.hold(failed === 0, `${failed} jobs failed in the queue ${queue}`)
    }
    return findings.verdict()
  }

  async stop(): Promise<void> {
    for (const stop of this.stops.splice(0).reverse()) await stop()
  }
}
