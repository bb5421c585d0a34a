/**
 * Row 23: the leader is told to end, or is killed, while much happens. The other one goes on, and every
 * event's alert reaches its receiver, as one message however often it was sent.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { endInOrder, killLeader } from '../../../bench/failover/drills.ts'
import type { ToldEvent } from '../../../bench/failover/story.ts'
import { QUEUE_PREFIX, QUEUES } from '../../../shared/keys.ts'
import { LEASE_TTL_MS } from '../../../workers/ops/lease.ts'
import type { ChaosContext, Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { SERVICE, type ServiceRig } from './rig.ts'

const EXIT_MS = 20_000
const TAKE_OVER_MS = LEASE_TTL_MS + 2_000
/** multiples of the usual rate */
const BURST = 10
const USUAL = 1
const MOST_SHOWN = 5
/** a lock of 4 s, two looks for locks that ran out, and the work (workers/alerts/jobs.ts) */
const STALLED_WITHIN_MS = 10_000
const LOOK_EVERY_MS = 250

export const workerIsToldToEnd: Fault = {
  row: 23,
  name: 'the leader is told to end',
  injected: `SIGTERM in a burst x${BURST}`,
  required: 'ends <= 20 s, next <= 6 s; every alert job once by its id',
  run: (context) =>
    inBurst(context, async (rig, findings) => {
      const { exit_ms, code, next_ms } = await endInOrder(rig.core)
      findings.within('ended after', exit_ms, EXIT_MS)
      findings.hold(code === 0, `it ended with ${code}`)
      findings.within('the next led after', next_ms, TAKE_OVER_MS)
    }),
}

export const workerIsKilled: Fault = {
  row: 23,
  name: 'the leader is killed',
  injected: `SIGKILL in a burst x${BURST}`,
  required: `taken over <= ${TAKE_OVER_MS / 1_000} s; every alert job once by its id`,
  run: (context) =>
    inBurst(context, async (rig, findings) => {
      const took_ms = await killLeader(rig.core, () => context.random.uniform())
      findings.within('taken over after', took_ms, TAKE_OVER_MS)
    }),
}

async function inBurst(
  context: ChaosContext,
  end: (rig: ServiceRig, findings: Findings) => Promise<void>,
) {
  const rig = await context.rig(SERVICE)
  const findings = new Findings(context)
  await rig.workers()
  await rig.level()
  const { sandbox } = rig.core
  const faults = rig.newFaults()
  const received = rig.subscriber.receipts.length
  await sandbox.setRate(BURST)
  try {
    await end(rig, findings)
  } finally {
    await sandbox.setRate(USUAL)
  }
  const { missing, expired, told } = await rig.level()
  const receipts = rig.subscriber.receipts.slice(received)
  const twice = receipts.length - new Set(receipts.map(({ id }) => id)).size
  findings.note(
    `${told.length} alert jobs, ${receipts.length} alerts sent, ${missing.length} lost, ${twice} twice`,
  )
  findings.note(`${expired} too old`)
  for (const one of [
    ...faults(),
    ...missing,
    ...(await jobsLost(rig, told)).slice(0, MOST_SHOWN),
  ]) {
    findings.hold(false, one)
  }
  return findings.verdict()
}

/** Looks until every job has ended, or those that were a dead worker's should have been another's. */
async function jobsLost(rig: ServiceRig, told: readonly ToldEvent[]): Promise<string[]> {
  const until_ms = performance.now() + STALLED_WITHIN_MS
  for (;;) {
    const lost = await jobsNotDone(rig, told)
    if (lost.length === 0 || performance.now() > until_ms) return lost
    await sleep(LOOK_EVERY_MS)
  }
}

/** Finished jobs are kept for long: each event must have had one, which ended well. */
async function jobsNotDone({ core }: ServiceRig, told: readonly ToldEvent[]): Promise<string[]> {
  const lost: string[] = []
  for (const { id } of told) {
    const key = `${QUEUE_PREFIX}:${QUEUES.alerts}:${id}`
    const [finished, failed] = await core.redis.hmget(key, 'finishedOn', 'failedReason')
    if (finished === null) lost.push(`the alert job of ${id} never ended`)
    else if (failed !== null) lost.push(`the alert job of ${id} failed: ${failed}`)
  }
  return lost
}
