/**
 * An opportunity in words: what to buy where and what to sell where, or the route of a cycle, what it
 * brings and how old the news is; of one that is over, how it ended and what was left for others.
 */
import type { Event } from '../../../shared/event.ts'
import { duration, usd } from '../../../shared/figures.ts'
import type { ExpiryReason, Leg, Opportunity } from '../../../shared/opportunity.ts'
import { amount, percent, price } from './figures.ts'
import type { Context, Fact, Message } from './message.ts'
import { nameOf } from './names.ts'

type OpportunityEvent = Exclude<Event, { type: 'exchange.status' }>

const ENDED: Readonly<Record<ExpiryReason, string>> = {
  closed: 'the gap closed',
  stale: 'a book went stale',
  halted: 'a market was halted',
  gap: 'a book lost continuity',
  disconnected: 'an exchange disconnected',
  shutdown: 'the detector was shut down',
}

/** More legs than any chain has; a message is not the place for a longer one. */
const LEGS_MAX = 6

export function aboutOpportunity(
  event: OpportunityEvent,
  { dashboard_url, now_ms }: Context,
): Message {
  const { data } = event
  const marked = data.simulated ? `SIMULATED · ${headlineOf(event)}` : headlineOf(event)
  const simulation: Fact = { label: 'Simulated', value: 'sandbox prices, not a real market' }
  const is_over = data.status === 'expired'
  return {
    headline: marked,
    facts: [
      ...(data.simulated ? [simulation] : []),
      ...routeOf(data),
      ...resultOf(event),
      ...(is_over ? endOf(data) : [{ label: 'Age', value: ageOf(data, now_ms) }]),
      ...markoutsOf(data),
    ],
    tone: is_over ? 'neutral' : 'good',
    link:
      dashboard_url === null
        ? null
        : { text: 'Evidence', url: evidenceUrl(dashboard_url, data.id) },
  }
}

/** The page that shows every fill of it. */
function evidenceUrl(dashboard_url: string, id: string): string {
  const url = new URL(dashboard_url)
  url.searchParams.set('open', id)
  return url.href
}

function headlineOf({ type, data }: OpportunityEvent): string {
  const name = data.type === 'cross_exchange' ? data.symbol : assetsOf(data).join(' → ')
  const net = percent(data.profit_percent)
  switch (type) {
    case 'opportunity.detected':
      return `${name} ${net} net`
    case 'opportunity.updated':
      return `${name} now ${net} net`
    case 'opportunity.measured':
      return `${name} measured, was ${percent(data.peak_profit_percent)} net at best`
    case 'opportunity.expired':
      return `${name} over after ${duration(data.duration_ms ?? 0)}, was ${percent(data.peak_profit_percent)} net at best`
  }
}

function routeOf(data: Opportunity): Fact[] {
  const [first] = data.legs
  const last = data.legs.at(-1)
  if (data.type !== 'cross_exchange' || first === undefined || last === undefined) {
    return data.legs.slice(0, LEGS_MAX).map((leg, i) => ({
      label: `${i + 1}. ${leg.side}`,
      value: `${leg.symbol} on ${nameOf(leg.exchange)} at ${price(leg.average_price, leg.side)}`,
    }))
  }
  return [
    { label: 'Buy', value: sideOf(data.buy_exchange, data.buy_price, first) },
    { label: 'Sell', value: sideOf(data.sell_exchange, data.sell_price, last) },
  ]
}

/** "Kraken at 63,388.10 USD" */
function sideOf(exchange: string, average: string, leg: Leg): string {
  return `${nameOf(exchange)} at ${price(average, leg.side)} ${quoteOf(leg.symbol)}`
}

function resultOf({ type, data }: OpportunityEvent): Fact[] {
  const [first] = data.legs
  const asset = first === undefined ? '' : ` ${baseOf(first.symbol)}`
  return [
    ...moreThanHeadline(type, data),
    { label: 'Size', value: `${amount(data.base_size)}${asset} (${usd(data.volume_usd)})` },
    { label: 'Profit', value: usd(data.profit_usd) },
    ...(data.transfer === 'unknown' ? [] : [{ label: 'Transfer', value: data.transfer }]),
  ]
}

/** The headline says what it is now, or, of one that is over, what it was at best: here is the other. */
function moreThanHeadline(type: OpportunityEvent['type'], data: Opportunity): Fact[] {
  if (type === 'opportunity.detected') return []
  if (type !== 'opportunity.updated') {
    return [{ label: 'Last', value: `${percent(data.profit_percent)} net` }]
  }
  return [{ label: 'Peak', value: `${percent(data.peak_profit_percent)} net` }]
}

function ageOf(data: Opportunity, now_ms: number): string {
  return `found ${duration(now_ms - Date.parse(data.detected_at))} ago`
}

function endOf({ duration_ms, expiry_reason }: Opportunity): Fact[] {
  const why = expiry_reason === null ? 'it ended' : ENDED[expiry_reason]
  const lasted = duration_ms === null ? '' : ` after ${duration(duration_ms)}`
  return [{ label: 'Ended', value: `${why}${lasted}` }]
}

/** What a taker would have made who came later; nothing while nothing is known. */
function markoutsOf({ markouts }: Opportunity): Fact[] {
  const known = markouts.flatMap(({ after_ms, profit_percent }) =>
    profit_percent === null ? [] : [`${percent(profit_percent)} after ${duration(after_ms)}`],
  )
  return known.length === 0 ? [] : [{ label: 'Left', value: known.join(', ') }]
}

/** What is held from leg to leg: USDT → BTC → ETH → USDT. */
function assetsOf({ legs }: Opportunity): string[] {
  const [first] = legs
  const received = legs
    .slice(0, LEGS_MAX)
    .map((leg) => (leg.side === 'buy' ? baseOf : quoteOf)(leg.symbol))
  return first === undefined
    ? []
    : [(first.side === 'buy' ? quoteOf : baseOf)(first.symbol), ...received]
}

function baseOf(symbol: string): string {
  return symbol.split('/')[0] ?? symbol
}

function quoteOf(symbol: string): string {
  return symbol.split('/')[1] ?? ''
}
