import { describe, expect, it } from 'vitest'
import type { Opportunity } from '../../../shared/opportunity.ts'
import { exchange, expired, health, later, opportunity } from '../testing/examples.ts'
import {
  type Action,
  ENDED_MAX,
  initialState,
  LINGER_MS,
  reduce,
  SAMPLES_MAX,
  type State,
} from './state.ts'

const START_MS = Date.parse('2026-09-01T12:00:00.000Z')

type Step = Action extends infer A ? (A extends unknown ? Omit<A, 'now_ms'> : never) : never

/** A page to which things happen, each at its own moment after the start. */
function pageAfter(...steps: [at_ms: number, step: Step][]): State {
  return steps.reduce(
    (state, [at_ms, step]) => reduce(state, { ...step, now_ms: START_MS + at_ms } as Action),
    initialState(START_MS),
  )
}

let position = 0
function announced(data: Opportunity, timestamp = data.updated_at): Step {
  const type = data.status === 'expired' ? 'opportunity.expired' : 'opportunity.updated'
  return { type: 'event', event: { id: `1-${++position}`, type, timestamp, data } }
}

function liveSet(opportunities: Opportunity[], grace_ms = 10_000): Step {
  return { type: 'live_set', opportunities, grace_ms }
}

const rowIds = (state: State) => [...state.rows.keys()]
const first = opportunity({ detected_at: '2026-09-01T11:59:50.000Z' })
const second = opportunity({ detected_at: '2026-09-01T11:59:55.000Z' })

describe('the live set', () => {
  it('is not known before the first answer, and known to be empty after an empty one', () => {
    expect(initialState(START_MS).live_set.heard_ms).toBeNull()
    expect(pageAfter([0, liveSet([])]).live_set.heard_ms).toBe(START_MS)
  })

  it('calls new only what appears while somebody looks', () => {
    const state = pageAfter([0, liveSet([first])], [1, announced(second)])
    expect(state.rows.get(first.id)?.movement).toBe('same')
    expect(state.rows.get(second.id)?.movement).toBe('new')
  })

  it('follows each change with its direction and a bounded trend', () => {
    const down = later(first, { profit_percent: '0.5000' })
    const up = later(down, { profit_percent: '0.5001' })
    const state = pageAfter([0, liveSet([first])], [1, announced(down)], [2, announced(up)])
    expect(state.rows.get(first.id)).toMatchObject({
      movement: 'up',
      trend: ['0.5513', '0.5000', '0.5001'],
    })
  })

  it('does not go back to older news', () => {
    const newer = later(first, { profit_percent: '0.9000' })
    const state = pageAfter([0, announced(newer)], [1, announced(first)], [2, liveSet([first])])
    expect(state.rows.get(first.id)?.opportunity.profit_percent).toBe('0.9000')
  })

  it('takes repeated news for what it is', () => {
    const state = pageAfter([0, announced(first)], [1, announced(first)], [2, liveSet([first])])
    expect(state.rows.get(first.id)).toMatchObject({ movement: 'same', trend: ['0.5513'] })
  })

  it('keeps what the stream told a moment ago, though a cached list does not have it', () => {
    const state = pageAfter([0, announced(first)], [5_000, liveSet([])], [8_000, { type: 'tick' }])
    expect(rowIds(state)).toEqual([first.id])
  })

  it('lets go of what neither the stream nor the list speaks of any more', () => {
    const state = pageAfter(
      [0, announced(first)],
      [20_000, liveSet([])],
      [30_000, { type: 'tick' }],
    )
    expect(rowIds(state)).toEqual([])
    expect(state.ended).toEqual([])
  })

  it('is replaced at once by a reset', () => {
    const state = pageAfter(
      [0, announced(first)],
      [1, liveSet([second], 0)],
      [5_000, { type: 'tick' }],
    )
    expect(rowIds(state)).toEqual([second.id])
  })

  it('takes an opportunity back that was only missing from a list', () => {
    const again = later(first, { profit_percent: '0.6000' })
    const state = pageAfter(
      [0, announced(first)],
      [20_000, liveSet([])],
      [20_100, announced(again)],
    )
    expect(state.rows.get(first.id)?.ended_ms).toBeNull()
  })

  it('takes back what a reset did not know yet and the stream tells right after it', () => {
    const state = pageAfter(
      [0, liveSet([first])],
      [10, liveSet([], 0)],
      [20, announced(first)],
      [5_000, { type: 'tick' }],
    )
    expect(rowIds(state)).toEqual([first.id])
  })
})

describe('an end', () => {
  const over = expired(first, 'closed', 11_000)

  it('leaves the row for a moment, then only the list of what just ended', () => {
    const steps: [number, Step][] = [
      [0, liveSet([first])],
      [1_000, announced(over)],
    ]
    expect(rowIds(pageAfter(...steps, [1_000 + LINGER_MS - 1, { type: 'tick' }]))).toEqual([
      first.id,
    ])
    const state = pageAfter(...steps, [1_000 + LINGER_MS, { type: 'tick' }])
    expect(rowIds(state)).toEqual([])
    expect(state.ended).toEqual([over])
  })

  it('is final: neither late news nor an old list brings it back, and it counts once', () => {
    const state = pageAfter(
      [0, liveSet([first])],
      [1_000, announced(over)],
      [1_100, announced(later(first, {}, 60_000))],
      [5_000, { type: 'tick' }],
      [5_100, liveSet([first])],
      [5_200, announced(over)],
    )
    expect(rowIds(state)).toEqual([])
    expect(state.ended).toEqual([over])
  })

  it('is shown though its beginning was never seen', () => {
    expect(pageAfter([0, announced(over)]).ended).toEqual([over])
  })

  it('is remembered up to a limit, the newest first', () => {
    const ends = Array.from({ length: ENDED_MAX + 5 }, () => expired(opportunity(), 'closed', 10))
    const state = pageAfter(...ends.map((end, at): [number, Step] => [at, announced(end)]))
    expect(state.ended).toHaveLength(ENDED_MAX)
    expect(state.ended[0]).toEqual(ends.at(-1))
  })
})

describe('markouts', () => {
  const markouts = [{ after_ms: 50, profit_percent: '0.4000' }]
  const over = { ...expired(first, 'closed', 20), markouts: [] }

  it('that come after the end are added to the row and to the ended one', () => {
    const state = pageAfter(
      [0, announced(first)],
      [20, announced(over)],
      [1_000, announced({ ...over, markouts })],
      [1_001, announced(over)],
    )
    expect(state.rows.get(first.id)?.opportunity.markouts).toEqual(markouts)
    expect(state.rows.get(first.id)?.ended_ms).toBe(START_MS + 20)
    expect(state.ended.map((one) => one.markouts)).toEqual([markouts])
  })
})

describe('the connection', () => {
  it('counts a loss from its first moment, however often it was tried again', () => {
    const state = pageAfter(
      [0, { type: 'stream_open' }],
      [1_000, { type: 'stream_lost', reason: 'a', retry_at_ms: 0 }],
      [9_000, { type: 'stream_lost', reason: 'b', retry_at_ms: 0 }],
    )
    expect(state.connection).toMatchObject({ since_ms: START_MS + 1_000, reason: 'b' })
  })

  it('is live again when the stream opens, and remembers for how long it was away', () => {
    const state = pageAfter(
      [0, { type: 'stream_open' }],
      [1_000, { type: 'stream_lost', reason: 'a', retry_at_ms: 0 }],
      [9_000, { type: 'stream_open' }],
    )
    const resumed = { at_ms: START_MS + 9_000, away_ms: 8_000 }
    expect(state.connection).toEqual({ phase: 'live', resumed })
  })

  it('has nothing to tell when it opens for the first time', () => {
    const state = pageAfter([0, { type: 'stream_open' }])
    expect(state.connection).toEqual({ phase: 'live', resumed: null })
  })
})

describe("the server's time", () => {
  const told = (wall_ms: number): Step => ({
    type: 'health',
    health: health({ timestamp: new Date(wall_ms).toISOString() }),
  })

  it('is the highest that was heard, because news takes time to arrive', () => {
    const state = pageAfter(
      [0, told(START_MS + 5_000)],
      [100, told(START_MS + 4_900)],
      [200, announced(first, '2026-09-01T11:00:00.000Z')],
    )
    expect(state.server_offset_ms).toBe(5_000)
  })

  it("is taken anew when this computer's clock was moved", () => {
    const state = pageAfter([0, told(START_MS + 600_000)], [600_000, told(START_MS + 600_100)])
    expect(state.server_offset_ms).toBe(100)
  })
})

describe('the exchanges', () => {
  it('are replaced by each answer and changed one by one by the stream', () => {
    const kraken = exchange({ id: 'kraken', books_live: 3 })
    const state = pageAfter(
      [
        0,
        { type: 'exchanges', exchanges: [exchange({ id: 'kraken' }), exchange({ id: 'bybit' })] },
      ],
      [
        1,
        {
          type: 'event',
          event: {
            id: '1-1',
            type: 'exchange.status',
            timestamp: first.updated_at,
            data: kraken,
          },
        },
      ],
    )
    expect([...(state.exchanges.value?.keys() ?? [])]).toEqual(['kraken', 'bybit'])
    expect(state.exchanges.value?.get('kraken')?.books_live).toBe(3)
  })

  it('stay as last known while they cannot be asked', () => {
    const state = pageAfter(
      [0, { type: 'exchanges', exchanges: [exchange({ id: 'kraken' })] }],
      [1, { type: 'failure', of: 'exchanges', reason: 'the server answered 503' }],
    )
    expect(state.exchanges).toMatchObject({
      heard_ms: START_MS,
      failure: 'the server answered 503',
    })
    expect(state.exchanges.value?.size).toBe(1)
  })

  it('are remembered look by look, the oldest forgotten first', () => {
    const looks = Array.from({ length: SAMPLES_MAX + 5 }, (_, index): [number, Step] => [
      index,
      { type: 'exchanges', exchanges: [exchange({ id: 'kraken', messages_per_second: index })] },
    ])
    const rates = pageAfter(...looks)
      .samples.get('kraken')
      ?.map(({ messages_per_second }) => messages_per_second)
    expect(rates).toHaveLength(SAMPLES_MAX)
    expect([rates?.[0], rates?.at(-1)]).toEqual([5, SAMPLES_MAX + 4])
  })
})
