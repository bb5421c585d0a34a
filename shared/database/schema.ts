/**
 * The tables, in one place; migrations/ is generated from it (`npm run migrate:generate`).
 * Prices are unbounded NUMERIC: an exchange's digits fit whatever they are.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  text,
  timestamp,
  varchar,
} from 'drizzle-orm/pg-core'
import type { Leg, Markout } from '../opportunity.ts'

const moment = (name: string) =>
  timestamp(name, { withTimezone: true, precision: 3, mode: 'string' })

/**
 * Exchange ids of all legs, as text[]: PostgreSQL keeps statistics of its elements, which it does not
 * of a document's, so it knows a rare exchange from a common one. Ids have no character of JSON's own.
 */
export const LEG_EXCHANGES = sql.raw(
  `string_to_array(translate(jsonb_path_query_array("legs", '$[*].exchange')::text, '[]" ', ''), ',')`,
)

/** As a literal: PostgreSQL proves by it that a partial index is enough. */
export const IS_PAST = sql.raw(`"status" = 'expired'`)

/** The history: one row an opportunity, first written when it is detected. */
export const opportunities = pgTable(
  'opportunities',
  {
    id: varchar('id', { length: 64 }).primaryKey(),
    type: varchar('type', { length: 32 }).notNull(),
    symbol: varchar('symbol', { length: 64 }).notNull(),
    buy_exchange: varchar('buy_exchange', { length: 32 }).notNull(),
    sell_exchange: varchar('sell_exchange', { length: 32 }).notNull(),
    buy_price: numeric('buy_price').notNull(),
    sell_price: numeric('sell_price').notNull(),
    gross_percent: numeric('gross_percent').notNull(),
    profit_percent: numeric('profit_percent').notNull(),
    profit_usd: numeric('profit_usd').notNull(),
    volume_usd: numeric('volume_usd').notNull(),
    base_size: numeric('base_size').notNull(),
    depth_exhausted: boolean('depth_exhausted').notNull(),
    transfer: varchar('transfer', { length: 16 }).notNull(),
    skew_ms: integer('skew_ms').notNull(),
    simulated: boolean('simulated').notNull(),
    status: varchar('status', { length: 16 }).notNull().default('detected'),
    legs: jsonb('legs').$type<Leg[]>().notNull(),
    markouts: jsonb('markouts').$type<Markout[]>().notNull(),
    detected_at: moment('detected_at').notNull(),
    updated_at: moment('updated_at').notNull(),
    expired_at: moment('expired_at'),
    duration_ms: integer('duration_ms'),
    expiry_reason: varchar('expiry_reason', { length: 16 }),
    peak_profit_percent: numeric('peak_profit_percent').notNull(),
    /** the stream id of the newest event applied: an older one never overwrites it */
    last_event_id: varchar('last_event_id', { length: 40 }).notNull(),
    created_at: moment('created_at').notNull().default(sql`now()`),
  },
  // PostgreSQL's DESC puts nulls first, and only an index in that very order serves it.
  (table) => [
    index('idx_symbol').on(table.symbol),
    index('idx_status').on(table.status),
    index('idx_created').on(table.created_at.desc().nullsFirst()),
    index('idx_detected').on(table.detected_at.desc().nullsFirst(), table.id.desc().nullsFirst()),
    // history and statistics of one symbol, or of one pair of exchanges, over a time
    index('idx_symbol_detected').on(
      table.symbol,
      table.detected_at.desc().nullsFirst(),
      table.id.desc().nullsFirst(),
    ),
    index('idx_exchanges_detected').on(
      table.buy_exchange,
      table.sell_exchange,
      table.detected_at.desc().nullsFirst(),
      table.id.desc().nullsFirst(),
    ),
    // a filter that few rows pass finds them, instead of looking through all that do not
    index('idx_sell_detected')
      .on(table.sell_exchange, table.detected_at.desc().nullsFirst(), table.id.desc().nullsFirst())
      .where(IS_PAST),
    index('idx_type_detected')
      .on(table.type, table.detected_at.desc().nullsFirst(), table.id.desc().nullsFirst())
      .where(IS_PAST),
    index('idx_transfer_detected')
      .on(table.transfer, table.detected_at.desc().nullsFirst(), table.id.desc().nullsFirst())
      .where(IS_PAST),
    index('idx_profit_percent').on(table.profit_percent).where(IS_PAST),
    index('idx_volume_usd').on(table.volume_usd).where(IS_PAST),
    // not partial: of an expression PostgreSQL uses only the statistics of a whole index
    index('idx_leg_exchanges').using('gin', sql`(${LEG_EXCHANGES})`),
  ],
)

/** Keys are shown once when they are made; only their hash is kept. */
export const api_keys = pgTable('api_keys', {
  id: varchar('id', { length: 40 }).primaryKey(),
  name: varchar('name', { length: 100 }).notNull(),
  /** how the key begins: enough to recognise it */
  prefix: varchar('prefix', { length: 16 }).notNull(),
  /** SHA-256 of the whole key, hex: 256 random bits need no salt */
  hash: varchar('hash', { length: 64 }).notNull().unique(),
  scopes: jsonb('scopes').$type<string[]>().notNull(),
  /** null: what every key may */
  requests_per_minute: integer('requests_per_minute'),
  streams: integer('streams'),
  created_at: moment('created_at').notNull().default(sql`now()`),
  last_used_at: moment('last_used_at'),
  revoked_at: moment('revoked_at'),
})

/** Subscriptions. Two secrets are valid while one replaces the other. */
export const webhook_endpoints = pgTable('webhook_endpoints', {
  id: varchar('id', { length: 40 }).primaryKey(),
  /** the owner; null: the operator */
  key_id: varchar('key_id', { length: 40 }).references(() => api_keys.id),
  url: text('url').notNull(),
  event_types: jsonb('event_types').$type<string[]>().notNull(),
  filters: jsonb('filters').$type<Record<string, unknown>>().notNull(),
  format: varchar('format', { length: 16 }).notNull().default('standard'),
  min_interval_ms: integer('min_interval_ms').notNull().default(0),
  enabled: boolean('enabled').notNull().default(true),
  disabled_reason: text('disabled_reason'),
  secret: text('secret').notNull(),
  previous_secret: text('previous_secret'),
  previous_secret_until: moment('previous_secret_until'),
  /** the first failure since the last success */
  failing_since: moment('failing_since'),
  created_at: moment('created_at').notNull().default(sql`now()`),
  updated_at: moment('updated_at').notNull().default(sql`now()`),
})

/** What was to be delivered, kept so that it can be replayed. The id is the event's. */
export const webhook_messages = pgTable(
  'webhook_messages',
  {
    id: varchar('id', { length: 64 }).primaryKey(),
    type: varchar('type', { length: 64 }).notNull(),
    /** as it was signed and sent in the format `standard`, to the byte */
    body: text('body').notNull(),
    created_at: moment('created_at').notNull().default(sql`now()`),
  },
  (table) => [index('idx_webhook_messages_created').on(table.created_at.desc().nullsFirst())],
)

/** Every try to deliver a message to an endpoint, and the verdict `expired` when time ran out. */
export const webhook_attempts = pgTable(
  'webhook_attempts',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    endpoint_id: varchar('endpoint_id', { length: 40 })
      .notNull()
      .references(() => webhook_endpoints.id, { onDelete: 'cascade' }),
    message_id: varchar('message_id', { length: 64 })
      .notNull()
      .references(() => webhook_messages.id, { onDelete: 'cascade' }),
    attempt: integer('attempt').notNull(),
    /** the id of its entry in Redis: written twice, it is still one row */
    log_id: varchar('log_id', { length: 40 }).notNull().unique(),
    /** success, failure, expired or missed */
    result: varchar('result', { length: 16 }).notNull(),
    response_status: integer('response_status'),
    /** how the answer began */
    response_excerpt: text('response_body'),
    error: text('error'),
    duration_ms: integer('duration_ms'),
    attempted_at: moment('attempted_at').notNull().default(sql`now()`),
  },
  (table) => [
    index('idx_webhook_attempts_endpoint').on(table.endpoint_id, table.id.desc().nullsFirst()),
    index('idx_webhook_attempts_message').on(table.message_id, table.endpoint_id),
    // a replay of all that were missed
    index('idx_webhook_attempts_missed')
      .on(table.endpoint_id, table.message_id)
      .where(sql`${table.result} = 'missed'`),
  ],
)
