/**
 * Row 27: a worker stands still with a delivery in its hands, for longer than it may keep one. Another
 * one sends it again under the same id, and both are on record.
 */
import type { ServerResponse } from 'node:http'
import { MortalWorker } from '../../../bench/alerts/worker.ts'
import { until } from '../../../bench/failover/rig.ts'
import { exchangeStatus } from '../../../workers/publish/testing.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { DELIVERY } from './rig.ts'

const PATH = '/stalled'
/** a lock lives 4 s, and what has none twice in a row, 2 s apart, is free */
const AGAIN_MS = 8_000
const WITHIN_MS = 60_000

export const stalledJob: Fault = {
  row: 27,
  name: 'a worker stalls with a job',
  injected: 'SIGSTOP while a receiver has not answered, then SIGCONT',
  required: 'another one sends it again <= 8 s with one id, both on record',
  async run(context) {
    const rig = await context.rig(DELIVERY)
    const findings = new Findings(context)
    const { receivers } = rig
    let held: ServerResponse | undefined
    receivers.behave(PATH, (response) => {
      if (held === undefined) held = response
      else response.end()
    })
    // which never gets too old, however long a worker takes to start here
    const event_types = ['exchange.status']
    const endpoint_id = await rig.endpoint({ url: receivers.url + PATH, event_types })
    await rig.known()
    const draft = exchangeStatus('kraken', false)
    const id = await rig.publish({ ...draft, timestamp: new Date().toISOString() })
    await until('the delivery', async () => receivers.at(PATH).length === 1, WITHIN_MS)
    const { pid } = rig.worker
    const other = new MortalWorker(rig.redis_url, rig.database_url)
    process.kill(pid, 'SIGSTOP')
    try {
      await other.start()
      const started_ms = performance.now()
      const isAgain = async () => receivers.at(PATH).length > 1
      const again_ms = await until('another one', isAgain, WITHIN_MS).then(
        () => performance.now() - started_ms,
        () => Number.POSITIVE_INFINITY,
      )
      findings.within('sent again after', again_ms, AGAIN_MS)
    } finally {
      process.kill(pid, 'SIGCONT')
      held?.end()
    }
    const isRecorded = async () => (await rig.attempts(endpoint_id)).length >= 2
    await until('both on record', isRecorded, WITHIN_MS).catch(() => {})
    await other.stop()
    const came = receivers.at(PATH).map((one) => one.id)
    const attempts = await rig.attempts(endpoint_id)
    findings.note(`${came.length} requests, ${attempts.length} attempts, ${new Set(came).size} id`)
    findings.hold(
      came.length === 2 && came.every((one) => one === id),
      `it received ${came.join(', ')}`,
    )
    const isSuccess = attempts.every((one) => one.result === 'success' && one.message_id === id)
    findings.hold(
      attempts.length === 2 && isSuccess,
      'not both attempts are on record as successes',
    )
    await rig.forget([endpoint_id])
    return findings.verdict()
  },
}
