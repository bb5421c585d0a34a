/**
 * The query parameters of the API, each defined once: this validates a request and is what
 * openapi.json prints. Unknown parameters are refused by every endpoint, because a misspelt filter
 * that is silently ignored answers a question nobody asked.
 */
import { z } from '@hono/zod-openapi'
import { EVENT_TYPES, EventId, EventType } from '../shared/event.ts'
import { ExchangeId, Filters, FILTERS as filters } from '../shared/filters.ts'
import { GUARDS } from '../shared/near-miss.ts'
import { OPPORTUNITY_TYPES, TransferStatus } from '../shared/opportunity.ts'
import { AttemptResult, MESSAGE_ID, WEBHOOKS_MAX } from '../shared/webhook.ts'

const list = (values: readonly string[]) => values.join(', ')

/** RFC 3339 ends with the year 9999, and PostgreSQL has no year 0. */
export const FIRST_MOMENT_MS = Date.parse('0001-01-01T00:00:00.000Z')
const LAST_MOMENT_MS = Date.parse('9999-12-31T23:59:59.999Z')

const MOMENT = 'an RFC 3339 time, such as 2026-01-31T12:00:00.000Z'
export const Moment = z
  .string()
  .pipe(z.iso.datetime({ offset: true, error: MOMENT }))
  .transform((text) => Date.parse(text))
  .refine((moment_ms) => moment_ms >= FIRST_MOMENT_MS && moment_ms <= LAST_MOMENT_MS, MOMENT)
  .transform((moment_ms) => new Date(moment_ms).toISOString())

/** A whole number from 1 to `maximum`. */
function limit(maximum: number, otherwise: number) {
  const expected = `a whole number from 1 to ${maximum}`
  return z
    .string()
    .regex(/^\d{1,6}$/, expected)
    .transform(Number)
    .refine((value) => value >= 1 && value <= maximum, expected)
    .default(otherwise)
    .openapi({ type: 'integer', minimum: 1, maximum, default: otherwise })
}

const SORTS = ['profit_percent', 'volume_usd', 'detected_at'] as const
export type Sort = (typeof SORTS)[number]

export const LiveQuery = Filters.extend({
  sort: z
    .enum(SORTS, `one of ${list(SORTS)}`)
    .default('profit_percent')
    .describe('greatest or newest first'),
  limit: limit(1_000, 100),
})

const FORMATS = ['json', 'csv'] as const
/** The longest page of the history. */
export const PAGE_MAX = 500

const Cursor = z
  .string()
  .max(256, 'a cursor as it was given')
  .optional()
  .describe('next_cursor of the page before')

export const HistoryQuery = Filters.extend({
  from: Moment.optional()
    .openapi({ type: 'string', format: 'date-time' })
    .describe('detected at or after this moment'),
  to: Moment.optional()
    .openapi({ type: 'string', format: 'date-time' })
    .describe('detected before this moment'),
  cursor: Cursor,
  limit: limit(PAGE_MAX, 100).describe('opportunities of a page; CSV has no pages'),
  format: z
    .enum(FORMATS, `one of ${list(FORMATS)}`)
    .default('json')
    .describe('csv: everything that matches, in one answer'),
})

const GROUPINGS = ['symbol', 'exchanges', 'type', 'hour'] as const
export type Grouping = (typeof GROUPINGS)[number]

const Groupings = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(GROUPINGS), `one or more of ${list(GROUPINGS)}, separated by commas`))
  .refine((names) => new Set(names).size === names.length, 'each name once')

export const StatsQuery = Filters.extend({
  from: HistoryQuery.shape.from.describe(
    'detected at or after this moment; else a day before `to`',
  ),
  to: HistoryQuery.shape.to.describe('detected before this moment; else now'),
  by: Groupings.default(['symbol', 'exchanges'])
    .openapi({ type: 'string', example: 'symbol,exchanges,hour', default: 'symbol,exchanges' })
    .describe(`what makes a group, separated by commas: ${list(GROUPINGS)}`),
  limit: limit(5_000, 100),
})

export const MarketQuery = z.strictObject({
  symbol: filters.symbol.optional(),
  exchange: ExchangeId.optional(),
})

export const SpreadQuery = z.strictObject({
  symbol: filters.symbol.optional(),
  limit: limit(2_000, 200),
})

export const NearMissQuery = z.strictObject({
  type: filters.type.optional(),
  symbol: filters.symbol.optional(),
  exchange: filters.exchange.optional(),
  guard: z
    .enum(GUARDS, `one of ${list(GUARDS)}`)
    .optional()
    .describe('the guard that refused'),
  limit: limit(500, 100),
})
export type NearMissQuery = z.infer<typeof NearMissQuery>

/** A key has no more than fit on one page; the operator sees everybody's. */
export const WebhooksQuery = z.strictObject({ cursor: Cursor, limit: limit(1_000, WEBHOOKS_MAX) })

export const AttemptsQuery = z.strictObject({
  result: AttemptResult.optional().describe('only those that ended so'),
  message_id: z
    .string()
    .regex(MESSAGE_ID, 'a webhook-id, such as 1700000000000-0')
    .optional()
    .describe('only those of this message'),
  cursor: Cursor,
  limit: limit(500, 100),
})
export type AttemptsQuery = z.infer<typeof AttemptsQuery>

const EventTypes = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(EventType, `one or more of ${list(EVENT_TYPES)}, separated by commas`))

export const StreamQuery = Filters.extend({
  types: EventTypes.optional()
    .openapi({ type: 'string', example: 'opportunity.detected,opportunity.expired' })
    .describe(`only these events, separated by commas: ${list(EVENT_TYPES)}`),
  last_event_id: EventId.optional().describe('like the header Last-Event-ID, which goes first'),
})

/** Ids that could be ours; others are not even asked for. */
export const OPPORTUNITY_ID = /^opp_[0-9A-Za-z_-]{1,60}$/

export const NoQuery = z.strictObject({})

/** What each enumeration accepts, for the error that names it. */
export const EXPECTED: Readonly<Record<string, string>> = {
  type: `one of ${list(OPPORTUNITY_TYPES)}`,
  transfer: `one of ${list(TransferStatus.options)}`,
  types: `one or more of ${list(EVENT_TYPES)}, separated by commas`,
  by: `one or more of ${list(GROUPINGS)}, separated by commas, each once`,
}
