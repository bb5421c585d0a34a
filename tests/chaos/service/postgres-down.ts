/** Row 22: PostgreSQL refuses everybody for a while. The stream keeps what it missed; then all is there, once. */
import { postgresDown } from '../../../bench/failover/drills.ts'
import { until } from '../../../bench/failover/rig.ts'
import { compareEventIds } from '../../../shared/event.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { SERVICE, type ServiceRig } from './rig.ts'

const SHORT_MS = 6_000
const FULL_MS = 600_000
const MOST_SHOWN = 5

export const postgresIsDown: Fault = {
  row: 22,
  name: 'PostgreSQL is down',
  injected: 'refuses everybody for a while',
  required: 'rows = events afterwards, 0 twice; alerts go on',
  async run(context) {
    const rig = await context.rig(SERVICE)
    const findings = new Findings(context)
    await rig.workers()
    const faults = rig.newFaults()
    await rig.level()
    const down_ms = context.outage_ms(SHORT_MS, FULL_MS)
    const down_at_ms = Date.now()
    const outage = await postgresDown(rig.core, down_ms)
    const up_at_ms = down_at_ms + down_ms
    const meanwhile = rig.subscriber.receipts.filter(
      ({ at_ms }) => at_ms > down_at_ms && at_ms < up_at_ms,
    )
    findings.note(
      `${outage.detected_meanwhile} begun while away, rows there after ${outage.drained_ms} ms`,
    )
    findings.note(`${meanwhile.length} alerts meanwhile`)
    findings.hold(meanwhile.length > 0, 'no alert was sent while PostgreSQL was away')
    const { missing, told } = await rig.level()
    for (const one of [...faults(), ...missing]) findings.hold(false, one)
    const { rows, wrong } = await compareRows(rig, told[0]?.id, told.at(-1)?.id)
    findings.note(`${rows} rows equal`)
    for (const one of wrong.slice(0, MOST_SHOWN)) findings.hold(false, one)
    return findings.verdict()
  },
}

/** Of the opportunities and alerts whose last news came between the two: what PostgreSQL has of each. */
async function compareRows(rig: ServiceRig, first = '0-0', last = '0-0') {
  const { ledger, pool } = rig.core
  const lives = [...ledger.lives.values()].filter(
    ({ newest_event_id: id }) => compareEventIds(id, first) >= 0 && compareEventIds(id, last) <= 0,
  )
  const wanted = new Map(lives.map((life) => [life.id, life.newest_event_id]))
  const received = rig.subscriber.receipts.filter(
    ({ id }) => compareEventIds(id, first) >= 0 && compareEventIds(id, last) <= 0,
  )
  const times = Map.groupBy(received, ({ id }) => id)
  let wrong: string[] = []
  await until('the rows', async () => {
    wrong = []
    const { rows } = await pool.query<{ id: string; last_event_id: string }>(
      'SELECT id, last_event_id FROM opportunities WHERE id = ANY($1)',
      [[...wanted.keys()]],
    )
    const have = new Map(rows.map((row) => [row.id, row.last_event_id]))
    for (const [id, event_id] of wanted) {
      const row = have.get(id)
      // a later event may be there already
      if (row !== undefined && compareEventIds(row, event_id) >= 0) continue
      wrong.push(`the row of ${id} is as of ${row ?? 'never'}, not ${event_id}`)
    }
    const attempts = await pool.query<{ message_id: string; count: number }>(
      `SELECT message_id, count(*)::int AS count FROM webhook_attempts
       WHERE endpoint_id = $1 AND result = 'success' AND message_id = ANY($2) GROUP BY message_id`,
      [rig.subscriber.id, [...times.keys()]],
    )
    const recorded = new Map(attempts.rows.map((row) => [row.message_id, row.count]))
    for (const [id, receipts] of times) {
      const count = recorded.get(id) ?? 0
      if (count === receipts.length) continue
      wrong.push(`${id} was received ${receipts.length} times and is on record ${count} times`)
    }
    return wrong.length === 0
  }).catch(() => {})
  return { rows: wanted.size + times.size, wrong }
}
