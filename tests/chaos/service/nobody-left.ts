/** Row 29: both workers are dead and Redis lives on. The edge says so, and tells the operator. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../bench/failover/rig.ts'
import type { EdgeHealth } from '../../../shared/health.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { SERVICE, type ServiceRig } from './rig.ts'

const STALE_MS = 15_000
const TOLD_MS = 120_000
/** of the cron trigger */
const MINUTE_MS = 60_000
/** as often the clock strikes here: a trigger that is due may be so much early */
const STRIKES_EVERY_MS = 1_000
const WITHIN_MS = 60_000

export const nobodyIsLeft: Fault = {
  row: 29,
  name: 'no worker lives, Redis does',
  injected: 'SIGKILL of both workers',
  required: 'the edge says so <= 15 s, the operator hears <= 2 min',
  async run(context) {
    const rig = await context.rig(SERVICE)
    const findings = new Findings(context)
    const { core, front } = rig
    const both = await rig.workers()
    const faults = rig.newFaults()
    await front.minute()
    findings.hold((await health(rig)).health.worker.alive, 'the edge saw no worker before')
    const alarms = front.alarms.length
    const killed_ms = Date.now()
    for (const worker of both) {
      worker.child.kill()
      core.forget(worker)
    }
    const strike = striking(rig)
    const after = (holds: () => Promise<boolean>) =>
      until('', holds, WITHIN_MS).then(
        () => Date.now() - killed_ms,
        () => Number.POSITIVE_INFINITY,
      )
    const stale_ms = await after(async () => !(await health(rig)).health.worker.alive)
    const { status, health: dead } = await health(rig)
    findings.within('the edge knew after', stale_ms, STALE_MS)
    findings.hold(status === 503 && dead.status === 'down', `health: ${status} ${dead.status}`)
    const ready = await fetch(`${front.url}/ready`)
    findings.hold(ready.status === 503, `ready: ${ready.status}`)
    const list = (await (await fetch(`${front.url}/v1/opportunities`)).json()) as { stale: boolean }
    findings.hold(list.stale === true, `the list of opportunities is not called stale`)
    const connected = Object.values(dead.exchanges).filter((one) => one.connected)
    findings.hold(connected.length === 0, `${connected.length} exchanges are called connected`)
    const told_ms = await after(async () => front.alarms.length > alarms)
    strike.abort()
    // the minute may just have passed
    findings.within('the operator heard after', told_ms + MINUTE_MS, TOLD_MS)
    findings.hold(front.alarms.at(-1)?.type === 'worker.dead', 'the operator heard something else')

    await Promise.all([core.startWorker(), core.startWorker()])
    await until('a leader', async () => core.running().some((one) => one.took_over_ms !== null))
    rig.wasBlind(killed_ms)
    await core.ready(2)
    await until('the edge', async () => (await health(rig)).health.worker.alive)
    await front.minute()
    findings.hold(front.alarms.at(-1)?.type === 'worker.alive', 'nobody heard that it is back')
    for (const one of faults()) findings.hold(false, one)
    return findings.verdict()
  },
}

/** The cron trigger, more often than it would be, so that nobody waits for it here. */
function striking({ front }: ServiceRig): AbortController {
  const controller = new AbortController()
  const { signal } = controller
  const run = async () => {
    while (!signal.aborted) {
      // the next one may succeed
      await front.minute().catch(() => {})
      await sleep(STRIKES_EVERY_MS, undefined, { signal }).catch(() => {})
    }
  }
  void run()
  return controller
}

async function health({ front }: ServiceRig): Promise<{ status: number; health: EdgeHealth }> {
  const response = await fetch(`${front.url}/health`)
  return { status: response.status, health: (await response.json()) as EdgeHealth }
}
