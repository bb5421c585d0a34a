/** Rows 10, 17 and 18: exchanges that refuse a market, everybody, or their books by REST. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sum } from '../../../bench/load/prometheus.ts'
import { ExchangeStatus } from '../../../shared/health.ts'
import { KEYS } from '../../../shared/keys.ts'
import { exchanges as KNOWN } from '../../../workers/exchanges/index.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { EXCHANGE_IDS, type ExchangesRig, type WatchedBook } from './rig.ts'
import { EXCHANGES } from './start.ts'
import { States } from './states.ts'
import { expectSilence } from './thread.ts'

const LIVE_WITHIN_MS = 5_000
/** the longest pause of the backoff, and a connection */
const REDIALLED_WITHIN_MS = 35_000
const GIVE_UP_MS = 60_000
const STATUS_EVERY_MS = 1_000
/** frames gather the changes of 100 ms */
const OLDER_MS = 500
const RETRY_AFTER_S = 6
/** what timers of a busy machine may be early by */
const TIMER_SLACK_MS = 50
const WINDOW_MS = 300_000
const OUTAGE_MS = 40_000
const FULL_OUTAGE_MS = 600_000

export const refusedMarket: Fault = {
  row: 10,
  name: 'subscription refused',
  injected: 'one market of the frame is nacked',
  required: 'the others live, one reported',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.allLive()
    const network = rig.network('kraken')
    const book = rig.pick('kraken', context.random)
    const error = `Currency pair not supported ${book.market}`
    const healed = rig.doubts.begin({ exchange: 'kraken' })
    const serve = network.bendRequests((raw) => {
      const without = withoutMarket(raw, book.market)
      if (without === undefined) return [raw]
      network.say(
        JSON.stringify({ method: 'subscribe', success: false, symbol: book.market, error }),
      )
      return without
    })
    const states = new States(rig.worker)
    const reset_ms = Date.now()
    network.reset()
    const isRefused = () => states.now(book)?.state !== 'live'
    await states.until(isRefused, GIVE_UP_MS)
    const others_ms = await states.until(
      () =>
        states.all('kraken').filter(({ state }) => state !== 'live').length === 1 && isRefused(),
      GIVE_UP_MS,
    )
    findings.within('the others live after', others_ms - reset_ms, LIVE_WITHIN_MS)
    // what is reported is refreshed every second
    await sleep(2 * STATUS_EVERY_MS)
    await expectReported(rig, findings, book, error)
    serve()
    network.reset()
    await rig.allLive()
    healed()
    await states.stop()
    return findings.verdict()
  },
}

export const refusedAll: Fault = {
  row: 17,
  name: 'reconnect storm, exchange down',
  injected: 'every connection refused, then 429',
  required: 'attempts <= 150 in 5 min, Retry-After obeyed, others live',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.allLive()
    const network = rig.network('binance')
    const states = new States(rig.worker)
    const healed = rig.doubts.begin({ exchange: 'binance' })
    const before = network.handshakes.length
    const outage_ms = context.outage_ms(OUTAGE_MS, FULL_OUTAGE_MS)
    network.refuse({ status: 503 })
    network.reset()
    await sleep(outage_ms)
    const attempts = network.handshakes.slice(before).map(({ at_ms }) => at_ms)
    const { connects } = KNOWN.find(({ id }) => id === 'binance')?.limits ?? {}
    const allowed = Math.ceil((connects?.count ?? 0) * Math.min(1, outage_ms / WINDOW_MS))
    const most = mostWithin(attempts, WINDOW_MS)
    findings.note(`${attempts.length} attempts in ${outage_ms / 1_000} s`)
    findings.hold(attempts.length > 1, 'nobody tried again')
    findings.hold(most <= allowed, `${most} attempts, at most ${allowed}`)
    await obeysRetryAfter(rig, findings)
    network.refuse(null)
    const back_ms = Date.now()
    const isLive = () => states.all('binance').every(({ state }) => state === 'live')
    const live_ms = await states.until(isLive, GIVE_UP_MS)
    healed()
    await states.stop()
    findings.within('live after', live_ms - back_ms, REDIALLED_WITHIN_MS)
    const others = EXCHANGE_IDS.filter((id) => id !== 'binance')
    const disturbed = others.flatMap((id) => states.disturbed(id))
    findings.hold(disturbed.length === 0, `not live all the time: ${disturbed.join(', ')}`)
    return findings.verdict()
  },
}

export const refusedSnapshots: Fault = {
  row: 18,
  name: 'snapshot 429 / older than the buffer / slow',
  injected: 'one after the other, after a gap',
  required: 'Retry-After obeyed, no ban, live in the end',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.allLive()
    const network = rig.network('binance')
    const book = rig.pick('binance', context.random)
    const path = `/api/v3/depth?symbol=${book.market}&limit=1000`
    const old = await network.fetch(path)
    // what it tells already may be on its way in a frame: then it is not older than what follows
    await sleep(OLDER_MS)
    const retry_after = { 'retry-after': String(RETRY_AFTER_S) }
    const faults = [{ status: 429, headers: retry_after }, old, { delay_ms: 4_000 }]
    const asked_before = network.requests.length
    network.failRest((asked) => (asked === path ? faults.shift() : undefined))
    const known = rig.doubts.begin(book, { unknowable_ms: Number.POSITIVE_INFINITY })
    const states = new States(rig.worker)
    const lost_ms = await network.once(book.market, () => [])
    const stale_ms = await states.until(() => rig.lost(book, lost_ms) !== undefined, GIVE_UP_MS)
    known()
    const healed = rig.doubts.begin(book)
    const live_ms = await states.until(
      () => states.now(book)?.state === 'live' && faults.length === 0,
      2 * GIVE_UP_MS,
    )
    healed()
    await states.stop()
    network.failRest(null)
    findings.hold(Number.isFinite(stale_ms), 'the gap was not noticed')
    expectSilence(rig, findings, states, book)
    findings.within('live after', live_ms - lost_ms, 2 * GIVE_UP_MS)
    const asked = network.requests.slice(asked_before)
    const throttled = asked.find(({ status }) => status === 429)
    const early = asked.filter(({ at_ms }) => isIn(at_ms, throttled?.at_ms ?? 0, RETRY_AFTER_S))
    findings.hold(early.length === 0, `${early.length} requests before Retry-After was over`)
    const bans = asked.filter(({ status }) => status === 418 || status === 429).length
    findings.hold(bans === 1, `${bans} answers of 429 or 418, one of them ours`)
    findings.note(`${asked.filter((one) => one.path === path).length} questions`)
    return findings.verdict()
  },
}

/** The subscribe frame without that market; undefined: it does not name it. */
function withoutMarket(raw: string, market: string): string[] | undefined {
  const frame = JSON.parse(raw)
  const { channel, symbol } = frame.params ?? {}
  if (frame.method !== 'subscribe' || channel !== 'book' || !symbol?.includes(market)) return
  const others = symbol.filter((name: string) => name !== market)
  if (others.length === 0) return []
  return [JSON.stringify({ ...frame, params: { ...frame.params, symbol: others } })]
}

async function expectReported(
  rig: ExchangesRig,
  findings: Findings,
  book: WatchedBook,
  reason: string,
): Promise<void> {
  const told = await rig.redis.hget(KEYS.exchanges, book.exchange)
  const { refused } = ExchangeStatus.parse(JSON.parse(told ?? 'null'))
  const is_named = refused.some(
    ({ market, reason: why }) => market === book.market && why === reason,
  )
  findings.hold(is_named && refused.length === 1, `reported as refused: ${JSON.stringify(refused)}`)
  const count = sum(await rig.lateness.metrics(), 'arb_feed_refused_markets', {
    exchange: book.exchange,
  })
  findings.hold(count === 1, `${count} refused in the metrics`)
  const { books_live, books_total } = (await rig.worker.health()).exchanges[book.exchange] ?? {}
  findings.hold(books_live === (books_total ?? 0) - 1, `${books_live} of ${books_total} live`)
  findings.note(`${books_live} of ${books_total} live`)
}

/** The next attempt is told when to come again, and nobody comes before. */
async function obeysRetryAfter(rig: ExchangesRig, findings: Findings): Promise<void> {
  const network = rig.network('binance')
  const before = network.handshakes.length
  network.refuse({ status: 429, headers: { 'retry-after': String(RETRY_AFTER_S) } })
  const until_ms = performance.now() + GIVE_UP_MS
  while (network.handshakes.length === before && performance.now() < until_ms) await sleep(20)
  const at_ms = network.handshakes[before]?.at_ms
  if (at_ms === undefined) throw new Error('nobody tried again')
  await sleep(RETRY_AFTER_S * 1_000 - TIMER_SLACK_MS)
  const early = network.handshakes
    .slice(before + 1)
    .filter((one) => isIn(one.at_ms, at_ms, RETRY_AFTER_S))
  findings.hold(early.length === 0, `${early.length} attempts before Retry-After was over`)
}

function isIn(at_ms: number, from_ms: number, seconds: number): boolean {
  return at_ms > from_ms && at_ms < from_ms + seconds * 1_000 - TIMER_SLACK_MS
}

function mostWithin(at_ms: readonly number[], window_ms: number): number {
  const counts = at_ms.map((from_ms) => {
    return at_ms.filter((time_ms) => time_ms >= from_ms && time_ms < from_ms + window_ms).length
  })
  return Math.max(0, ...counts)
}
