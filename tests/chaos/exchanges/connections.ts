/** Rows 5, 7 and 9: connections that break, die unnoticed or are about to be closed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sum } from '../../../bench/load/prometheus.ts'
import { exchanges as KNOWN } from '../../../workers/exchanges/index.ts'
import { SILENT_MS } from '../../truth/doubts.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { EXCHANGE_IDS, type ExchangesRig } from './rig.ts'
import { EXCHANGES } from './start.ts'
import { States } from './states.ts'

const LIVE_WITHIN_MS = 5_000
const NOTICED_WITHIN_MS = 100
const GIVE_UP_MS = 60_000
/** reserved bits that nobody negotiated */
const NO_FRAME = Buffer.from([0xf1, 0x01, 0x41])
/** how long an exchange that announced its end goes on */
const GRACE_MS = 20_000

export const corrupt: Fault = {
  row: 5,
  name: 'corrupt ws frame',
  injected: 'reserved bits set, on every connection',
  required: 'closed, no throw, live <= 5 s',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.settled(context)
    const known = rig.complaints.length
    await Promise.all(
      EXCHANGE_IDS.map((exchange) =>
        reconnects(rig, findings, exchange, () => rig.network(exchange).write(NO_FRAME)),
      ),
    )
    const told = rig.complaints
      .slice(known)
      .filter(({ line }) => line.includes('Invalid WebSocket'))
    findings.hold(
      told.length >= EXCHANGE_IDS.length,
      `${told.length} connections ended for bad frames`,
    )
    findings.hold(rig.child.isRunning(), 'the worker ended')
    return findings.verdict()
  },
}

export const halfOpen: Fault = {
  row: 7,
  name: 'half-open TCP',
  injected: 'nothing passes any more, nobody is told',
  required: 'stale <= idle + 100 ms, live <= idle + 5 s',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.settled(context)
    // two with other limits, at once: the others are the control
    const exchanges: readonly string[] = ['bybit', 'kraken']
    await Promise.all(exchanges.map((exchange) => dieUnnoticed(rig, findings, exchange)))
    return findings.verdict()
  },
}

export const ended: Fault = {
  row: 9,
  name: 'RST / close 1001 / serverShutdown',
  injected: 'reset, closed with 1001, announced',
  required: 'live <= 5 s; announced: never stale',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.settled(context)
    await Promise.all([
      reconnects(rig, findings, 'bybit', () => rig.network('bybit').reset()),
      reconnects(rig, findings, 'coinbase', () => rig.network('coinbase').close(1001)),
      reconnects(rig, findings, 'kraken', () => rig.network('kraken').close(1001)),
    ])
    await rig.allLive()
    await announced(rig, findings)
    return findings.verdict()
  },
}

async function reconnects(
  rig: ExchangesRig,
  findings: Findings,
  exchange: string,
  cut: () => void,
): Promise<void> {
  const network = rig.network(exchange)
  const before = network.handshakes.length
  const healed = rig.doubts.begin({ exchange })
  const states = new States(rig.worker)
  const cut_ms = Date.now()
  cut()
  const noticed_ms = await states.until(() => network.handshakes.length > before, GIVE_UP_MS)
  const live_ms = await states.until(() => areLiveSince(states, exchange, noticed_ms), GIVE_UP_MS)
  healed()
  await states.stop()
  findings.within(`${exchange} live after`, live_ms - cut_ms, LIVE_WITHIN_MS)
}

/** Every book of it was seen to be live after that moment. */
function areLiveSince(states: States, exchange: string, since_ms: number): boolean {
  const books = states.all(exchange)
  return books.length > 0 && books.every(({ state, to_ms }) => state === 'live' && to_ms > since_ms)
}

async function dieUnnoticed(
  rig: ExchangesRig,
  findings: Findings,
  exchange: string,
): Promise<void> {
  const idle_ms = KNOWN.find(({ id }) => id === exchange)?.keepalive.idle_ms ?? Number.NaN
  const states = new States(rig.worker)
  const known = rig.doubts.begin({ exchange }, { unknowable_ms: SILENT_MS })
  const complaints = rig.complaints.length
  rig.network(exchange).swallow()
  const dead_ms = Date.now()
  const isStale = () => states.all(exchange).every(({ state }) => state !== 'live')
  await states.until(() => states.all(exchange).length > 0, GIVE_UP_MS)
  const stale_ms = await states.until(isStale, GIVE_UP_MS)
  const live_ms = await states.until(() => areLiveSince(states, exchange, stale_ms), GIVE_UP_MS)
  known()
  await states.stop()
  // what the worker measured itself: we see a book only when we look
  const told = rig.complaints.slice(complaints).find((complaint) => complaint.exchange === exchange)
  const silent_ms = Number(
    /silent for (\d+) ms/.exec(told?.line ?? '')?.[1] ?? Number.POSITIVE_INFINITY,
  )
  findings.within(`${exchange} cut after`, silent_ms, idle_ms + NOTICED_WITHIN_MS)
  findings.hold(Number.isFinite(stale_ms), `${exchange} was never stale`)
  findings.within('live after', live_ms - dead_ms, idle_ms + LIVE_WITHIN_MS)
}

/** Binance says that it will close: a new connection takes over before. */
async function announced(rig: ExchangesRig, findings: Findings): Promise<void> {
  const network = rig.network('binance')
  const reconnects_before = await reconnectsOf(rig)
  const before = network.handshakes.length
  const states = new States(rig.worker)
  network.say(`{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":${Date.now()}}}`)
  const said_ms = Date.now()
  const isReplaced = () => network.handshakes.length > before && network.connections === 1
  const replaced_ms = await states.until(isReplaced, GRACE_MS)
  // what would be stale now is seen within this
  await sleep(NOTICED_WITHIN_MS)
  await states.stop()
  findings.within('binance replaced after', replaced_ms - said_ms, GRACE_MS)
  const disturbed = states.disturbed('binance')
  findings.hold(disturbed.length === 0, `not live all the time: ${disturbed.join(', ')}`)
  findings.hold(
    (await reconnectsOf(rig)) === reconnects_before,
    'a replacement counted as reconnect',
  )
}

async function reconnectsOf(rig: ExchangesRig): Promise<number> {
  const samples = await rig.lateness.metrics()
  return sum(samples, 'arb_feed_reconnects_total', { exchange: 'binance' })
}
