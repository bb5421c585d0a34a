import { describe, expect, it } from 'vitest'
import type { Clock } from '../shared/clock.ts'
import { silentLog } from '../shared/log.ts'
import { Selection } from './selection.ts'
import { type SessionOptions, sessionBody } from './session.ts'
import { opportunity } from './testing/opportunities.ts'
import type { Item } from './upstream.ts'

const item = (id: string, symbol = 'BTC/USDT'): Item => ({
  kind: 'event',
  event: {
    id,
    type: 'opportunity.detected',
    timestamp: opportunity().detected_at,
    data: opportunity({ symbol }),
  },
})

/** A session over items, then silence; `stopped` tells whether it let go of its source. */
function session(items: readonly (Item | Error)[], changes: Partial<SessionOptions> = {}) {
  const state = { stopped: false, pulled: 0 }
  async function* source(): AsyncGenerator<Item, void> {
    for (const one of items) {
      state.pulled++
      if (one instanceof Error) throw one
      yield one
    }
    await new Promise(() => {})
  }
  const body = sessionBody({
    items: source(),
    selection: new Selection({ filters: {}, types: undefined, resumed_from: null }),
    position: '1-0',
    heartbeat_ms: 60_000,
    life_ms: 60_000,
    clock: { monotonic_ms: () => performance.now(), wall_ms: () => 0 },
    log: silentLog,
    stop: () => {
      state.stopped = true
    },
    ...changes,
  })
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  return { state, reader, next: async () => (await reader.read()).value }
}

it('begins with the time to wait and the place of the reader', async () => {
  const { next } = session([])
  expect(await next()).toBe('retry: 3000\nid: 1-0\n\n')
})

it('writes an event as one frame', async () => {
  const one = item('2-0')
  const { next } = session([one])
  await next()
  const data = one.kind === 'event' ? JSON.stringify(one.event) : ''
  expect(await next()).toBe(`id: 2-0\nevent: opportunity.detected\ndata: ${data}\n\n`)
})

it('writes a reset with what is live and goes on from its place', async () => {
  const { next } = session([
    { kind: 'reset', position: '9-0', opportunities: [opportunity()] },
    item('10-0'),
  ])
  await next()
  const data = JSON.stringify({ data: [opportunity()] })
  expect(await next()).toBe(`id: 9-0\nevent: reset\ndata: ${data}\n\n`)
  expect(await next()).toMatch(/^id: 10-0\n/)
})

describe('a heartbeat', () => {
  it('comes when nothing else is sent', async () => {
    const { next } = session([], { heartbeat_ms: 20 })
    await next()
    expect(await next()).toBe(': heartbeat\n\n')
    expect(await next()).toBe(': heartbeat\n\n')
  })

  it('comes also while only unwanted events arrive, and moves the reader past them', async () => {
    let now_ms = 0
    const clock: Clock = { monotonic_ms: () => (now_ms += 10), wall_ms: () => 0 }
    const unwanted = Array.from({ length: 100 }, (_, i) => item(`${i + 2}-0`, 'ETH/USDT'))
    const filters = { symbol: 'BTC/USDT' }
    const selection = new Selection({ filters, types: undefined, resumed_from: null })
    const { next } = session(unwanted, { heartbeat_ms: 200, selection, clock })
    await next()
    const [, position] = /^: heartbeat\nid: (\d+)-0\n\n$/.exec((await next()) ?? '') ?? []
    expect(Number(position)).toBeGreaterThan(2)
    expect(Number(position)).toBeLessThan(101)
  })
})

it('ends politely after its life and lets go of its source', async () => {
  const { state, next, reader } = session([item('2-0')], { life_ms: 30 })
  await next()
  await next()
  expect(await next()).toBe(': reconnect to go on\n\n')
  expect(state.stopped).toBe(true)
  expect((await reader.read()).done).toBe(true)
})

it('ends when its source breaks, without a word about why', async () => {
  const { state, next, reader } = session([item('2-0'), new Error('secret')])
  await next()
  await next()
  expect(await reader.read()).toEqual({ done: true, value: undefined })
  expect(state.stopped).toBe(true)
})

it('lets go of its source when the reader leaves', async () => {
  const { state, next, reader } = session([])
  await next()
  await reader.cancel()
  expect(state.stopped).toBe(true)
})

it('reads no further than its reader does', async () => {
  const many = Array.from({ length: 1_000 }, (_, i) => item(`${i + 2}-0`))
  const { state, next } = session(many)
  await next()
  await next()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(state.pulled).toBeLessThan(10)
})
