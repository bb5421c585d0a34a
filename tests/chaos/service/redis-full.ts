/**
 * Row 21: Redis has no room. Where the stream may be cut it is cut; where it may not, because PostgreSQL
 * does not take it over, updates are shed and the operator is told. No beginning, end or alert is lost.
 */
import { redisFull } from '../../../bench/failover/drills.ts'
import { until } from '../../../bench/failover/rig.ts'
import { KEYS } from '../../../shared/keys.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { SERVICE, type ServiceRig } from './rig.ts'

const SHORT_MS = 2_000
const FULL_MS = 20_000
const DRAIN_MS = 5_000
const CUT = 'redis is full: the event stream was cut'
/** only whole nodes of the stream are cut, of a hundred entries */
const LONG_ENOUGH = 300

export const redisIsFull: Fault = {
  row: 21,
  name: 'Redis is full',
  injected: 'maxmemory is what it uses; then PostgreSQL goes too',
  required: 'the stream cut first, then an alarm; no job lost, there <= 5 s after',
  async run(context) {
    const rig = await context.rig(SERVICE)
    const findings = new Findings(context)
    await rig.workers()
    const faults = rig.newFaults()
    findings.note(`the stream lost ${await untilCut(rig)} entries`)
    const outage = await redisFull(rig.core, context.outage_ms(SHORT_MS, FULL_MS))
    findings.note(`alarm, then ${outage.down_ms} ms without room`)
    findings.within(
      `${outage.detected_meanwhile} begun, all there after`,
      outage.drained_ms,
      DRAIN_MS,
    )
    const { missing, expired } = await rig.level()
    findings.note(`${expired} alerts too old`)
    for (const one of [...faults(), ...missing]) findings.hold(false, one)
    return findings.verdict()
  },
}

/** PostgreSQL has all there is: nothing but the stream has to give way. */
async function untilCut({ core }: ServiceRig): Promise<number> {
  const { redis, complaints } = core
  await until('a stream to cut', async () => (await redis.xlen(KEYS.events)) >= LONG_ENOUGH)
  const before = await redis.xlen(KEYS.events)
  const said = complaints.length
  await until('the cut', async () => {
    const used = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]
    await redis.config('SET', 'maxmemory', Number(used))
    return complaints.slice(said).some((line) => line.includes(CUT))
  })
  const after = await redis.xlen(KEYS.events)
  await redis.config('SET', 'maxmemory', 0)
  return before - after
}
