/**
 * The tables, in one place; migrations/ is generated from it (`npm run migrate:generate`).
 * Prices are unbounded NUMERIC: an exchange's digits fit whatever they are.
 */
import { sql } from 'drizzle-orm'
import {
  boolean,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  timestamp,
  varchar,
} from 'drizzle-orm/pg-core'
import type { Leg, Markout } from '../opportunity.ts'

const moment = (name: string) =>
  timestamp(name, { withTimezone: true, precision: 3, mode: 'string' })

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
  (table) => [
    index('idx_symbol').on(table.symbol),
    index('idx_status').on(table.status),
    index('idx_created').on(table.created_at.desc()),
    index('idx_detected').on(table.detected_at.desc(), table.id.desc()),
  ],
)
