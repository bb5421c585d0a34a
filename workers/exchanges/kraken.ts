/**
 * Kraken spot, WebSocket v2: `book` with a CRC32 of the ten best levels on every message.
 * Prices and sizes are JSON numbers whose trailing zeros matter, so they are read as text.
 * https://docs.kraken.com/api/docs/websocket-v2/book
 */
import type { Market } from '../../shared/market.ts'
import { BookUpdate, type Levels } from '../book/update.ts'
import {
  type Exchange,
  FrameError,
  type FrameHandler,
  type FrameReader,
  type MarketTable,
} from './exchange.ts'
import { FastReader } from './fast.ts'
import { stepOfDecimals, stepText, symbolOf } from './instruments.ts'
import {
  array,
  integer,
  type JsonObject,
  type JsonValue,
  located,
  object,
  parseJson,
  pushLevel,
  shown,
  text,
  time,
  timeOrNaN,
} from './json.ts'
import { krakenAsset, krakenAssets } from './kraken-assets.ts'
import { KrakenChecksum } from './kraken-checksum.ts'
import { krakenTakerPercent } from './kraken-fees.ts'
import { KrakenScanner } from './kraken-scan.ts'

const SUBSCRIBED_DEPTH = 25
const LEGAL_DEPTHS = [10, 25, 100, 500, 1000] as const
/** how frames begin that say which pairs trade */
const INSTRUMENT = Buffer.from('{"channel":"instrument"')
/** a refusal of it refuses no market: the list of pairs tells the same, later */
const INSTRUMENT_REQUEST = 1

class KrakenReader implements FrameReader {
  /** one per entry of `data`: nothing is handed over before the whole frame is known to be good */
  private readonly updates = [new BookUpdate()]
  private readonly acked_depths = new Map<string, number>()
  private readonly markets: MarketTable

  constructor(markets: MarketTable) {
    this.markets = markets
  }

  read(frame: Buffer, handler: FrameHandler): 'book' | 'control' | 'ignored' {
    if (frame.subarray(0, INSTRUMENT.length).equals(INSTRUMENT))
      return this.instruments(frame, handler)
    const message = object(parseJson(frame, keepDigits), 'frame')
    if (message.channel === 'book') return this.books(message, handler)
    if (message.channel === 'status') return this.status(message, handler)
    if (message.channel === 'heartbeat') return 'control'
    if (message.method === 'pong') return this.pong(message, handler)
    if (message.method === 'subscribe') return this.ack(message, handler)
    return message.method === undefined ? 'ignored' : 'control'
  }

  private books(message: JsonObject, handler: FrameHandler): 'book' | 'ignored' {
    const snapshot = isSnapshot(message.type)
    let count = 0
    for (const item of array(message.data, 'data')) {
      const entry = object(item, 'data')
      const symbol = text(entry.symbol, 'symbol')
      const market = this.markets.find(symbol)
      if (market < 0) continue
      const update = this.updates[count] ?? new BookUpdate()
      this.updates[count++] = update
      located(market, () => decode(update, entry, market, snapshot))
      if (snapshot) update.depth = this.window(symbol, update)
    }
    for (let i = 0; i < count; i++) handler.book(this.updates[i] as BookUpdate)
    return count > 0 ? 'book' : 'ignored'
  }

  /** Levels a side that Kraken keeps for us: it sends no deletes for what leaves this window. */
  private window(symbol: string, update: BookUpdate): number {
    const most = Math.max(update.bids.count, update.asks.count)
    const holds = LEGAL_DEPTHS.find((depth) => depth >= most)
    if (holds === undefined) throw new FrameError(`snapshot of ${most} levels`, update.market)
    return Math.max(holds, this.acked_depths.get(symbol) ?? 0)
  }

  /** "system: online | cancel_only | maintenance | post_only"; only online matches orders */
  private status(message: JsonObject, handler: FrameHandler): 'control' {
    const status = object(array(message.data, 'data')[0], 'status')
    const system = text(status.system, 'system')
    handler.system(system === 'online' ? 'online' : 'maintenance', system)
    return 'control'
  }

  /** All pairs at first, then those that change. No digits to keep: it is read as it is. */
  private instruments(frame: Buffer, handler: FrameHandler): 'control' {
    const { data } = object(parseJson(frame), 'frame')
    const { pairs } = object(data, 'data')
    const states = (pairs === undefined ? [] : array(pairs, 'pairs'))
      .map((pair) => object(pair, 'pair'))
      .map((pair) => ({ symbol: text(pair.symbol, 'symbol'), open: pair.status === 'online' }))
    for (const { symbol, open } of states) {
      if (this.markets.find(symbol) >= 0) handler.trading(symbol, open)
    }
    return 'control'
  }

  /** "time_in: when the request was received on the wire; time_out: when the response was sent" */
  private pong(message: JsonObject, handler: FrameHandler): 'control' {
    const sent_ms = message.req_id
    const came_ms = timeOrNaN(message.time_in)
    const left_ms = timeOrNaN(message.time_out)
    const told = !Number.isNaN(came_ms) && !Number.isNaN(left_ms)
    if (typeof sent_ms === 'number' && told) handler.pong?.({ sent_ms, came_ms, left_ms })
    return 'control'
  }

  /** One answer per symbol. */
  private ack(message: JsonObject, handler: FrameHandler): 'control' {
    if (message.success === true) {
      const result = object(message.result, 'result')
      if (result.channel !== 'book') return 'control'
      const symbol = text(result.symbol, 'symbol')
      if (result.depth !== undefined) this.acked_depths.set(symbol, integer(result.depth, 'depth'))
      handler.subscribed(symbol)
    } else if (message.req_id !== INSTRUMENT_REQUEST) {
      const market = typeof message.symbol === 'string' ? message.symbol : null
      handler.refused(market, text(message.error, 'error'))
    }
    return 'control'
  }
}

function decode(update: BookUpdate, entry: JsonObject, market: number, snapshot: boolean): void {
  update.reset()
  update.market = market
  update.snapshot = snapshot
  update.checksum = integer(entry.checksum, 'checksum')
  update.exchange_time_ms = timeOrNaN(entry.timestamp)
  pushLevels(update, update.bids, entry.bids)
  pushLevels(update, update.asks, entry.asks)
}

function pushLevels(update: BookUpdate, side: Levels, value: JsonValue | undefined): void {
  for (const item of array(value, 'levels')) {
    const level = object(item, 'level')
    pushLevel(update, side, level.price, level.qty)
  }
}

function isSnapshot(type: unknown): boolean {
  if (type === 'snapshot') return true
  if (type === 'update') return false
  throw new FrameError(`type: ${shown(type)}`)
}

/** JSON.parse drops trailing zeros and the checksum needs them: these two stay text. */
function keepDigits(key: string, value: unknown, context: { readonly source: string }): unknown {
  if (typeof value !== 'number' || (key !== 'price' && key !== 'qty')) return value
  return plainDigits(context.source)
}

/** "1.5e-7" → "0.00000015": very small numbers may be printed with an exponent. */
function plainDigits(source: string): string {
  const parts = /^(\d+)(?:\.(\d+))?[eE]-(\d{1,2})$/.exec(source)
  if (parts === null) return source
  const [, whole = '', fraction = '', exponent = '0'] = parts
  const digits = whole.padStart(Number(exponent) + 1, '0')
  const point = digits.length - Number(exponent)
  return `${digits.slice(0, point)}.${digits.slice(point)}${fraction}`
}

function parsePair(name: string, pair: JsonObject): Market {
  const [base, quote] = text(pair.wsname, `${name}.wsname`).split('/').map(krakenAsset)
  if (!base || !quote) throw new FrameError(`wsname: ${shown(pair.wsname)}`)
  const price_step =
    pair.tick_size === undefined
      ? stepOfDecimals(integer(pair.pair_decimals, 'pair_decimals'))
      : stepText(pair.tick_size, 'tick_size')
  return {
    exchange: 'kraken',
    symbol: symbolOf(base, quote),
    market: `${base}/${quote}`,
    base: base.toUpperCase(),
    quote: quote.toUpperCase(),
    price_step,
    size_step: stepOfDecimals(integer(pair.lot_decimals, 'lot_decimals')),
    minimum_size: stepText(pair.ordermin ?? '0', 'ordermin'),
    minimum_notional: stepText(pair.costmin ?? '0', 'costmin'),
    taker_fee_percent: krakenTakerPercent(base, quote, firstTierFee(pair)),
    trading: pair.status === 'online',
  }
}

/** `fees` is the pair's taker schedule: [[30-day volume, percent], …] from the lowest tier. */
function firstTierFee(pair: JsonObject): string | undefined {
  if (pair.fees === undefined) return undefined
  const tier = array(pair.fees, 'fees')[0]
  return tier === undefined ? undefined : stepText(array(tier, 'fee tier')[1], 'fee')
}

function parseInstruments(body: string): Market[] {
  const answer = object(parseJson(body), 'AssetPairs')
  const errors = array(answer.error, 'error')
  if (errors.length > 0) throw new FrameError(errors.map(shown).join(', '))
  return Object.entries(object(answer.result, 'result'))
    .map(([name, pair]) => [name, object(pair, name)] as const)
    .filter(([, pair]) => isOwnSpotPair(pair))
    .map(([name, pair]) => parsePair(name, pair))
}

function parseTime(body: string): number {
  const result = object(object(parseJson(body), 'Time').result, 'result')
  return time(integer(result.unixtime, 'unixtime') * 1_000, 'unixtime')
}

/** Shares are the only names with a small letter: AAPLx/USD. */
const XSTOCK = /^[A-Z0-9.]+x\//

/** Not a dark pool (no wsname), not routed to another venue, not a tokenised stock. */
function isOwnSpotPair(pair: JsonObject): boolean {
  return (
    typeof pair.wsname === 'string' &&
    !pair.wsname.includes(':') &&
    (pair.execution_venue ?? 'international') === 'international' &&
    pair.aclass_base !== 'tokenized_asset' &&
    !XSTOCK.test(pair.wsname)
  )
}

const request = (method: string, markets: readonly string[], more: object) => [
  JSON.stringify({
    method,
    params: { channel: 'book', symbol: markets, depth: SUBSCRIBED_DEPTH, ...more },
  }),
]

export const kraken: Exchange = {
  id: 'kraken',
  name: 'Kraken',
  websocket_url: 'wss://ws.kraken.com/v2',
  rest_url: 'https://api.kraken.com',
  hosts: ['ws.kraken.com', 'api.kraken.com'],
  stream_paths: ['/v2'],
  limits: {
    // the exchange's limit is dynamic ("Exceeded msg rate")
    frames_per_second: 5,
    markets_per_frame: 50,
    markets_per_connection: 150,
    // about 150 in a rolling 10 minutes per address, then a ban: half is left to a standby
    connects: { count: 75, window_ms: 600_000 },
    // about 5 seconds between attempts are asked for during maintenance
    redial_ms: 5_000,
    // public requests: about one a second per address
    rest: { weight: 5, window_ms: 10_000 },
    largest_frame_bytes: 4 << 20,
  },
  // a heartbeat comes each second when nothing else does
  keepalive: {
    idle_ms: 5_000,
    answer_ms: 10_000,
    quiet_ms: 120_000,
    // no ids show that a change is missing, and REST answers too rarely to audit by
    unusual_silence: { times_usual: 100, least_ms: 20_000 },
    // a connection with no subscription and no ping is closed after about a minute; the pongs are
    // also how the exchange tells its clock to less than a second
    ping: {
      every_ms: 10_000,
      frame: (now_ms) => JSON.stringify({ method: 'ping', req_id: Math.floor(now_ms) }),
    },
  },
  fees: {
    taker_percent: '0.8',
    source: 'https://www.kraken.com/features/fee-schedule',
    as_of: '2026-07-26',
  },
  instruments: {
    paths: ['/0/public/AssetPairs'],
    parse: (bodies) => bodies.flatMap(parseInstruments),
  },
  time: {
    path: '/0/public/Time',
    parse: parseTime,
    // whole seconds
    resolution_ms: 1_000,
  },
  continuity: 'checksum',
  assets: krakenAssets,
  hello: () => [
    JSON.stringify({
      method: 'subscribe',
      params: { channel: 'instrument', include_tokenized_assets: false },
      req_id: INSTRUMENT_REQUEST,
    }),
  ],
  subscribe: (markets) => request('subscribe', markets, { snapshot: true }),
  unsubscribe: (markets) => request('unsubscribe', markets, {}),
  reader: (markets) => new FastReader(new KrakenScanner(markets), new KrakenReader(markets)),
  checksum: () => new KrakenChecksum(),
}
