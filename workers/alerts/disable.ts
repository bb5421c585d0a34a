/**
 * Switches an endpoint off that has failed for five days or says that it is gone, and tells the
 * owner's other endpoints. For the former the recorded attempts must agree: nothing but failures, and
 * enough of them, so that an endpoint with one alert a week is not judged by its only bad day.
 */
import type { Pool } from 'pg'
import { timestamp } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { DisableJob } from './jobs.ts'
import type { Router } from './route.ts'
import { HOPELESS_AFTER_MS } from './standings.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface DisableOptions {
  readonly pool: Pool
  readonly log: Log
  readonly subscriptions: Subscriptions
  readonly router: Router
}

/** So many attempts must have failed, and so long ago: the first and the last are further apart. */
const FAILURES_MIN = 5
const FAILURES_OLDER_THAN_MS = 12 * 3_600_000

const DISABLE = `
  UPDATE webhook_endpoints SET enabled = false, disabled_reason = $2, updated_at = $3
  WHERE id = $1 AND enabled`

const WHEN_HOPELESS = `
  AND failing_since <= $4
  AND NOT EXISTS (
    SELECT FROM webhook_attempts a WHERE a.endpoint_id = webhook_endpoints.id
      AND a.attempted_at >= failing_since AND a.result = 'success')
  AND (
    SELECT count(*) FROM webhook_attempts a WHERE a.endpoint_id = webhook_endpoints.id
      AND a.attempted_at BETWEEN failing_since AND $5
      AND a.attempt > 0 AND a.result IN ('failure', 'expired')) >= ${FAILURES_MIN}`

const DISABLED_BY_US = `
  SELECT key_id, url, failing_since FROM webhook_endpoints
  WHERE id = $1 AND NOT enabled AND disabled_reason = $2 AND updated_at = $3`

interface DisabledRow {
  readonly key_id: string | null
  readonly url: string
  readonly failing_since: Date | null
}

/** Does the job; doing it again after a crash finds its own work and only tells once more. */
export function createDisable({
  pool,
  log,
  subscriptions,
  router,
}: DisableOptions): (job: DisableJob) => Promise<void> {
  return async ({ webhook_id, reason, at_ms, message_id }) => {
    const at = timestamp(at_ms)
    const parameters = [webhook_id, reason, at]
    if (reason === 'gone') await pool.query(DISABLE, parameters)
    else {
      const since = timestamp(at_ms - HOPELESS_AFTER_MS)
      const until = timestamp(at_ms - FAILURES_OLDER_THAN_MS)
      await pool.query(DISABLE + WHEN_HOPELESS, [...parameters, since, until])
    }
    const { rows } = await pool.query<DisabledRow>(DISABLED_BY_US, parameters)
    const [disabled] = rows
    if (disabled === undefined) return
    subscriptions.turnOff(webhook_id)
    log.warn('an endpoint was switched off', { webhook_id, reason })
    const { key_id, url, failing_since } = disabled
    const siblings = subscriptions.catalogue.siblings({ id: webhook_id, key_id })
    await router.tell(siblings, {
      id: message_id,
      type: 'endpoint.disabled',
      timestamp: at,
      data: {
        webhook_id,
        url_host: URL.parse(url)?.host ?? '',
        reason,
        failing_since: failing_since === null ? null : timestamp(failing_since.getTime()),
      },
    })
  }
}
