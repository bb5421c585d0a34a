/**
 * Sums over past opportunities, in one statement over a range of time that an index finds. Medians
 * are values that occurred (percentile_disc), so they are exact. A markout that is not known counts
 * in no share. It knows no HTTP.
 */
import { and, type SQL, sql } from 'drizzle-orm'
import { opportunities as table } from '../../shared/database/schema.ts'
import { MARKOUTS_AFTER_MS } from '../../shared/opportunity.ts'
import { StatsAnswer } from '../../shared/stats.ts'
import type { Grouping } from '../parameters.ts'

export interface StatsQuestion {
  /** RFC 3339 */
  readonly from: string
  readonly to: string
  readonly by: readonly Grouping[]
  readonly limit: number
  /** which opportunities, beside the range */
  readonly where: SQL | undefined
}

/** Columns of each grouping, by their names in the answer. */
const COLUMNS: Readonly<Record<Grouping, Readonly<Record<string, SQL>>>> = {
  symbol: { symbol: sql`${table.symbol}` },
  exchanges: {
    buy_exchange: sql`${table.buy_exchange}`,
    sell_exchange: sql`${table.sell_exchange}`,
  },
  type: { type: sql`${table.type}` },
  hour: { hour: sql`date_trunc('hour', ${table.detected_at}, 'UTC')` },
}
const NAMES = ['symbol', 'buy_exchange', 'sell_exchange', 'type', 'hour'] as const

const median = (value: SQL) => sql`percentile_disc(0.5) within group (order by ${value})`

/** The statement; its rows are read by `statsAnswer`. */
export function statsStatement({ from, to, by, limit, where }: StatsQuestion): SQL {
  const grouped: Record<string, SQL> = Object.assign({}, ...by.map((name) => COLUMNS[name]))
  const keys = Object.values(grouped)
  const names = NAMES.map((name) => {
    const column = grouped[name] ?? sql`null::text`
    return name === 'hour' && grouped.hour !== undefined
      ? sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as hour`
      : sql`${column} as ${sql.identifier(name)}`
  })
  const range = sql`${table.detected_at} >= ${from}::timestamptz and ${table.detected_at} < ${to}::timestamptz`
  const first = keys[0] ?? sql`1`
  const newest = grouped.hour === undefined ? sql`` : sql`${grouped.hour} desc nulls first,`
  return sql`
    select ${sql.join(names, sql`, `)},
      grouping(${first}) = 1 as is_total,
      count(*)::int as count,
      ${median(sql`${table.duration_ms}`)} as median_duration_ms,
      ${median(sql`${table.profit_percent}`)}::text as median_profit_percent,
      max(${table.peak_profit_percent})::text as peak_profit_percent,
      ${median(sql`${table.volume_usd}`)}::text as median_volume_usd,
      json_build_array(${sql.join(MARKOUTS_AFTER_MS.map(markout), sql`, `)}) as markouts
    from ${table}
    where ${and(range, where)}
    group by grouping sets ((${sql.join(keys, sql`, `)}), ())
    order by is_total desc, ${newest} count desc, ${sql.join(keys, sql`, `)}
    limit ${limit + 1}`
}

/** @throws ZodError when the rows are not those of the statement */
export function statsAnswer(
  { from, to }: Pick<StatsQuestion, 'from' | 'to'>,
  rows: readonly Record<string, unknown>[],
): StatsAnswer {
  const [total] = rows.filter(({ is_total, count }) => is_total === true && count !== 0)
  const data = rows.filter(({ is_total }) => is_total !== true)
  return StatsAnswer.parse({ from, to, data, total: total ?? null })
}

/** Markouts are kept in the order of MARKOUTS_AFTER_MS; one that was never taken is not there. */
function markout(after_ms: number, index: number): SQL {
  const profit = sql`(${table.markouts} -> ${sql.raw(String(index))} ->> 'profit_percent')::numeric`
  const known = sql`count(${profit})`
  return sql`json_build_object(
    'after_ms', ${sql.raw(String(after_ms))},
    'known', ${known},
    'profitable_share', round(count(*) filter (where ${profit} > 0)::numeric / nullif(${known}, 0), 4)::text,
    'median_profit_percent', ${median(profit)}::text)`
}
