import { describe, expect, it } from 'vitest'
import { EVENT_TYPES } from '../../../shared/event.ts'
import { ATTEMPT_RESULTS, NewWebhook, WEBHOOK_FORMATS } from '../../../shared/webhook.ts'
import { webhook } from '../testing/examples.ts'
import {
  bodyOf,
  EMPTY_FORM,
  EVENTS,
  FORMATS,
  filterWords,
  formOf,
  hostOf,
  RESULTS,
  refusedFields,
  stateOf,
} from './webhooks.ts'

const NOW_MS = Date.parse('2026-10-01T12:00:00.000Z')

it('has words for everything that the contract knows', () => {
  expect(Object.keys(EVENTS).sort()).toEqual([...EVENT_TYPES].sort())
  expect(Object.keys(FORMATS).sort()).toEqual([...WEBHOOK_FORMATS].sort())
  expect(Object.keys(RESULTS).sort()).toEqual([...ATTEMPT_RESULTS].sort())
})

describe('the form', () => {
  it('sends what the contract takes, and nothing for what is empty', () => {
    const body = bodyOf({
      ...EMPTY_FORM,
      url: ' https://example.com/hook ',
      min_interval_s: '1.5',
      filters: { symbol: ' btc/usdt ', exchange: '', min_profit_percent: '0.8' },
    })
    expect(body.filters).toEqual({ symbol: 'btc/usdt', min_profit_percent: '0.8' })
    expect(NewWebhook.parse(body)).toMatchObject({
      url: 'https://example.com/hook',
      min_interval_ms: 1_500,
      enabled: true,
      filters: { symbol: 'BTC/USDT', min_profit_percent: '0.8' },
    })
  })

  it('gives back the subscription that it was filled with', () => {
    const made = webhook({ min_interval_ms: 250, filters: { exchange: 'kraken' } })
    const { url, format, event_types, min_interval_ms, filters } = made
    expect(bodyOf(formOf(made))).toEqual({ url, format, event_types, min_interval_ms, filters })
  })

  it('knows which field was refused, and what was expected', () => {
    const errors = [
      { field: 'filters.symbol', value: 'x', expected: 'BASE/QUOTE' },
      { field: 'url', value: 'x', expected: 'an absolute URL' },
    ]
    const problem = { type: '', title: '', status: 400, detail: '', instance: '', errors }
    expect([...refusedFields(problem)]).toEqual([
      ['symbol', 'BASE/QUOTE'],
      ['url', 'an absolute URL'],
    ])
    expect(refusedFields(null).size).toBe(0)
  })
})

describe('in words', () => {
  it.each([
    [{}, { words: 'On', tone: 'good' }],
    [
      { enabled: false, disabled_reason: 'owner' },
      { words: 'Off', tone: 'waiting' },
    ],
    [{ enabled: false, disabled_reason: 'gone' }, { words: 'Off: it answered 410 Gone' }],
    [{ failing_since: '2026-10-01T11:58:30.000Z' }, { words: 'Failing for 1 m 30 s', tone: 'bad' }],
  ] as const)('the state of %j', (changes, expected) => {
    expect(stateOf(webhook(changes), NOW_MS)).toMatchObject(expected)
  })

  it('filters', () => {
    const named = (id: string) => id.toUpperCase()
    expect(filterWords({}, named)).toBe('everything')
    const filters = { symbol: 'BTC/USDT', buy_exchange: 'kraken', min_volume_usd: '5000' }
    expect(filterWords(filters, named)).toBe('BTC/USDT · bought on KRAKEN · at least $5,000.00')
  })

  it('an address without what may be secret in it', () => {
    expect(hostOf('https://hooks.slack.com/services/T0/B0/secret')).toBe('hooks.slack.com')
  })
})
