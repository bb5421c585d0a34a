/** What Advanced Trade does differently from every other protocol. */
import { describe, expect, it } from 'vitest'
import { advancedTrade } from './coinbase-advanced.ts'
import { FrameError, type FrameHandler, SequenceError } from './exchange.ts'

function recorder() {
  const calls: string[] = []
  const handler: FrameHandler = {
    book: ({ market, snapshot, bids, asks }) =>
      calls.push(`${snapshot ? 'snapshot' : 'update'} ${market} ${bids.count}/${asks.count}`),
    subscribed: (market) => calls.push(`subscribed ${market}`),
    refused: (market, reason) => calls.push(`refused ${market}: ${reason}`),
    system: () => {},
    trading: () => {},
    closing: () => {},
  }
  return { calls, handler }
}

function reading(...markets: string[]) {
  const { calls, handler } = recorder()
  const reader = advancedTrade.reader({ find: (market) => markets.indexOf(market) })
  const read = (message: object) => reader.read(Buffer.from(JSON.stringify(message)), handler)
  return { calls, read }
}

const level = (side: string, price_level: string, new_quantity: string) => ({
  side,
  event_time: '2026-04-07T14:30:00.123456Z',
  price_level,
  new_quantity,
})
const book = (sequence_num: number, ...events: object[]) => ({
  channel: 'l2_data',
  timestamp: '2026-04-07T14:30:00.123456Z',
  sequence_num,
  events,
})
const event = (product_id: string, type = 'update') => ({
  type,
  product_id,
  updates: [level('bid', '68900.00', '2.0'), level('offer', '68901.00', '')],
})
const heartbeat = (sequence_num: number) => ({
  channel: 'heartbeats',
  sequence_num,
  events: [{ heartbeat_counter: 1 }],
})

describe('the counter of a connection', () => {
  it('counts frames of every channel', () => {
    const { read, calls } = reading('BTC-USD', 'ETH-USD')
    read(book(0, event('BTC-USD', 'snapshot')))
    read({ channel: 'subscriptions', sequence_num: 1, events: [{ subscriptions: {} }] })
    read(heartbeat(2))
    read({ channel: 'news', sequence_num: 3 })
    read(book(4, event('ETH-USD')))
    expect(calls).toEqual(['snapshot 0 1/1', 'update 1 1/1'])
  })

  it('reveals a lost frame of any channel, whose ever it was', () => {
    const { read, calls } = reading('BTC-USD')
    read(heartbeat(7))
    expect(() => read(heartbeat(9))).toThrow(SequenceError)
    expect(() => read(book(5, event('BTC-USD')))).toThrow('sequence_num 5 after 9')
    expect(calls).toEqual([])
  })

  it('drops a frame that was there already', () => {
    const { read, calls } = reading('BTC-USD')
    read(book(3, event('BTC-USD')))
    expect(read(book(3, event('BTC-USD')))).toBe('ignored')
    expect(calls).toHaveLength(1)
  })

  it('goes on after a frame that could not be read', () => {
    const { read } = reading('BTC-USD')
    read(heartbeat(1))
    expect(() => read(book(2, { type: 'update', product_id: 'BTC-USD' }))).toThrow(FrameError)
    expect(read(heartbeat(3))).toBe('control')
  })
})

describe('events', () => {
  it('of several products in one frame are all handed over, or none', () => {
    const { read, calls } = reading('BTC-USD', 'ETH-USD')
    read(book(0, event('BTC-USD', 'snapshot'), event('ETH-USD')))
    expect(calls).toEqual(['snapshot 0 1/1', 'update 1 1/1'])
    const broken = { ...event('ETH-USD'), updates: [level('sell', '1', '1')] }
    expect(() => read(book(1, event('BTC-USD'), broken))).toThrow('side: sell')
    expect(calls).toHaveLength(2)
  })

  it('of a -USD product serve the -USDC twin that was asked for, where only that is watched', () => {
    const twin = reading('BTC-USDC')
    twin.read(book(0, event('BTC-USD')))
    expect(twin.calls).toEqual(['update 0 1/1'])
    const both = reading('BTC-USDC', 'BTC-USD')
    both.read(book(0, event('BTC-USD')))
    expect(both.calls).toEqual(['update 1 1/1'])
  })
})

describe('answers', () => {
  it('name what is subscribed, and refuse by name where they can', () => {
    const { read, calls } = reading('BTC-USD')
    const subscriptions = { level2: ['BTC-USD', 'X-USD'] }
    read({ channel: 'subscriptions', sequence_num: 0, events: [{ subscriptions }] })
    read({ type: 'error', message: 'invalid product: BTC-USD' })
    read({ type: 'error', message: 'rate limit exceeded' })
    expect(calls).toEqual([
      'subscribed BTC-USD',
      'refused BTC-USD: invalid product: BTC-USD',
      'refused null: rate limit exceeded',
    ])
  })
})

it('subscribes one channel to a frame, heartbeats first', () => {
  expect(advancedTrade.hello?.([])).toEqual(['{"type":"subscribe","channel":"heartbeats"}'])
  expect(advancedTrade.subscribe(['ETH-USD', 'BTC-USD'])).toEqual([
    '{"type":"subscribe","product_ids":["ETH-USD","BTC-USD"],"channel":"level2"}',
  ])
})
