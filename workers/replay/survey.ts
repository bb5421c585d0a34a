/**
 * The first pass over capture files: which markets there are, over which connections their frames
 * come, and when each file begins. It changes no book and reports nothing; the second pass does.
 */
import type { Market } from '../../shared/market.ts'
import { bytesOf, type CaptureLine } from '../capture/line.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { Connections, type Occurrence } from './connections.ts'
import type { Hosts } from './hosts.ts'
import { inferMarket } from './infer.ts'
import { Instruments } from './instruments.ts'
import {
  type ConnectionPlan,
  type Found,
  type FoundFile,
  type LinePlace,
  planConnections,
} from './plan.ts'
import { Scout } from './scout.ts'
import { FileTime, numberedLines, startOf, untimed } from './timeline.ts'

interface SurveyedFile {
  readonly path: string
  readonly start_ms: number
  /** by key, in the order of their occurrence */
  readonly connections: ReadonlyMap<string, readonly ConnectionPlan[]>
}

interface SurveyedExchange {
  readonly exchange: Exchange
  /** those with book frames, by name */
  readonly markets: readonly Market[]
  /** a sandbox spoke for it */
  readonly simulated: boolean
}

export interface Survey {
  readonly files: readonly SurveyedFile[]
  /** those whose hosts occur */
  readonly exchanges: readonly SurveyedExchange[]
  /** lists of markets that could not be read whole: where, and why */
  readonly problems: readonly string[]
}

/** @throws UnreadableFile */
export async function survey(paths: readonly string[], hosts: Hosts): Promise<Survey> {
  const surveyor = new Surveyor(hosts)
  const found: FoundFile[] = []
  for (const [file_index, path] of paths.entries()) {
    const after_ms = found.at(-1)?.end_ms ?? -1
    found.push(await surveyor.file(path, file_index, after_ms))
  }
  const plans = planConnections(found)
  const files = found.map(({ start_ms, connections }, index) => ({
    path: paths[index] as string,
    start_ms,
    connections: Map.groupBy(connections, ({ key }) => key),
  }))
  return {
    files: files.map((file) => ({ ...file, connections: withPlans(file.connections, plans) })),
    exchanges: surveyor.exchanges(),
    problems: surveyor.problems,
  }
}

function withPlans(
  connections: ReadonlyMap<string, readonly Found[]>,
  plans: ReadonlyMap<Found, ConnectionPlan>,
): ReadonlyMap<string, readonly ConnectionPlan[]> {
  const entries = [...connections].map(([key, all]): [string, ConnectionPlan[]] => [
    key,
    all.map((found) => plans.get(found) as ConnectionPlan),
  ])
  return new Map(entries)
}

/** What is known of one exchange so far. */
class Findings {
  readonly scout: Scout
  readonly instruments: Instruments
  simulated = false

  constructor(exchange: Exchange) {
    this.scout = new Scout(exchange)
    this.instruments = new Instruments(exchange)
  }
}

class Surveyor {
  readonly problems: string[] = []
  private readonly hosts: Hosts
  private readonly findings = new Map<Exchange, Findings>()

  constructor(hosts: Hosts) {
    this.hosts = hosts
  }

  async file(path: string, file_index: number, after_ms: number): Promise<FoundFile> {
    const pass = new FilePass(file_index)
    for await (const batch of numberedLines(path)) {
      for (const { number, line } of batch) {
        if (typeof line === 'string') continue
        pass.count(line.ts)
        if (line.dir === 'http') this.answer(line, `${path}:${number}`)
        else this.frame(line, number, pass)
      }
    }
    return pass.finish(after_ms)
  }

  exchanges(): SurveyedExchange[] {
    return this.hosts.exchanges.flatMap((exchange) => {
      const findings = this.findings.get(exchange)
      if (findings === undefined) return []
      const { scout, instruments, simulated } = findings
      const markets = [...scout.digits]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, digits]) => instruments.get(name) ?? inferMarket(exchange, name, digits))
      return { exchange, markets, simulated }
    })
  }

  private answer({ url: address, raw, simulated }: CaptureLine, place: string): void {
    const url = new URL(address)
    const exchange = this.hosts.rest(url)
    if (exchange === undefined) return
    const findings = this.of(exchange)
    if (simulated === true) findings.simulated = true
    const problem = findings.instruments.take(url, raw)
    if (problem !== null) this.problems.push(`${place}: list of markets: ${problem}`)
  }

  private frame(line: CaptureLine, number: number, pass: FilePass): void {
    const speaker = this.hosts.stream(line.url)
    if (speaker === null) return
    const findings = this.of(speaker.exchange)
    if (line.simulated === true) findings.simulated = true
    if (speaker.is_read) pass.take(line, number, speaker.exchange, findings.scout)
  }

  private of(exchange: Exchange): Findings {
    const known = this.findings.get(exchange)
    if (known !== undefined) return known
    const findings = new Findings(exchange)
    this.findings.set(exchange, findings)
    return findings
  }
}

/** One file's connections and times. */
class FilePass {
  private readonly file_index: number
  private readonly connections = new Connections()
  private readonly found = new Map<Occurrence, { found: Found; read: (frame: Buffer) => void }>()
  private lines = 0
  /** known from the first line on that has a time */
  private start_ms = Number.NaN
  private time: FileTime | null = null

  constructor(file_index: number) {
    this.file_index = file_index
  }

  /** A line with this time comes. */
  count(ts: number | null): void {
    if (this.time === null && ts !== null) {
      this.start_ms = startOf(ts, this.lines)
      this.time = new FileTime(ts)
    }
    this.time?.of(ts)
    this.lines++
  }

  take(line: CaptureLine, number: number, exchange: Exchange, scout: Scout): void {
    const occurrence = this.connections.of(line)
    const place = { file_index: this.file_index, number }
    let known = this.found.get(occurrence)
    if (known === undefined) {
      known = this.begin(occurrence, exchange, scout, place)
      this.found.set(occurrence, known)
    }
    if (line.dir !== 'in') return
    known.found.last = place
    known.read(bytesOf(line))
  }

  private begin(occurrence: Occurrence, exchange: Exchange, scout: Scout, last: LinePlace) {
    const { key, ordinal, opened } = occurrence
    const markets = new Set<string>()
    const start_ms = this.time?.now_ms ?? Number.NaN
    const found: Found = { exchange, key, ordinal, fresh: opened, markets, start_ms, last }
    const read = scout.listen((market, snapshot) => {
      if (markets.size === 0 && snapshot) found.fresh = true
      markets.add(market)
    })
    return { found, read }
  }

  finish(after_ms: number): FoundFile {
    const untimed_file = untimed(after_ms, this.lines)
    const start_ms = this.time === null ? untimed_file.start_ms : this.start_ms
    const end_ms = this.time === null ? untimed_file.end_ms : this.time.now_ms
    const connections = [...this.found.values()].map(({ found }) => found)
    // what stood before the first time begins with the file
    for (const found of connections) {
      if (Number.isNaN(found.start_ms)) found.start_ms = start_ms
    }
    return { start_ms, end_ms, connections }
  }
}
