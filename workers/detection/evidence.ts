/** Writes a settled chain down as the candidate that is published: exact strings, nothing rounded up. */
import { timestamp } from '../../shared/clock.ts'
import {
  type Decimal,
  floorToScale,
  format,
  fromNumber,
  multiply,
  ONE,
  profitPercent,
  subtract,
} from '../../shared/decimal.ts'
import { averagePrice } from '../../shared/evidence.ts'
import type { Leg, OpportunityType, TransferNetwork } from '../../shared/opportunity.ts'
import type { Candidate } from './candidate.ts'
import { unitsGiven, unitsReceived } from './chain.ts'
import { skew_ms } from './guards.ts'
import type { Fill, Settled, SettledLeg } from './settle.ts'
import type { Transfer } from './transfers.ts'

export interface CandidateFrame {
  readonly key: string
  readonly type: OpportunityType
  readonly depth_exhausted: boolean
  readonly simulated: boolean
  /** the leg that sells what the first one buys; the last of the chain for a cycle */
  readonly sell_leg: number
  /** US dollars for one coin of the asset the chain begins with */
  readonly usd_rate: number
  /** monotonic clock, ms */
  readonly now_ms: number
  /** whether what the legs receive can be moved on */
  readonly moves: Transfer
}

const DOLLAR_DECIMALS = 2
const USD_RATE_DECIMALS = 8

export function candidateOf(settled: Settled, frame: CandidateFrame): Candidate {
  const [first, last] = [settled.legs[0], settled.legs[frame.sell_leg]]
  if (first === undefined || last === undefined) throw new RangeError('a chain has legs')
  const { amount_in, amount_out } = settled
  const usd_rate = fromNumber(frame.usd_rate, USD_RATE_DECIMALS)
  const { transfer, networks } = frame.moves
  const written = settled.legs.map((leg, i) => legEvidence(leg, frame.now_ms, networks[i] ?? []))
  let legs: Leg[] | undefined
  return {
    key: frame.key,
    type: frame.type,
    symbol: first.leg.entry.market.symbol,
    buy_exchange: first.leg.entry.market.exchange,
    sell_exchange: last.leg.entry.market.exchange,
    buy_price: average(first),
    sell_price: average(last),
    gross_percent: grossPercent(settled.legs),
    profit_percent: profitPercent(amount_in, amount_out),
    profit_usd: dollars(subtract(amount_out, amount_in), usd_rate),
    volume_usd: dollars(amount_in, usd_rate),
    base_size: format(first.order_size),
    depth_exhausted: frame.depth_exhausted,
    transfer,
    skew_ms: Math.round(skew_ms(settled.legs.map(({ leg }) => leg))),
    simulated: frame.simulated,
    get legs() {
      legs ??= written.map((write) => write())
      return legs
    },
  }
}

/**
 * Notes down what the book says now, and returns what writes it out: most candidates only take the
 * place of the one before and are never told.
 */
function legEvidence(
  settled: SettledLeg,
  now_ms: number,
  networks: readonly TransferNetwork[],
): () => Leg {
  const { market, book, confirmed_ms } = settled.leg.entry
  const { last_id, exchange_time_ms, price_decimals, size_decimals } = book
  const { fee, base_units, quote_units } = settled.leg
  if (fee === null) throw new RangeError(`${market.market} has no fee`)
  return () => ({
    exchange: market.exchange,
    symbol: market.symbol,
    market: market.market,
    side: settled.leg.side,
    amount_in: format(settled.amount_in),
    amount_out: format(settled.amount_out),
    order_size: format(settled.order_size),
    average_price: average(settled),
    worst_price: format((settled.fills.at(-1) as Fill).price, price_decimals),
    levels: settled.fills.length,
    fills: settled.fills.map(({ price, size }) => [
      format(price, price_decimals),
      format(size, size_decimals),
    ]),
    fee_percent: fee.percent,
    fee_source: fee.source,
    book_age_ms: Math.max(0, Math.round(now_ms - confirmed_ms)),
    exchange_time: Number.isNaN(exchange_time_ms) ? null : timestamp(exchange_time_ms),
    sequence: Number.isNaN(last_id) ? null : String(last_id),
    ...(base_units === 1 ? {} : { base_units: String(base_units) }),
    ...(quote_units === 1 ? {} : { quote_units: String(quote_units) }),
    ...(networks.length === 0 ? {} : { transfer_networks: [...networks] }),
  })
}

function average({ leg, order_size, amount_in, gross_out }: SettledLeg): string {
  const quote = leg.side === 'buy' ? amount_in : gross_out
  return averagePrice({ quote, base: order_size }, leg.entry.book.price_decimals)
}

/** The product of what each leg gives before its fee, minus one, in percent. */
function grossPercent(legs: readonly SettledLeg[]): string {
  let [given, received]: [Decimal, Decimal] = [ONE, ONE]
  for (const settled of legs) {
    given = multiply(given, multiply(settled.amount_in, fromNumber(unitsGiven(settled.leg), 0)))
    const units = fromNumber(unitsReceived(settled.leg), 0)
    received = multiply(received, multiply(settled.gross_out, units))
  }
  return profitPercent(given, received)
}

function dollars(amount: Decimal, usd_rate: Decimal): string {
  return format(floorToScale(multiply(amount, usd_rate), DOLLAR_DECIMALS), DOLLAR_DECIMALS)
}
