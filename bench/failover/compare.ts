/**
 * Whether the stream, its readers in the workers, the live set, the queues and PostgreSQL tell the same.
 * It only looks.
 */
import { compareEventIds } from '../../shared/event.ts'
import { EVENT_GROUPS, GROUPS, KEYS, QUEUE_PREFIX, QUEUES } from '../../shared/keys.ts'
import type { Rig } from './rig.ts'

export async function isArchived(rig: Rig, event_id: string): Promise<boolean> {
  const [oldest] = (await unfinished(rig)).filter(({ group }) => group === GROUPS.archive)
  return oldest === undefined || oldest.id > event_id
}

/** The groups that have not finished the stream, with the first id that they miss. */
export async function unfinished(rig: Rig): Promise<{ group: string; id: string }[]> {
  const found: { group: string; id: string }[] = []
  const newest = (await rig.redis.xrevrange(KEYS.events, '+', '-', 'COUNT', 1))[0]?.[0] ?? '0-0'
  for (const group of EVENT_GROUPS) {
    const pending = (await rig.redis.xpending(KEYS.events, group).catch(() => [0])) as [
      number,
      string?,
    ]
    const facts = ((await rig.redis.xinfo('GROUPS', KEYS.events)) as (string | number)[][]).find(
      (reply) => reply[1] === group,
    )
    const read = facts === undefined ? '0-0' : String(facts[facts.indexOf('last-delivered-id') + 1])
    if (pending[0] > 0) found.push({ group, id: pending[1] ?? '0-0' })
    // Redis does not always know how many are left
    else if (compareEventIds(read, newest) < 0) found.push({ group, id: read })
  }
  return found
}

/** Nothing is open, every group has finished the stream, and no job waits or runs. */
export async function isFinished(rig: Rig): Promise<boolean> {
  const lengths = Object.values(QUEUES).flatMap((queue) =>
    ['wait', 'active'].map((state) => rig.redis.llen(`${QUEUE_PREFIX}:${queue}:${state}`)),
  )
  const is_idle = (await Promise.all(lengths)).every((length) => length === 0)
  if (!is_idle || (await rig.redis.hlen(KEYS.live)) > 0) return false
  return (await unfinished(rig)).length === 0
}

/** What differs between the stream, the live set, PostgreSQL and the queue after the last worker ended. */
export async function unequal(rig: Rig): Promise<string[]> {
  const wrong: string[] = []
  for (const { group, id } of await unfinished(rig)) {
    wrong.push(`the group ${group} has not finished ${id}`)
  }
  const live = await rig.redis.hkeys(KEYS.live)
  if (live.length > 0) wrong.push(`left in the live set: ${live.join(', ')}`)
  const sql = 'SELECT id, status, last_event_id FROM opportunities'
  const { rows } = await rig.pool.query<{ id: string; status: string; last_event_id: string }>(sql)
  const by_id = new Map(rows.map((row) => [row.id, row]))
  const { lives } = rig.ledger
  if (rows.length !== lives.size) wrong.push(`${rows.length} rows for ${lives.size} opportunities`)
  for (const life of lives.values()) {
    const row = by_id.get(life.id)
    if (life.expired_ms === Number.POSITIVE_INFINITY) wrong.push(`${life.id} never ended`)
    if (row === undefined) wrong.push(`no row of ${life.id}`)
    else if (row.last_event_id !== life.newest_event_id || row.status !== life.newest.status) {
      wrong.push(`the row of ${life.id} is ${row.status} as of ${row.last_event_id}`)
    }
  }
  for (const queue of Object.values(QUEUES)) {
    const failed = await rig.redis.zcard(`${QUEUE_PREFIX}:${queue}:failed`)
    if (failed > 0) wrong.push(`${failed} jobs failed in the queue ${queue}`)
  }
  return wrong
}
