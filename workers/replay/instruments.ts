/**
 * Lists of markets out of recorded REST answers. A list that the adapter cannot read as a whole is
 * read entry by entry: an old recording may lack a field for some markets, and only those are then
 * left to be inferred from the frames.
 */
import type { Market } from '../../shared/market.ts'
import { type Exchange, FrameError } from '../exchanges/exchange.ts'
import type { JsonValue } from '../exchanges/json.ts'

export class Instruments {
  private readonly exchange: Exchange
  private readonly paths: readonly string[]
  private readonly bodies = new Map<string, string>()
  private readonly markets = new Map<string, Market>()

  constructor(exchange: Exchange) {
    this.exchange = exchange
    this.paths = exchange.instruments.paths.map((path) => new URL(path, exchange.rest_url).pathname)
  }

  /** One REST answer of the exchange, whatever it is. Returns what was wrong with a list. */
  take(url: URL, body: string): string | null {
    if (!this.paths.includes(url.pathname)) return null
    this.bodies.set(url.pathname, body)
    const bodies = this.paths.map((path) => this.bodies.get(path))
    if (!bodies.every((known) => known !== undefined)) return null
    const { markets, problem } = parseList(this.exchange, bodies)
    // the first list that names a market is the one that the recording began with
    for (const market of markets) {
      if (!this.markets.has(market.market)) this.markets.set(market.market, market)
    }
    return problem
  }

  get(market: string): Market | undefined {
    return this.markets.get(market)
  }
}

function parseList(
  exchange: Exchange,
  bodies: readonly string[],
): { readonly markets: readonly Market[]; readonly problem: string | null } {
  const parse = (documents: readonly string[]): Market[] | string => {
    try {
      return exchange.instruments.parse(documents)
    } catch (error) {
      if (error instanceof FrameError) return error.message
      throw error
    }
  }
  const whole = parse(bodies)
  if (typeof whole !== 'string') return { markets: whole, problem: null }
  const single = bodies.length === 1 ? bodies.flatMap(entries) : []
  const markets = single.map((body) => parse([body])).filter((list) => typeof list !== 'string')
  return { markets: markets.flat(), problem: whole }
}

/** The same document as often as its list has entries, each time with only one of them. */
function entries(body: string): string[] {
  let document: JsonValue
  try {
    document = JSON.parse(body)
  } catch {
    return []
  }
  const list = longestList(document, (single) => single)
  if (list === null) return []
  return list.singles.map((single) => JSON.stringify(list.rebuild(single)))
}

interface List {
  /** each holds one entry */
  readonly singles: readonly JsonValue[]
  /** characters of the whole list */
  readonly length: number
  readonly rebuild: (single: JsonValue) => JsonValue
}

/** The list of objects that is the longest text: a list of markets dwarfs whatever is beside it. */
function longestList(value: JsonValue, rebuild: List['rebuild']): List | null {
  if (typeof value !== 'object' || value === null) return null
  const children = Object.entries(value)
  if (children.length > 0 && children.every(([, child]) => isRecord(child))) {
    const singles = Array.isArray(value)
      ? value.map((entry) => [entry])
      : children.map(([name, entry]) => ({ [name]: entry }))
    return { singles, length: JSON.stringify(value).length, rebuild }
  }
  if (Array.isArray(value)) return null
  const lists = children.flatMap(([name, child]) =>
    child === undefined
      ? []
      : (longestList(child, (single) => rebuild({ ...value, [name]: single })) ?? []),
  )
  return lists.sort((a, b) => b.length - a.length)[0] ?? null
}

function isRecord(value: JsonValue | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
