import { describe, expect, it } from 'vitest'
import type { Event } from '../../shared/event.ts'
import { Ring } from '../../shared/ring.ts'
import { Selection, type SelectionOptions } from '../../shared/selection.ts'
import { opportunity } from '../testing/opportunities.ts'
import { Frames } from './frames.ts'
import { Reader, type ReaderOptions } from './reader.ts'
import type { Replay } from './upstream.ts'

const event = (id: string, symbol = 'BTC/USDT'): Event => ({
  id,
  type: 'opportunity.detected',
  timestamp: opportunity().detected_at,
  data: opportunity({ symbol }),
})

interface Changes extends Partial<ReaderOptions> {
  readonly position?: string
  readonly filters?: SelectionOptions['filters']
}

/** A reader at 1-0 of an empty ring, on a clock that the test moves. */
function reading({ position = '1-0', filters = {}, ...changes }: Changes = {}) {
  const state = { now_ms: 0, ended: 0 }
  const ring = changes.ring ?? new Ring('1-0', 4)
  const selection = new Selection({ filters, types: undefined, resumed_from: null })
  const reader = new Reader({
    frames: new Frames(selection, position),
    ring,
    replay: async () => null,
    clock: { monotonic_ms: () => state.now_ms, wall_ms: () => 0 },
    heartbeat_ms: 1_000,
    life_ms: 10_000,
    onEnd: () => {
      state.ended++
    },
    ...changes,
  })
  const text = reader.body.pipeThrough(new TextDecoderStream()).getReader()
  const publish = (...events: readonly Event[]) => {
    for (const one of events) {
      const previous = ring.last
      ring.push(one)
      reader.offer(one, previous)
    }
  }
  const tick = (to_ms: number) => {
    state.now_ms = to_ms
    reader.tick(to_ms, 100)
  }
  return { state, ring, reader, publish, tick, text, next: async () => (await text.read()).value }
}

it('begins with the time to wait and the place of the reader', async () => {
  expect(await reading().next()).toBe('retry: 3000\nid: 1-0\n\n')
})

it('writes an event as one frame', async () => {
  const { next, publish } = reading()
  await next()
  publish(event('2-0'))
  const data = JSON.stringify(event('2-0'))
  expect(await next()).toBe(`id: 2-0\nevent: opportunity.detected\ndata: ${data}\n\n`)
})

it('is brought up from Redis page by page and then goes on with the ring, nothing twice', async () => {
  const pages: Replay[] = [
    { kind: 'page', events: [event('2-0'), event('3-0')], position: '3-0', more: true },
    { kind: 'page', events: [event('4-0'), event('5-0')], position: '5-0', more: false },
  ]
  const ring = new Ring('4-0', 4)
  ring.push(event('5-0'))
  const { next, publish } = reading({ ring, replay: async () => pages.shift() ?? null })
  await next()
  for (const id of ['2-0', '3-0', '4-0', '5-0']) expect(await next()).toMatch(`id: ${id}\n`)
  publish(event('6-0'))
  expect(await next()).toMatch(/^id: 6-0\n/)
})

it('waits, when it is ahead of the ring, until the ring has passed it', async () => {
  const replay = async (): Promise<Replay> => {
    return { kind: 'page', events: [], position: '7-0', more: false }
  }
  const { next, publish } = reading({ position: '7-0', replay })
  await next()
  await Promise.resolve()
  publish(event('6-0'), event('7-0'), event('8-0'))
  expect(await next()).toMatch(/^id: 8-0\n/)
})

it('gets a reset with what is live when its place is gone', async () => {
  const replay = async (): Promise<Replay> => {
    return { kind: 'reset', position: '9-0', opportunities: [opportunity()] }
  }
  const { next, publish } = reading({ ring: new Ring('9-0', 4), replay })
  await next()
  const data = JSON.stringify({ data: [opportunity()] })
  expect(await next()).toBe(`id: 9-0\nevent: reset\ndata: ${data}\n\n`)
  publish(event('10-0'))
  expect(await next()).toMatch(/^id: 10-0\n/)
})

it('ends when Redis cannot bring it up: it comes back with the place it has', async () => {
  const { next, text, state } = reading({ ring: new Ring('5-0', 4) })
  await next()
  expect(await text.read()).toEqual({ done: true, value: undefined })
  expect(state.ended).toBe(1)
})

describe('a heartbeat', () => {
  it('comes when nothing else was sent, before its time is over', async () => {
    const { next, tick } = reading()
    await next()
    tick(800)
    tick(950)
    expect(await next()).toBe(': heartbeat\n\n')
    tick(1_900)
    tick(1_951)
    expect(await next()).toBe(': heartbeat\n\n')
  })

  it('moves the reader past what it did not want', async () => {
    const { next, tick, publish } = reading({ filters: { symbol: 'BTC/USDT' } })
    await next()
    publish(event('2-0', 'ETH/USDT'))
    tick(950)
    expect(await next()).toBe(': heartbeat\nid: 2-0\n\n')
  })
})

it('ends politely after its life', async () => {
  const { next, tick, text, state } = reading()
  await next()
  tick(10_000)
  expect(await next()).toBe(': reconnect to go on\n\n')
  expect((await text.read()).done).toBe(true)
  expect(state.ended).toBe(1)
})

it('lets go of its hub when the reader leaves', async () => {
  const { next, text, state } = reading()
  await next()
  await text.cancel()
  expect(state.ended).toBe(1)
})

/** How many of these events fill the buffer of one reader. */
const FULL = Math.ceil((64 * 1_024) / JSON.stringify(event('2-0')).length)

it('adds nothing for a reader that does not read, and lets it go once the ring forgot its place', async () => {
  const { publish, tick, state } = reading({ ring: new Ring('1-0', 100) })
  let id = 2
  for (; id < FULL * 2; id++) publish(event(`${id}-0`))
  tick(500)
  expect(state.ended).toBe(0)
  for (; state.ended === 0 && id < FULL * 20; id++) {
    publish(event(`${id}-0`))
    tick(500)
  }
  expect(state.ended).toBe(1)
  expect(id).toBeLessThan(FULL * 2 + 110)
})

it('costs an event next to nothing where it does not read: no place is compared, nothing is queued', () => {
  let looks = 0
  class Watched extends Ring {
    override covers(position: string) {
      looks++
      return super.covers(position)
    }
    override next(position: string) {
      looks++
      return super.next(position)
    }
  }
  const ring = new Watched('1-0', 100)
  let from = ring.from
  Object.defineProperty(ring, 'from', {
    get: () => {
      looks++
      return from
    },
    set: (position: string) => {
      from = position
    },
  })
  const { publish } = reading({ ring })
  let id = 2
  for (; id < FULL * 2; id++) publish(event(`${id}-0`))
  looks = 0
  for (; id < FULL * 20; id++) publish(event(`${id}-0`))
  expect(looks).toBe(0)
})

it('is not sent all that is live while it does not read: it is let go and told when it is back', async () => {
  const { reader, ring, publish, state, text } = reading({ ring: new Ring('1-0', 1_000) })
  for (let id = 2; id < FULL * 2; id++) publish(event(`${id}-0`))
  ring.restart('9999-0')
  reader.reset({ kind: 'reset', position: '9999-0', opportunities: [opportunity()] })
  expect(state.ended).toBe(1)
  const readAll = async () => {
    while (!(await text.read()).done);
  }
  await expect(readAll()).rejects.toThrow('fell behind')
})

it('sends the same bytes of a reset to all who are told everything', () => {
  const reset = { kind: 'reset', position: '9-0', opportunities: [opportunity()] } as const
  const frames = (filters: SelectionOptions['filters']) =>
    new Frames(new Selection({ filters, types: undefined, resumed_from: null }), '1-0')
  const [one, other] = [frames({}), frames({ min_profit_percent: '0' })]
  expect(one.reset(reset)).toBe(other.reset(reset))
  const none = new TextDecoder().decode(frames({ symbol: 'X/Y' }).reset(reset))
  expect(none).toBe('id: 9-0\nevent: reset\ndata: {"data":[]}\n\n')
})

it('outlives its time by no more than a sign of life while it does not read, and keeps nothing then', async () => {
  const { reader, publish, tick, state, text } = reading({ ring: new Ring('1-0', 1_000) })
  for (let id = 2; id < FULL * 2; id++) publish(event(`${id}-0`))
  tick(10_999)
  expect(state.ended).toBe(0)
  tick(11_000)
  expect(state.ended).toBe(1)
  tick(12_000)
  reader.wake()
  expect(state.ended).toBe(1)
  const readAll = async () => {
    while (!(await text.read()).done);
  }
  await expect(readAll()).rejects.toThrow('does not read')
})
