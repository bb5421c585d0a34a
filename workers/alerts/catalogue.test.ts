/** The index against the slow way: every endpoint asked about every event, after random changes. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EVENT_TYPES, type Event } from '../../shared/event.ts'
import { detected, exchangeStatus } from '../publish/testing.ts'
import { Catalogue } from './catalogue.ts'
import { type Endpoint, wants } from './endpoint.ts'

const symbol = fc.constantFrom('BTC/USDT', 'ETH/USDT', 'SOL/USD')
const exchange = fc.constantFrom('binance', 'bybit', 'kraken')

const endpoint: fc.Arbitrary<Endpoint> = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  key_id: fc.constantFrom(null, 'key_1', 'key_2'),
  url: fc.constant('https://example.com'),
  event_types: fc.uniqueArray(fc.constantFrom(...EVENT_TYPES), { minLength: 1 }),
  filters: fc.record({ symbol, exchange }, { requiredKeys: [] }),
  format: fc.constant('standard' as const),
  min_interval_ms: fc.constant(0),
  enabled: fc.boolean(),
  secret: fc.constant(''),
  previous_secret: fc.constant(null),
  previous_secret_until: fc.constant(null),
  failing_since: fc.constant(null),
})

const event: fc.Arbitrary<Event> = fc
  .record({ type: fc.constantFrom(...EVENT_TYPES), symbol, exchange })
  .map(({ type, symbol, exchange }) => {
    if (type === 'exchange.status') return { ...exchangeStatus(exchange, true), id: '1-0' } as Event
    const { data } = detected('a')
    return { id: '1-0', type, timestamp: '', data: { ...data, symbol } } as Event
  })

const change = fc.oneof(
  fc.record({ put: endpoint }),
  fc.record({ remove: fc.constantFrom('a', 'b', 'c') }),
)

it('finds exactly those that want an event', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), fc.array(event), (changes, events) => {
      const catalogue = new Catalogue()
      const all = new Map<string, Endpoint>()
      for (const one of changes) {
        if ('put' in one) {
          catalogue.put(one.put)
          all.set(one.put.id, one.put)
        } else {
          catalogue.remove(one.remove)
          all.delete(one.remove)
        }
      }
      expect(catalogue.ids().toSorted()).toEqual([...all.keys()].toSorted())
      for (const one of events) {
        const expected = [...all.values()].filter(
          (endpoint) => endpoint.event_types.includes(one.type) && wants(endpoint, one),
        )
        const ids = (endpoints: Endpoint[]) => endpoints.map(({ id }) => id).toSorted()
        expect(ids(catalogue.wanting(one))).toEqual(ids(expected))
      }
    }),
  )
})
