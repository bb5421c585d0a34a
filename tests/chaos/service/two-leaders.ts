/**
 * Row 24: the leader stands still for longer than its lease lives and wakes up as one who believes that
 * it leads. The fence refuses all that it writes; nothing lives twice.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../bench/failover/rig.ts'
import { KEYS } from '../../../shared/keys.ts'
import { LEASE_TTL_MS } from '../../../workers/ops/lease.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { SERVICE, type ServiceRig } from './rig.ts'

const STOPPED_MS = 15_000
const TAKE_OVER_MS = LEASE_TTL_MS + 2_000
/** it has said all that it wanted to say by then */
const AWAKE_MS = 4_000
const WITHIN_MS = 30_000
/** as MONITOR tells it: the token before the sequence */
const PUBLISHED = new RegExp(`"SET" "${KEYS.published}" "(\\d+) `)

export const twoLeaders: Fault = {
  row: 24,
  name: 'two leaders',
  injected: `SIGSTOP of the leader for ${STOPPED_MS / 1_000} s, then SIGCONT`,
  required: '0 events with an old token, no twins; taken over <= 6 s',
  async run(context) {
    const rig = await context.rig(SERVICE)
    const findings = new Findings(context)
    const [leader] = await rig.workers()
    const faults = rig.newFaults()
    const refused_before = await refusals(rig)
    const succeeded = rig.core.successor(leader)
    const stopped_ms = Date.now()
    process.kill(leader.child.pid, 'SIGSTOP')
    let applied: ReadonlyMap<string, number>
    let fence = ''
    try {
      findings.within('taken over after', (await succeeded) - stopped_ms, TAKE_OVER_MS)
      await sleep(Math.max(0, stopped_ms + STOPPED_MS - Date.now()))
      fence = (await rig.core.redis.get(KEYS.fence)) ?? ''
    } finally {
      applied = await watchTokens(rig, fence, () => process.kill(leader.child.pid, 'SIGCONT'))
    }
    const refused = (await refusals(rig)) - refused_before
    const old = [...applied].filter(([token]) => Number(token) < Number(fence))
    const writes = applied.get(fence) ?? 0
    findings.note(
      `${writes} writes under the token ${fence}, ${old.length} under an old one, ${refused} refused`,
    )
    findings.hold(writes + refused > 0, 'nobody tried to write anything afterwards')
    for (const [token, count] of old) {
      findings.hold(false, `${count} writes under the token ${token} while ${fence} ruled`)
    }
    const { missing, expired } = await rig.level()
    findings.note(`${expired} alerts too old`)
    for (const one of [...faults(), ...missing]) findings.hold(false, one)
    // the one that was asleep stands by again
    await rig.workers()
    return findings.verdict()
  },
}

/**
 * How often something was published under which token from `begin` on: Redis itself says what it did.
 * `fence` is the one that rules, of which there must be some.
 */
async function watchTokens(
  { core }: ServiceRig,
  fence: string,
  begin: () => void,
): Promise<ReadonlyMap<string, number>> {
  const applied = new Map<string, number>()
  const { host, port } = core.redis.options
  const monitor = connect(Number(port), String(host))
  monitor.on('error', () => {})
  monitor.write('MONITOR\r\n')
  createInterface({ input: monitor }).on('line', (line) => {
    const [, token] = PUBLISHED.exec(line) ?? []
    if (token !== undefined) applied.set(token, (applied.get(token) ?? 0) + 1)
  })
  await once(monitor, 'data')
  begin()
  await sleep(AWAKE_MS)
  await until('a write', async () => applied.has(fence), WITHIN_MS).catch(() => {})
  monitor.destroy()
  return applied
}

/** Writes that Redis ever refused because their token was over. */
async function refusals({ core }: ServiceRig): Promise<number> {
  const stats = await core.redis.info('errorstats')
  return Number(/errorstat_FENCED:count=(\d+)/.exec(stats)?.[1] ?? 0)
}
