import { describe, expect, it } from 'vitest'
import type { ExchangeStatus } from '../../shared/health.ts'
import { ManualClock } from '../detection/testing.ts'
import { exchangeStatus } from '../publish/testing.ts'
import { createChangeWatch } from './heartbeat.ts'
import { createProbe } from './probe.ts'

const status = (id: string, connected: boolean) =>
  exchangeStatus(id, connected).data as ExchangeStatus

describe('the watch over changes', () => {
  it('tells the first state and every change of state or connection, and nothing else', () => {
    const changes = createChangeWatch(new ManualClock())
    const ids = (statuses: ExchangeStatus[]) => changes(statuses).map(({ data }) => data.id)
    expect(ids([status('kraken', true), status('bybit', false)])).toEqual(['kraken', 'bybit'])
    expect(
      ids([{ ...status('kraken', true), messages_total: 99 }, status('bybit', false)]),
    ).toEqual([])
    expect(ids([{ ...status('kraken', true), state: 'maintenance' }])).toEqual(['kraken'])
    expect(ids([status('kraken', true), status('bybit', true)])).toEqual(['kraken', 'bybit'])
  })
})

describe('a probe', () => {
  it('keeps the last measurement and never rejects', async () => {
    let answer: () => Promise<unknown> = () => Promise.resolve()
    const probe = createProbe(new ManualClock(), () => answer())
    expect(probe.latest()).toEqual({ ok: false, latency_ms: null, error: 'not asked yet' })
    await probe.measure()
    expect(probe.latest()).toEqual({ ok: true, latency_ms: 0, error: null })
    answer = () => Promise.reject(new AggregateError([new Error('one'), new Error('two')]))
    await probe.measure()
    expect(probe.latest()).toEqual({ ok: false, latency_ms: null, error: 'one; two' })
    answer = () => Promise.reject(new Error('redis://u:hunter2@h refused'))
    expect((await probe.measure()).error).toBe('redis://***@h refused')
  })

  it('gives up on a store that does not answer', async () => {
    const probe = createProbe(new ManualClock(), () => new Promise(() => {}))
    expect((await probe.measure()).error).toContain('no answer within')
  })
})
