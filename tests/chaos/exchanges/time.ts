/** Rows 13, 14 and 16: prices that come late, clocks that are wrong, and a worker that stands still. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_MS } from '../../truth/doubts.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { shifted } from './frames.ts'
import { EXCHANGE_IDS, EXCHANGES, type ExchangesRig } from './rig.ts'
import { States } from './states.ts'

const DELAY_MS = 3_000
const DELAYED_FOR_MS = 6_000
/** the worker's own defaults */
const MAX_AGE_MS = 5_000
const MAX_SKEW_MS = 2_000
const OFF_BY_MS = 30_000
const OFF_FOR_MS = 10_000
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
    const exchange = EXCHANGE_IDS[context.random.integer(EXCHANGE_IDS.length)] ?? 'bybit'
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
  name: 'exchange clock +-30 s',
  injected: "one exchange's times shifted, both ways",
  required: 'told as if nothing were, nothing stale',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    for (const by_ms of [OFF_BY_MS, -OFF_BY_MS]) {
      await rig.allLive()
      const exchange = EXCHANGE_IDS[context.random.integer(EXCHANGE_IDS.length)] ?? 'bybit'
      const states = new States(rig.worker)
      // nothing is in doubt: the checker forgives nothing that is told or missed meanwhile
      const end = rig.network(exchange).bend((raw) => [shifted(raw, by_ms)])
      const from_ms = Date.now()
      await sleep(OFF_FOR_MS)
      const to_ms = Date.now()
      end()
      await states.stop()
      await sleep(READ_WITHIN_MS)
      const disturbed = states.disturbed(exchange)
      findings.hold(disturbed.length === 0, `not live all the time: ${disturbed.join(', ')}`)
      const told = tellings(rig, from_ms, to_ms)
      const of_it = told.filter(({ legs }) => legs.some((leg) => leg.exchange === exchange))
      findings.note(
        `${exchange} ${by_ms / 1_000} s: ${of_it.length} of ${told.length} told with it`,
      )
    }
    return findings.verdict()
  },
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

function tellings(rig: ExchangesRig, from_ms: number, to_ms: number) {
  return rig.events.flatMap((event) => {
    if (event.type !== 'opportunity.detected' && event.type !== 'opportunity.updated') return []
    const at_ms = Date.parse(event.timestamp)
    return at_ms >= from_ms && at_ms < to_ms ? [event.data] : []
  })
}
