/** Rows 13, 14 and 16: prices that come late, clocks that are wrong, and a worker that stands still. */
import { setTimeout as sleep } from 'node:timers/promises'
import { exchanges as KNOWN } from '../../../workers/exchanges/index.ts'
import { SILENT_MS } from '../../truth/doubts.ts'
import type { ChaosContext, Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { shifted } from './frames.ts'
import { EXCHANGE_IDS, type ExchangesRig } from './rig.ts'
import { EXCHANGES } from './start.ts'
import { States } from './states.ts'
import { STEP_MS, STEPS_MS } from './steps.ts'

const DELAY_MS = 3_000
const DELAYED_FOR_MS = 6_000
/** the worker's own defaults */
const MAX_AGE_MS = 5_000
const MAX_SKEW_MS = 2_000
const OFF_FOR_MS = 6_000
const STOPPED_MS = 2_000
const LIVE_WITHIN_MS = 5_000
const GIVE_UP_MS = 30_000
const READ_WITHIN_MS = 300

export const delayed: Fault = {
  row: 13,
  name: 'stale price on one side',
  injected: 'one exchange comes 3 s late',
  required: 'nothing told of it, nothing older than max_age',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.allLive()
    const exchange = anyExchange(context)
    const network = rig.network(exchange)
    const healed = rig.doubts.begin({ exchange }, { unknowable_ms: SILENT_MS })
    const from_ms = Date.now()
    network.delay(DELAY_MS)
    await sleep(DELAYED_FOR_MS)
    const to_ms = Date.now()
    network.delay(0)
    healed()
    await sleep(READ_WITHIN_MS)
    const told = tellings(rig, from_ms + SILENT_MS, to_ms)
    const late = told.filter(({ legs }) => legs.some((leg) => leg.exchange === exchange))
    findings.hold(late.length === 0, `told of ${exchange}: ${late.map(({ id }) => id).join(', ')}`)
    findings.note(`${exchange}; ${told.length} told of the others`)
    const all = tellings(rig, 0, Date.now())
    const oldest_ms = Math.max(0, ...all.flatMap(({ legs }) => legs.map((leg) => leg.book_age_ms)))
    const most_apart_ms = Math.max(0, ...all.map(({ skew_ms }) => skew_ms))
    findings.note(`oldest leg ${oldest_ms} ms, most apart ${most_apart_ms} ms`)
    findings.hold(oldest_ms <= MAX_AGE_MS, `a leg was ${oldest_ms} ms old`)
    findings.hold(most_apart_ms <= MAX_SKEW_MS, `legs were ${most_apart_ms} ms apart`)
    return findings.verdict()
  },
}

export const wrongClock: Fault = {
  row: 14,
  name: 'exchange clock +-30 s, NTP step',
  injected: "one exchange's times shifted, our wall clock set",
  required: 'told as if nothing were, nothing stale',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    for (const by_ms of [STEP_MS, -STEP_MS]) {
      const exchange = anyExchange(context)
      const bend = () => rig.network(exchange).bend((raw) => [shifted(raw, by_ms)])
      // without ids only a clock that goes back shows that frames changed places: it costs a resync
      const resynced = hasIds(exchange) ? null : exchange
      const healed = resynced === null ? () => {} : rig.doubts.begin({ exchange })
      const told = await undisturbed(rig, findings, bend, resynced)
      await rig.allLive()
      healed()
      const of_it = told.filter(({ legs }) => legs.some((leg) => leg.exchange === exchange))
      findings.note(
        `${exchange} ${by_ms / 1_000} s: ${of_it.length} of ${told.length} told with it`,
      )
    }
    const set = () => {
      process.kill(rig.child.pid, 'SIGHUP')
      return () => {}
    }
    for (const by_ms of [...STEPS_MS.slice(1), STEPS_MS[0]]) {
      const told = await undisturbed(rig, findings, set)
      findings.note(`ours ${by_ms / 1_000} s: ${told.length} told`)
    }
    return findings.verdict()
  },
}

/** Nothing is in doubt but `resynced`: the checker forgives nothing else that is told or missed. */
async function undisturbed(
  rig: ExchangesRig,
  findings: Findings,
  begin: () => () => void,
  resynced: string | null = null,
) {
  await rig.allLive()
  const states = new States(rig.worker)
  const end = begin()
  const from_ms = Date.now()
  await sleep(OFF_FOR_MS)
  const to_ms = Date.now()
  end()
  await states.stop()
  await sleep(READ_WITHIN_MS)
  const steady = EXCHANGE_IDS.filter((exchange) => exchange !== resynced)
  const disturbed = steady.flatMap((exchange) => states.disturbed(exchange))
  const why = rig.said(from_ms).join(' ')
  findings.hold(disturbed.length === 0, `not live all the time: ${disturbed.join(', ')} ${why}`)
  return tellings(rig, from_ms, to_ms)
}

export const stopped: Fault = {
  row: 16,
  name: 'slow consumer (us)',
  injected: 'the worker stands still for 2 s',
  required: 'recovers, tells nothing stale of its backlog',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.allLive()
    // nothing is in doubt: what the backlog makes it tell is judged like everything
    process.kill(rig.child.pid, 'SIGSTOP')
    await sleep(STOPPED_MS)
    process.kill(rig.child.pid, 'SIGCONT')
    const went_on_ms = Date.now()
    const states = new States(rig.worker)
    const live_ms = await states.until(
      () => states.all().length > 0 && states.all().every(({ state }) => state === 'live'),
      GIVE_UP_MS,
    )
    await states.stop()
    findings.within('all live after', live_ms - went_on_ms, LIVE_WITHIN_MS)
    findings.hold(rig.child.isRunning(), 'the worker ended')
    return findings.verdict()
  },
}

function hasIds(exchange: string): boolean {
  return KNOWN.find(({ id }) => id === exchange)?.continuity !== 'none'
}

function anyExchange({ random }: ChaosContext): string {
  return EXCHANGE_IDS[random.integer(EXCHANGE_IDS.length)] ?? 'bybit'
}

function tellings(rig: ExchangesRig, from_ms: number, to_ms: number) {
  return rig.events.flatMap((event) => {
    if (event.type !== 'opportunity.detected' && event.type !== 'opportunity.updated') return []
    const at_ms = Date.parse(event.timestamp)
    return at_ms >= from_ms && at_ms < to_ms ? [event.data] : []
  })
}
