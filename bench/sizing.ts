/**
 * `node bench/sizing.ts`: how much processor and memory a worker takes, by markets and market data,
 * on 0.5, 1 and 2 vCPU (control groups, so root is needed), and what that costs. Figures go to
 * standard output as JSON lines, the text of docs/scaling.md to standard error. It is no section of
 * `npm run bench`: it takes a quarter of an hour and wants the machine for itself. That is why each
 * size is started once, without a limit, and the limit and the rate change while it runs.
 */
import { availableParallelism, cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { allLive } from './load/run.ts'
import { type Stack, startStack } from './load/stack.ts'
import { type LoadFigures, measure } from './load/window.ts'
import { type CpuLimit, limitCpu } from './sizing/limit.ts'

const DEFAULTS = { coins: '20,100,300', rates: '1,8', vcpus: '2,1,0.5', seconds: '20', seed: '7' }
const SETTLE_MS = 8_000
/** https://docs.railway.com/reference/pricing, as of November 2026: dollars a month for what is used */
const VCPU_USD = 20
const GIGABYTE_USD = 10
/** a loop that is later than this refuses what it reads */
const LATE_MS = 50
/** with fewer of its market's steps the sandbox had no time left, and the row says nothing */
const ENOUGH_STEPS_PERCENT = 90

interface Start {
  readonly markets: number
  /** until every book was live */
  readonly start_seconds: number
  /** the most that was resident until then; null where the system does not tell */
  readonly peak_rss_mb: number | null
}

interface Row extends LoadFigures {
  readonly markets: number
  readonly vcpus: number
  readonly throttled_percent: number
  readonly usd_a_month: number
}

// a developer's own stores are not for this
process.env.REDIS_URL = ''
process.env.DATABASE_URL = ''

const { values } = parseArgs({
  options: Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, value]) => [name, { type: 'string', default: value }]),
  ),
})
const numbers = (name: keyof typeof DEFAULTS): [number, ...number[]] => {
  const [first = Number.NaN, ...others] = String(values[name]).split(',').map(Number)
  const all: [number, ...number[]] = [first, ...others]
  if (all.every((value) => value > 0)) return all
  throw new Error(`--${name} takes positive numbers, not ${values[name]}`)
}
const [rates, vcpus] = [numbers('rates'), numbers('vcpus')]
const [[seconds], [seed]] = [numbers('seconds'), numbers('seed')]

const began_ms = performance.now()
const [starts, rows]: [Start[], Row[]] = [[], []]
for (const symbols of numbers('coins')) {
  tell(`${symbols} coins start`)
  const stack = await startStack({ seed, symbols, rate: rates[0] })
  const limit = await limitCpu(stack.worker.pid).catch(async (error) => {
    await stack.stop()
    throw error
  })
  try {
    starts.push(await startOf(stack))
    for (const rate of rates) {
      await stack.sandbox.setRate(rate)
      for (const vcpu of vcpus) rows.push(await rowOf(stack, limit, vcpu))
      tell(`${symbols} coins at ×${rate} are measured`)
    }
  } finally {
    await stack.stop()
    await limit.remove()
  }
}
process.stderr.write(`\n${described(starts, rows)}\n`)

function tell(what: string): void {
  const minutes = (performance.now() - began_ms) / 60_000
  process.stderr.write(`sizing bench: ${what}, ${minutes.toFixed(1)} min\n`)
}

async function startOf(stack: Stack): Promise<Start> {
  const started_ms = performance.now()
  await allLive(stack)
  const start_seconds = (performance.now() - started_ms) / 1_000
  const peak = await stack.worker.peakRss()
  const markets = (await stack.worker.list()).length
  const start = { markets, start_seconds, peak_rss_mb: peak === null ? null : peak / 1e6 }
  process.stdout.write(`${JSON.stringify({ bench: 'sizing', ...start }, rounded)}\n`)
  return start
}

async function rowOf(stack: Stack, limit: CpuLimit, vcpus: number): Promise<Row> {
  await limit.set(vcpus)
  await sleep(SETTLE_MS)
  const throttled_ms = await limit.throttledMs()
  const figures = await measure(stack, seconds)
  const waited_ms = (await limit.throttledMs()) - throttled_ms
  const row: Row = {
    markets: (await stack.worker.list()).length,
    vcpus,
    ...figures,
    throttled_percent: waited_ms / (figures.seconds * 10),
    usd_a_month: (figures.cpu_percent / 100) * VCPU_USD + (figures.rss_mb / 1e3) * GIGABYTE_USD,
  }
  process.stdout.write(`${JSON.stringify({ bench: 'sizing', ...row }, rounded)}\n`)
  return row
}

/** As it goes into docs/scaling.md. */
function described(starts: readonly Start[], rows: readonly Row[]): string {
  const command = ['node bench/sizing.ts', ...process.argv.slice(2)].join(' ')
  const day = new Date().toISOString().slice(0, 10)
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`
  const lived = starts.map(({ markets, start_seconds, peak_rss_mb }) => {
    const most = peak_rss_mb === null ? '' : ` (at most ${peak_rss_mb.toFixed(0)} MB resident)`
    return `${markets} markets were live ${start_seconds.toFixed(0)} s after the start${most}`
  })
  return `Measured with \`${command}\` on ${day}, on ${machine}:\n\n${table(rows)}\n\n${lived.join('; ')}.`
}

function table(rows: readonly Row[]): string {
  const head = ['markets', 'frames/s', 'vCPU', 'CPU used', 'RSS', 'loop p99', 'fits', '$/month']
  const lines = rows.map((row) => {
    const { markets, vcpus, frames_received, cpu_percent, rss_mb, usd_a_month } = row
    const cells = [markets, frames_received.toFixed(0), vcpus, `${cpu_percent.toFixed(0)} %`]
    cells.push(`${rss_mb.toFixed(0)} MB`, `${row.lateness_p99_ms.toFixed(0)} ms`, verdict(row))
    return [...cells, usd_a_month.toFixed(2)]
  })
  return [head, head.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function verdict({ lateness_p99_ms, sandbox_steps_percent }: Row): string {
  if (sandbox_steps_percent < ENOUGH_STEPS_PERCENT) return 'not measured: the machine was busy'
  return lateness_p99_ms < LATE_MS ? 'yes' : 'no'
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value
}
