/**
 * Row 25: receivers that fail in every way there is. Each is tried again as the schedule says, or not;
 * nobody's answer is read for long; and whoever receives well does not notice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { quantileOf } from '../../../bench/alerts/judge.ts'
import { until } from '../../../bench/failover/rig.ts'
import { insertKey } from '../../../edge/testing/keys.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import {
  type Behaviour,
  dripsBody,
  dripsHead,
  hangs,
  type Receivers,
  resets,
  says,
} from './receivers.ts'
import { type Attempt, DELIVERY, type DeliveryRig } from './rig.ts'

interface Bad {
  readonly name: string
  readonly behaviour: Behaviour
  /** of its attempts at one alert, in order */
  readonly results: readonly string[]
  /** requests that reach it */
  readonly requests: number
  /** in the words of the record */
  readonly error: RegExp | null
}

const GIVEN_UP = ['failure', 'failure', 'expired']
/** between attempts at an alert, from the start of one to the next */
const PAUSES_MS = [2_000, 8_000]
const EARLY_MS = 100
const LATE_MS = 1_000
const GOOD = 4
const EVENTS_PER_SECOND = 10
const ALONE_MS = 6_000
const TOGETHER_MS = 16_000
const RECORDED_WITHIN_MS = 30_000
/** beyond what it is without them: twice, or so much */
const SLOWER_MS = 50
/** what a kernel and we hold of an answer that nobody reads on */
const MOST_BYTES = 10_000_000
const EXCERPT = 1_000
const DAY_MS = 86_400_000
const CANARY = '/canary'

export const badReceivers: Fault = {
  row: 25,
  name: 'receivers misbehave',
  injected: '500, silence, slow head, slow body, 100 MB, 302, 410, RST, five days of failures',
  required: 'the right schedule, capped, switched off by the rules; p99 of others unchanged',
  async run(context) {
    const rig = await context.rig(DELIVERY)
    const findings = new Findings(context)
    const good = await goodEndpoints(rig)
    const alone_ms = await p99(rig, ALONE_MS, findings)
    const bad = kinds(rig.receivers)
    const ids = new Map<Bad, string>()
    const pressing: string[] = []
    for (const one of bad) {
      for (const path of [pathOf(one), `${pathOf(one)}-pressed`])
        rig.receivers.behave(path, one.behaviour)
      const url = rig.receivers.url + pathOf(one)
      ids.set(one, await rig.endpoint({ url, symbol: 'ODD/USDT' }))
      pressing.push(await rig.endpoint({ url: `${url}-pressed`, symbol: 'GOOD/USDT' }))
    }
    const off = [await gone(rig), await failing(rig)]
    await rig.known()
    const message_id = await rig.detect('ODD/USDT')
    const together_ms = await p99(rig, TOGETHER_MS, findings)
    findings.note(`p99 of the others ${Math.round(alone_ms)} ms alone`)
    const bound_ms = Math.max(2 * alone_ms, alone_ms + SLOWER_MS)
    findings.within('beside them', together_ms, Math.round(bound_ms))
    for (const [one, id] of ids) await judgeBad(rig, findings, one, id, message_id)
    findings.hold(rig.receivers.at(CANARY).length === 0, 'a redirect was followed')
    const { flooded_bytes } = rig.receivers
    findings.note(`${(flooded_bytes / 1e6).toFixed(1)} of 100 MB taken`)
    findings.hold(
      flooded_bytes > 0 && flooded_bytes < MOST_BYTES,
      `${flooded_bytes} bytes of an answer were taken`,
    )
    for (const judge of off) await judge(findings)
    await rig.forget([...good, ...ids.values(), ...pressing])
    return findings.verdict()
  },
}

function kinds({ url, floods }: Receivers): Bad[] {
  const closed = /connection was closed/
  return [
    { name: '500', behaviour: says(500), results: GIVEN_UP, requests: 3, error: null },
    { name: 'silent', behaviour: hangs, results: ['expired'], requests: 1, error: /no answer/ },
    {
      name: 'slow-head',
      behaviour: dripsHead,
      results: ['expired'],
      requests: 1,
      error: /no answer/,
    },
    { name: 'slow-body', behaviour: dripsBody, results: ['success'], requests: 1, error: null },
    { name: '100-MB', behaviour: floods, results: ['success'], requests: 1, error: null },
    {
      ...{ name: '302', behaviour: says(302, { location: url + CANARY }), results: GIVEN_UP },
      ...{ requests: 3, error: /redirect is not followed/ },
    },
    // a connection that breaks at once is tried once more at once
    { name: 'RST', behaviour: resets, results: GIVEN_UP, requests: 6, error: closed },
  ]
}

const pathOf = ({ name }: Bad) => `/bad-${name}`

async function goodEndpoints(rig: DeliveryRig): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < GOOD; i++) {
    ids.push(await rig.endpoint({ url: `${rig.receivers.url}/good-${i}`, symbol: 'GOOD/USDT' }))
  }
  await rig.known()
  return ids
}

/** Events for so long; how long they took to those who receive well, and that they all came once. */
async function p99(rig: DeliveryRig, for_ms: number, findings: Findings): Promise<number> {
  const sent = new Map<string, number>()
  const sending: Promise<unknown>[] = []
  const begun_ms = performance.now()
  for (let i = 0; i < (for_ms / 1_000) * EVENTS_PER_SECOND; i++) {
    const due_ms = begun_ms + (i * 1_000) / EVENTS_PER_SECOND
    await sleep(Math.max(0, due_ms - performance.now()))
    const at_ms = performance.timeOrigin + performance.now()
    sending.push(rig.detect('GOOD/USDT').then((id) => sent.set(id, at_ms)))
  }
  await Promise.all(sending)
  const received = () =>
    Array.from({ length: GOOD }, (_, i) =>
      rig.receivers.at(`/good-${i}`).filter(({ id }) => sent.has(id)),
    ).flat()
  const wanted = sent.size * GOOD
  await until('the good ones', async () => received().length >= wanted, RECORDED_WITHIN_MS).catch(
    () => {},
  )
  const all = received()
  findings.hold(all.length === wanted, `${all.length} of ${wanted} alerts came to good receivers`)
  const took_ms = all.map(({ id, at_ms }) => at_ms - (sent.get(id) ?? 0))
  return quantileOf(
    took_ms.sort((a, b) => a - b),
    0.99,
  )
}

async function judgeBad(
  rig: DeliveryRig,
  findings: Findings,
  { name, results, requests, error, ...bad }: Bad,
  endpoint_id: string,
  message_id: string,
): Promise<void> {
  let attempts: Attempt[] = []
  const isRecorded = async () => {
    attempts = (await rig.attempts(endpoint_id)).filter((one) => one.message_id === message_id)
    return attempts.length >= results.length
  }
  await until('the record', isRecorded, RECORDED_WITHIN_MS).catch(() => {})
  const found = attempts.map(({ result }) => result)
  findings.hold(
    found.join() === results.join(),
    `${name}: ${found.join(', ')}, not ${results.join(', ')}`,
  )
  const came = rig.receivers.at(pathOf({ name, results, requests, error, ...bad }))
  findings.hold(came.length === requests, `${name}: ${came.length} requests, not ${requests}`)
  for (const { error: words, response_body } of attempts) {
    findings.hold(error === null || error.test(words ?? ''), `${name}: is on record as "${words}"`)
    findings.hold(
      (response_body ?? '').length <= EXCERPT,
      `${name}: too much of its answer was kept`,
    )
  }
  if (results !== GIVEN_UP) return
  const starts_ms = came
    .filter((_, i) => i % (requests / results.length) === 0)
    .map(({ at_ms }) => at_ms)
  for (const [i, pause_ms] of PAUSES_MS.entries()) {
    const waited_ms = (starts_ms[i + 1] ?? Number.POSITIVE_INFINITY) - (starts_ms[i] ?? 0)
    findings.hold(waited_ms >= pause_ms - EARLY_MS, `${name}: tried again after ${waited_ms} ms`)
    if (waited_ms > pause_ms + LATE_MS)
      findings.within(`${name}: the next try`, waited_ms, pause_ms + LATE_MS)
  }
}

type Judge = (findings: Findings) => Promise<void>

/** Says 410: switched off at once, and the owner's other endpoint hears of it. */
async function gone(rig: DeliveryRig): Promise<Judge> {
  rig.receivers.behave('/gone', says(410))
  return switchedOff(rig, 'gone', await pair(rig, '/gone'))
}

/** Has failed for five days and fails once more. */
async function failing(rig: DeliveryRig): Promise<Judge> {
  rig.receivers.behave('/failing', says(500))
  const endpoint_id = await pair(rig, '/failing', new Date(Date.now() - 5.5 * DAY_MS))
  await rig.pool.query(
    `INSERT INTO webhook_messages (id, type, body) VALUES ('1-0', 'opportunity.detected', '{}')
     ON CONFLICT (id) DO NOTHING`,
  )
  for (const days of [5.5, 4, 3, 2, 1]) {
    await rig.pool.query(
      `INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result, attempted_at)
       VALUES ($1, '1-0', 1, $2, 'failure', $3)`,
      [endpoint_id, `${endpoint_id}-${days}`, new Date(Date.now() - days * DAY_MS)],
    )
  }
  return switchedOff(rig, 'failing', endpoint_id)
}

/** An endpoint and another one of the same owner, who is told of the first. */
async function pair(rig: DeliveryRig, path: string, failing_since?: Date): Promise<string> {
  const { id: key_id } = await insertKey(rig.pool, { scopes: ['webhooks'] })
  const url = rig.receivers.url + path
  await rig.endpoint({ url: `${url}-sibling`, symbol: 'NONE/USDT', key_id })
  const more = failing_since === undefined ? {} : { failing_since }
  return rig.endpoint({ url, symbol: 'ODD/USDT', key_id, ...more })
}

function switchedOff(rig: DeliveryRig, reason: string, endpoint_id: string): Judge {
  return async (findings) => {
    const isOff = async () => {
      const sql = 'SELECT enabled, disabled_reason FROM webhook_endpoints WHERE id = $1'
      const { rows } = await rig.pool.query(sql, [endpoint_id])
      return rows[0]?.enabled === false && rows[0]?.disabled_reason === reason
    }
    const isTold = async () => {
      const told = rig.receivers.at(`/${reason}-sibling`)
      return told.some(({ type }) => type === 'endpoint.disabled')
    }
    const holds = (what: string, look: () => Promise<boolean>) =>
      until(what, look, RECORDED_WITHIN_MS).then(
        () => true,
        () => false,
      )
    findings.hold(await holds('off', isOff), `${reason}: it was not switched off`)
    findings.hold(await holds('told', isTold), `${reason}: its owner was not told`)
  }
}
