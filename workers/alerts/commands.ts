/**
 * Does what the API asks for: a sample to one endpoint, or messages once more. What is replayed keeps
 * its webhook-id, comes from PostgreSQL in batches and queues up behind everything that happens now.
 * Only what was addressed to the endpoint before can be replayed to it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { WebhookCommand } from '../../shared/webhook.ts'
import type { StreamEntry } from '../publish/group.ts'
import type { DeliveryLog } from './delivery-log.ts'
import type { Endpoint } from './endpoint.ts'
import type { Queues } from './jobs.ts'
import { type Message, messageOf } from './message.ts'
import { sampleFor } from './sample.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface CommandsOptions {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  readonly subscriptions: Subscriptions
  readonly queues: Queues
  readonly delivery_log: DeliveryLog
}

type Replay = Extract<WebhookCommand, { kind: 'replay' }>

const BATCH = 500
/** A command may overtake the news that its endpoint exists. */
const NEWS_WITHIN_MS = 500

/** Handles batches of the `commands` group. @throws while PostgreSQL is away */
export function createCommands(
  options: CommandsOptions,
): (entries: readonly StreamEntry[]) => Promise<void> {
  const { log, subscriptions } = options
  return async (entries) => {
    await subscriptions.ready
    for (const { id, fields } of entries) {
      const command = read(fields.data)
      if (command === null) {
        log.error('the stream of commands held one that is none: skipped', { id })
        continue
      }
      const endpoint = await find(subscriptions, command.webhook_id)
      // It was deleted meanwhile.
      if (endpoint === undefined) continue
      if (command.kind === 'test') await test(options, endpoint, command.message_id)
      else await replay(options, endpoint, command)
    }
  }
}

function read(text: string | undefined): WebhookCommand | null {
  try {
    return WebhookCommand.safeParse(JSON.parse(text ?? 'null')).data ?? null
  } catch {
    return null
  }
}

async function find({ catalogue }: Subscriptions, id: string): Promise<Endpoint | undefined> {
  if (catalogue.get(id) === undefined) await delay(NEWS_WITHIN_MS)
  return catalogue.get(id)
}

async function test(
  { clock, queues, delivery_log }: CommandsOptions,
  endpoint: Endpoint,
  message_id: string,
): Promise<void> {
  const now_ms = clock.wall_ms()
  const message = messageOf(sampleFor(endpoint, message_id, now_ms))
  await delivery_log.message(message)
  await queues.deliver([{ webhook_id: endpoint.id, kind: 'test', since_ms: now_ms, message }])
}

/** Parameters: endpoint, the last batch's end (time and id), batch size, and what the condition needs. */
const MESSAGES = `
  SELECT m.id, m.type, m.body, m.created_at FROM webhook_messages m
  WHERE (m.created_at, m.id) > ($2, $3)
    AND EXISTS (
      SELECT FROM webhook_attempts a WHERE a.message_id = m.id AND a.endpoint_id = $1)`
const IN_ORDER = 'ORDER BY m.created_at, m.id LIMIT $4'
const MISSED = `
  AND EXISTS (
    SELECT FROM webhook_attempts a
    WHERE a.message_id = m.id AND a.endpoint_id = $1 AND a.result = 'missed')
  AND NOT EXISTS (
    SELECT FROM webhook_attempts a
    WHERE a.message_id = m.id AND a.endpoint_id = $1 AND a.result = 'success')`

function conditionOf(what: Replay['what']): readonly [sql: string, parameters: readonly string[]] {
  switch (what.kind) {
    case 'message':
      return ['AND m.id = $5', [what.message_id]]
    case 'range':
      return ['AND m.created_at >= $5 AND m.created_at < $6', [what.from, what.to]]
    case 'missed':
      return [MISSED, []]
  }
}

interface MessageRow {
  readonly id: string
  readonly type: string
  readonly body: string
  readonly created_at: Date
}

async function replay(
  { pool, clock, log, queues }: CommandsOptions,
  { id: webhook_id }: Endpoint,
  { replay_id, what }: Replay,
): Promise<void> {
  const [condition, parameters] = conditionOf(what)
  const sql = `${MESSAGES} ${condition} ${IN_ORDER}`
  const since_ms = clock.wall_ms()
  let after: readonly [time: Date, id: string] = [new Date(0), '']
  let count = 0
  for (;;) {
    const values = [webhook_id, ...after, BATCH, ...parameters]
    const { rows } = await pool.query<MessageRow>(sql, values)
    const last = rows.at(-1)
    if (last === undefined) break
    await queues.deliver(
      rows.map((row) => ({
        webhook_id,
        kind: 'replay',
        replay_id,
        since_ms,
        message: messageFrom(row),
      })),
    )
    count += rows.length
    after = [last.created_at, last.id]
  }
  log.info('messages are replayed', { webhook_id, replay_id, count })
}

function messageFrom({ id, type, body, created_at }: MessageRow): Message {
  return { id, type, body, timestamp: created_at.toISOString() }
}
