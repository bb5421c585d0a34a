/**
 * Subscriptions in words, and between the shape that a form has and the one that the API takes. Pure.
 * It judges no address and no filter: the API does, and names the field.
 */
import type { EventType } from '../../../shared/event.ts'
import { duration, elapsed, usd } from '../../../shared/figures.ts'
import type { Criteria } from '../../../shared/passes.ts'
import type { Problem } from '../../../shared/problem.ts'
import type {
  AttemptResult,
  DisabledReason,
  NewWebhook,
  Webhook,
  WebhookFormat,
} from '../../../shared/webhook.ts'
import { FILTERS } from './filters.ts'
import { feePercent } from './format.ts'

/** Complete by their types. */
export const EVENTS: Record<EventType, string> = {
  'opportunity.detected': 'Detected',
  'opportunity.updated': 'Updated',
  'opportunity.expired': 'Expired',
  'opportunity.measured': 'Measured, with its markouts',
  'exchange.status': 'State of an exchange',
}

export const FORMATS: Record<WebhookFormat, string> = {
  standard: 'Signed JSON',
  slack: 'Slack',
  discord: 'Discord',
  telegram: 'Telegram',
}

export const RESULTS: Record<AttemptResult, { words: string; tone: string }> = {
  success: { words: 'delivered', tone: 'good' },
  failure: { words: 'failed', tone: 'bad' },
  expired: { words: 'too late', tone: 'bad' },
  missed: { words: 'missed, was off', tone: 'waiting' },
}

const OFF_BECAUSE: Record<DisabledReason, string> = {
  owner: 'Off',
  failing: 'Off: it failed for days',
  gone: 'Off: it answered 410 Gone',
}

export function stateOf(webhook: Webhook, now_ms: number): { words: string; tone: string } {
  const { enabled, disabled_reason, failing_since } = webhook
  if (!enabled) return { words: OFF_BECAUSE[disabled_reason ?? 'owner'], tone: 'waiting' }
  if (failing_since === null) return { words: 'On', tone: 'good' }
  return { words: `Failing for ${elapsed(now_ms - Date.parse(failing_since))}`, tone: 'bad' }
}

/** The path of an address may be a secret: only where it goes is shown in a list. */
export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url
}

/** "BTC/USDT · on kraken · at least 0.80% net", or that everything is wanted. */
export function filterWords(filters: Criteria, exchangeName: (id: string) => string): string {
  const { type, symbol, exchange, buy_exchange, sell_exchange, transfer } = filters
  const { min_profit_percent, min_volume_usd } = filters
  const words = [
    type?.replaceAll('_', ' '),
    symbol,
    exchange && `on ${exchangeName(exchange)}`,
    buy_exchange && `bought on ${exchangeName(buy_exchange)}`,
    sell_exchange && `sold on ${exchangeName(sell_exchange)}`,
    min_profit_percent && `at least ${feePercent(min_profit_percent)}% net`,
    min_volume_usd && `at least ${usd(min_volume_usd)}`,
    transfer && `transfer ${transfer}`,
  ].filter((one) => one !== undefined && one !== '')
  return words.length === 0 ? 'everything' : words.join(' · ')
}

export function intervalWords(min_interval_ms: number): string {
  return min_interval_ms === 0
    ? 'every one'
    : `at most one for the same chain in ${duration(min_interval_ms)}`
}

/** What the fields of the form hold: text, as it was typed. */
export interface WebhookForm {
  readonly url: string
  readonly format: WebhookFormat
  readonly event_types: readonly EventType[]
  readonly min_interval_s: string
  readonly filters: Readonly<Partial<Record<keyof Criteria, string>>>
}

export const EMPTY_FORM: WebhookForm = {
  url: '',
  format: 'standard',
  event_types: ['opportunity.detected'],
  min_interval_s: '0',
  filters: {},
}

export function formOf(webhook: Webhook): WebhookForm {
  const { url, format, event_types, min_interval_ms, filters } = webhook
  const given = FILTERS.flatMap((name) => {
    const value = filters[name]
    return value === undefined ? [] : [[name, value]]
  })
  return {
    url,
    format,
    event_types,
    min_interval_s: String(min_interval_ms / 1_000),
    filters: Object.fromEntries(given),
  }
}

/** As the API takes it; what it cannot be is left for the API to refuse. */
export function bodyOf(form: WebhookForm): Omit<NewWebhook, 'enabled' | 'filters'> & {
  filters: Record<string, string>
} {
  const filters = Object.entries(form.filters).flatMap(([name, value]) => {
    const text = value?.trim() ?? ''
    return text === '' ? [] : [[name, text]]
  })
  return {
    url: form.url.trim(),
    format: form.format,
    event_types: [...form.event_types],
    min_interval_ms: Math.round(Number(form.min_interval_s.replace(',', '.')) * 1_000),
    filters: Object.fromEntries(filters),
  }
}

/** What was expected of each field that the API refused, by the field's own last name. */
export function refusedFields(problem: Problem | null): ReadonlyMap<string, string> {
  const errors = problem?.errors ?? []
  return new Map(errors.map(({ field, expected }) => [field.replace(/^.*\./, ''), expected]))
}
