/** Row 8: an exchange that forgot one subscription and goes on to prove that its connection lives. */
import { setTimeout as sleep } from 'node:timers/promises'
import { exchanges as KNOWN } from '../../../workers/exchanges/index.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { EXCHANGES } from './start.ts'
import { States } from './states.ts'

const EXCHANGE = 'kraken'
/** the limit is looked at a few times a second */
const NOTICED_WITHIN_MS = 1_000
const LOOK_EVERY_MS = 50
const LIVE_WITHIN_MS = 2_000
const GIVE_UP_MS = 30_000

export const silence: Fault = {
  row: 8,
  name: 'heartbeats but no data',
  injected: 'one market mute, heartbeats go on',
  required: 'stale after 20 s (a busy one) to 120 s, asked for again, live',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    const keepalive = KNOWN.find(({ id }) => id === EXCHANGE)?.keepalive
    const quiet_ms = keepalive?.quiet_ms ?? Number.NaN
    const least_ms = keepalive?.unusual_silence?.least_ms ?? quiet_ms
    await rig.allLive()
    const network = rig.network(EXCHANGE)
    const book = rig.pick(EXCHANGE, context.random)
    const known = rig.doubts.begin(book, { unknowable_ms: Number.POSITIVE_INFINITY })
    const unmute = network.bend((raw, message) => {
      if (message?.symbol !== book.market) return [raw]
      // a snapshot comes only to those who ask
      if (message.whole) unmute()
      return message.whole ? [raw] : []
    })
    // frames of this market came all the time
    const last_ms = Date.now()
    const before = network.asked(book.market)
    const until_ms = last_ms + quiet_ms + GIVE_UP_MS
    while (network.asked(book.market) === before && Date.now() < until_ms)
      await sleep(LOOK_EVERY_MS)
    const is_asked = network.asked(book.market) > before
    const stale_ms = is_asked ? Date.now() : Number.POSITIVE_INFINITY
    const states = new States(rig.worker)
    const live_ms = await states.until(
      () => states.now(book)?.state === 'live' && (states.now(book)?.to_ms ?? 0) > stale_ms,
      GIVE_UP_MS,
    )
    known()
    await states.stop()
    unmute()
    findings.within('asked again after', stale_ms - last_ms, quiet_ms + NOTICED_WITHIN_MS)
    findings.within('live after', live_ms - stale_ms, LIVE_WITHIN_MS)
    findings.hold(stale_ms - last_ms > least_ms - NOTICED_WITHIN_MS, 'given up before its limit')
    return findings.verdict()
  },
}
