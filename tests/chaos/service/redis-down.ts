/** Row 19: Redis refuses everybody for a while. What happened meanwhile waits in the leader's outbox. */
import { setTimeout as sleep } from 'node:timers/promises'
import { redisDown } from '../../../bench/failover/drills.ts'
import type { RunningWorker } from '../../../bench/failover/rig.ts'
import type { ToldEvent } from '../../../bench/failover/story.ts'
import { parseMetrics, sum } from '../../../bench/load/prometheus.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { SERVICE } from './rig.ts'

const SHORT_MS = 8_000
const FULL_MS = 60_000
const DRAIN_MS = 5_000
const ASK_EVERY_MS = 250
/** what the edge may give from memory, while it hears of the outage */
const KEPT_MS = 4_000
const DROPPED = 'arb_outbox_dropped_total'

export const redisIsDown: Fault = {
  row: 19,
  name: 'Redis is down',
  injected: 'refuses everybody for a while',
  required: '0 lost, order kept, there <= 5 s after; the edge 503',
  async run(context) {
    const rig = await context.rig(SERVICE)
    const findings = new Findings(context)
    const [leader] = await rig.workers()
    const faults = rig.newFaults()
    const down_ms = context.outage_ms(SHORT_MS, FULL_MS)
    const before = await dropped(leader)
    const asking = new Asking(rig.front.url)
    const outage = await redisDown(rig.core, down_ms)
    const answers = await asking.end()
    findings.within(
      `${outage.detected_meanwhile} begun while away, all there after`,
      outage.drained_ms,
      DRAIN_MS,
    )
    findings.hold(outage.detected_meanwhile > 0, 'nothing began while Redis was away')
    findings.hold((await dropped(leader)) === before, 'the outbox dropped events')
    const { missing, told, level_ms } = await rig.level()
    findings.note(`everybody level ${level_ms} ms later`)
    for (const one of [...faults(), ...missing, ...outOfOrder(told)]) {
      findings.hold(false, one)
    }
    judgeAnswers(findings, answers, down_ms)
    return findings.verdict()
  },
}

async function dropped({ port }: RunningWorker): Promise<number> {
  const response = await fetch(`http://localhost:${port}/metrics`)
  return sum(parseMetrics(await response.text()), DROPPED)
}

/** Beginnings and ends are told in the order in which they happened. */
function outOfOrder(told: readonly ToldEvent[]): string[] {
  const kept = told.filter(({ type }) => /detected|expired/.test(type))
  return kept.flatMap(({ id, type, happened_ms }, i) => {
    const before = kept[i - 1]
    if (before === undefined || before.happened_ms <= happened_ms) return []
    return [`${type} ${id} was told after ${before.id}, which happened later`]
  })
}

interface Answered {
  readonly at_ms: number
  readonly status: number
  readonly type: string | null
}

/** What the edge says of the live list while something goes on. */
class Asking {
  private readonly answers: Answered[] = []
  private ended = false
  private readonly running: Promise<void>

  constructor(url: string) {
    this.running = this.run(`${url}/v1/opportunities`)
  }

  async end(): Promise<readonly Answered[]> {
    this.ended = true
    await this.running
    return this.answers
  }

  private async run(url: string): Promise<void> {
    while (!this.ended) {
      const response = await fetch(url)
      await response.arrayBuffer()
      const type = response.headers.get('content-type')
      this.answers.push({ at_ms: Date.now(), status: response.status, type })
      await sleep(ASK_EVERY_MS)
    }
  }
}

function judgeAnswers(findings: Findings, answers: readonly Answered[], down_ms: number): void {
  const isRefusal = ({ status }: Answered) => status === 503
  const first = answers.findIndex(isRefusal)
  const last = answers.findLastIndex(isRefusal)
  const span = answers.slice(first, last + 1)
  const took_ms = (span.at(-1)?.at_ms ?? 0) - (span[0]?.at_ms ?? 0)
  findings.note(`the edge said 503 for ${took_ms} ms`)
  findings.hold(first >= 0 && span.every(isRefusal), 'the edge gave a list in the middle of it')
  findings.hold(took_ms >= down_ms - KEPT_MS, `the edge said 503 for ${took_ms} of ${down_ms} ms`)
  const others = answers.filter(({ status }) => status !== 503 && status !== 200)
  for (const { status } of others) findings.hold(false, `the edge answered ${status}`)
  const is_problem = span.every(({ type }) => type === 'application/problem+json')
  findings.hold(is_problem, 'a refusal of the edge was no problem+json')
}
