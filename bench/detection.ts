/**
 * What detection costs: a tick at 4, 8 and 12 exchanges with 500 markets each, and a cycle of three
 * legs, each beside the figure of looking at everything. Figures go to standard output as JSON lines,
 * a table for people to standard error. CPU time of this thread; a missed goal is printed as such.
 */
import { silentLog } from '../shared/log.ts'
import { Detector } from '../workers/detection/detector.ts'
import { createFees } from '../workers/detection/fees.ts'
import { FastFinder } from '../workers/detection/finder.ts'
import { Triangles } from '../workers/detection/triangles.ts'
import { seededRandom } from '../workers/replay/random.ts'
import { type Tick, Universe } from './detection/universe.ts'

const LIMITS = {
  min_percent: 0.5,
  max_percent: 10,
  min_volume_usd: 1_000,
  max_book_age_ms: 5_000,
  max_skew_ms: 2_000,
}
const EXCHANGES = [4, 8, 12]
const TICKS = 40_000
const ROUNDS = 7
/** the clock of CPU time moves in steps of milliseconds */
const CYCLE_TIMES = 500
const GROWTH_GOAL = 1.5
const CYCLE_GOAL_NS = 8

/** CPU nanoseconds that `work` takes. */
function cpu_ns(work: () => void): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) * 1_000
}

const median = (figures: readonly number[]) =>
  [...figures].sort((a, b) => a - b)[figures.length >> 1] as number

interface TickFigure {
  readonly exchanges: number
  readonly ns: number
  readonly brute_force_ns: number
}

/** A tick from a changed top to no verdict, less what it costs to change the top. */
function raceTicks(exchanges: number): TickFigure {
  const universe = new Universe(exchanges, seededRandom(exchanges))
  const detector = new Detector({
    books: universe.books,
    limits: LIMITS,
    clock: universe.clock,
    is_simulated: () => true,
    log: silentLog,
  })
  detector.run(universe.books.takeDirty())
  const ticks = [...universe.ticks(TICKS)]
  const [ours, brute]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    const idle_ns = cpu_ns(() => {
      for (const tick of ticks) universe.apply(tick)
    })
    const run_ns = cpu_ns(() => {
      for (const tick of ticks) {
        universe.apply(tick)
        detector.run([tick.entry])
      }
    })
    ours.push((run_ns - idle_ns) / TICKS)
    brute.push(cpu_ns(() => lookAtEverything(universe, ticks)) / TICKS)
  }
  return { exchanges, ns: median(ours), brute_force_ns: median(brute) }
}

let paying = 0

/** All pairs of exchanges of the tick's symbol, in both directions: only the shortest of chains. */
function lookAtEverything({ books }: Universe, ticks: readonly Tick[]): void {
  const by_symbol = Map.groupBy(books.all, ({ market }) => market.symbol)
  for (const { entry } of ticks) {
    const peers = by_symbol.get(entry.market.symbol) ?? []
    for (const buy of peers) {
      for (const sell of peers) {
        if (buy === sell) continue
        const rate = (sell.book.bids.price(0) / buy.book.asks.price(0)) * 0.999 * 0.999
        if (rate >= 1.005) paying++
      }
    }
  }
}

interface CycleFigure {
  readonly cycles: number
  readonly ns: number
  readonly brute_force_ns: number
}

/** Every cycle of every leg of one exchange, read through the index and by the names of the coins. */
function raceCycles(): CycleFigure {
  const { books } = new Universe(1, seededRandom(1))
  const finder = new FastFinder(books, createFees())
  finder.take(books.all)
  const triangles = new Triangles(finder.graph)
  triangles.build()
  const legs = finder.graph.legs.length
  const rates = finder.quotes.live.slice()
  const nothing = () => {}
  const [ours, brute]: [number[], number[]] = [[], []]
  const cycles = 3 * triangles.count
  for (let round = 0; round < ROUNDS; round++) {
    const ns = cpu_ns(() => {
      for (let times = 0; times < CYCLE_TIMES; times++) {
        for (let leg = 0; leg < legs; leg++) {
          // above every bound: nothing is passed over
          rates[leg] = (rates[leg] as number) * 1.001
          triangles.find(leg, rates, Number.POSITIVE_INFINITY, nothing)
        }
      }
    })
    ours.push(ns / (CYCLE_TIMES * cycles))
    brute.push(cpu_ns(() => multiplyByName(finder)) / cycles)
  }
  return { cycles, ns: median(ours), brute_force_ns: median(brute) }
}

/** Three look-ups of rates by the names of two coins for every cycle. */
function multiplyByName({ graph, quotes }: FastFinder): void {
  for (const [leg, hop] of graph.hop_of.entries()) {
    const [home, at] = [graph.from[hop] as number, graph.to[hop] as number]
    for (const next of graph.out[at] as number[]) {
      const last = graph.hop(graph.to[next] as number, home)
      if (last === undefined || last === (hop ^ 1)) continue
      const rate =
        (quotes.live[leg] as number) *
        (quotes.best_trusted.rate[next] as number) *
        (quotes.best_trusted.rate[last] as number)
      if (rate >= 1.005) paying++
    }
  }
}

process.stderr.write('detection bench\n')
const figures = EXCHANGES.map(raceTicks)
const cycle = raceCycles()
const growth = (figures.at(-1)?.ns ?? Number.NaN) / (figures[0]?.ns ?? Number.NaN)

const line = (what: string, figure: object) =>
  process.stdout.write(`${JSON.stringify({ bench: 'detection', what, ...figure })}\n`)
for (const figure of figures) line('tick', figure)
line('growth', {
  from: 4,
  to: 12,
  ratio: growth,
  goal: GROWTH_GOAL,
  reached: growth <= GROWTH_GOAL,
})
line('cycle', { ...cycle, goal_ns: CYCLE_GOAL_NS, reached: cycle.ns <= CYCLE_GOAL_NS })

const verdict = (reached: boolean) => (reached ? 'reached' : 'MISSED')
const rows = [
  ...figures.map(
    ({ exchanges, ns, brute_force_ns }) =>
      `tick, ${String(exchanges).padStart(2)} exchanges × 500 markets  ${ns.toFixed(0).padStart(8)} ns   all pairs alone ${brute_force_ns.toFixed(0).padStart(6)} ns`,
  ),
  `growth from 4 to 12                ${growth.toFixed(2).padStart(8)}      ${verdict(growth <= GROWTH_GOAL)} ${GROWTH_GOAL}`,
  `a cycle of three legs              ${cycle.ns.toFixed(1).padStart(8)} ns   by name ${cycle.brute_force_ns.toFixed(1)} ns   ${verdict(cycle.ns <= CYCLE_GOAL_NS)} ${CYCLE_GOAL_NS} ns`,
  paying > 0 ? `${paying} looked as if they paid` : 'nothing paid',
]
process.stderr.write(`${rows.join('\n')}\n`)
