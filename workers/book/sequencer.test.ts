/** Tables of what each continuity says to each course of events. */
import { describe, expect, it } from 'vitest'
import { type Continuity, Sequencer, type Verdict } from './sequencer.ts'
import { BookUpdate } from './update.ts'

interface Step {
  readonly snapshot?: boolean
  readonly ids?: readonly [number, number]
  readonly time_ms?: number
  readonly says: Verdict
  readonly phase?: Sequencer['phase']
}

function updateOf({ snapshot = false, ids, time_ms = Number.NaN }: Step): BookUpdate {
  const [first_id, last_id] = ids ?? [Number.NaN, Number.NaN]
  return Object.assign(new BookUpdate(), {
    snapshot,
    first_id,
    last_id,
    exchange_time_ms: time_ms,
  })
}

const cases: [string, Continuity, Step[]][] = [
  [
    'a range carries on at the next id',
    'range',
    [
      { snapshot: true, ids: [NaN, 100], says: 'accept', phase: 'seeded' },
      { ids: [101, 103], says: 'accept', phase: 'synced' },
      { ids: [104, 104], says: 'accept' },
    ],
  ],
  [
    'a range drops what the snapshot already holds, and that proves the bridge',
    'range',
    [
      { snapshot: true, ids: [NaN, 100], says: 'accept' },
      { ids: [90, 100], says: 'drop', phase: 'synced' },
      { ids: [101, 101], says: 'accept' },
    ],
  ],
  [
    'a range bridges with the event that straddles the snapshot',
    'range',
    [
      { snapshot: true, ids: [NaN, 100], says: 'accept' },
      { ids: [95, 105], says: 'accept', phase: 'synced' },
    ],
  ],
  [
    'a range that starts one id too late is a gap',
    'range',
    [
      { snapshot: true, ids: [NaN, 100], says: 'accept' },
      { ids: [102, 103], says: 'gap', phase: 'waiting' },
    ],
  ],
  [
    'a range sees a hole in mid-stream and waits from there on',
    'range',
    [
      { snapshot: true, ids: [NaN, 100], says: 'accept' },
      { ids: [101, 110], says: 'accept' },
      { ids: [112, 113], says: 'gap', phase: 'waiting' },
      { ids: [114, 115], says: 'wait' },
      { snapshot: true, ids: [NaN, 110], says: 'wait', phase: 'waiting' },
      { snapshot: true, ids: [NaN, 111], says: 'accept', phase: 'synced' },
    ],
  ],
  [
    'a range ignores a snapshot older than its book',
    'range',
    [
      { snapshot: true, ids: [NaN, 100], says: 'accept' },
      { ids: [101, 110], says: 'accept' },
      { snapshot: true, ids: [NaN, 105], says: 'drop', phase: 'synced' },
      { snapshot: true, ids: [NaN, 120], says: 'accept', phase: 'synced' },
      { ids: [111, 121], says: 'accept' },
    ],
  ],
  [
    'an increment counts one by one',
    'increment',
    [
      { ids: [6, 6], says: 'wait', phase: 'waiting' },
      { snapshot: true, ids: [5, 5], says: 'accept', phase: 'synced' },
      { ids: [6, 6], says: 'accept' },
      { ids: [6, 6], says: 'drop' },
      { ids: [4, 4], says: 'drop' },
      { ids: [8, 8], says: 'gap', phase: 'waiting' },
      { ids: [9, 9], says: 'wait' },
    ],
  ],
  [
    'an increment restarts at any snapshot, lower ids included',
    'increment',
    [
      { snapshot: true, ids: [500, 500], says: 'accept' },
      { snapshot: true, ids: [1, 1], says: 'accept', phase: 'synced' },
      { ids: [2, 2], says: 'accept' },
    ],
  ],
  [
    'a chain follows whatever names its last id, by any step, and an idle repetition of it',
    'chain',
    [
      { ids: [100, 107], says: 'wait', phase: 'waiting' },
      { snapshot: true, ids: [99, 99], says: 'accept', phase: 'synced' },
      { ids: [100, 107], says: 'accept' },
      { ids: [108, 107], says: 'accept' },
      { ids: [108, 120], says: 'accept' },
      { ids: [108, 120], says: 'drop' },
      { ids: [122, 130], says: 'gap', phase: 'waiting' },
      { ids: [131, 140], says: 'wait' },
    ],
  ],
  [
    'a chain whose ids begin anew is lost, whether its end was seen or not',
    'chain',
    [
      { snapshot: true, ids: [15, 15], says: 'accept' },
      { ids: [16, 3], says: 'gap', phase: 'waiting' },
      { snapshot: true, ids: [15, 15], says: 'accept' },
      { ids: [4, 5], says: 'gap', phase: 'waiting' },
      { snapshot: true, ids: [5, 5], says: 'accept', phase: 'synced' },
    ],
  ],
  [
    'a chain without ids is judged by its clock, and never half of it',
    'chain',
    [
      { snapshot: true, time_ms: 9, says: 'accept' },
      { time_ms: 10, says: 'accept' },
      { ids: [1, 2], time_ms: 11, says: 'gap' },
      { snapshot: true, ids: [7, 7], says: 'accept' },
      { time_ms: 12, says: 'gap' },
      { snapshot: true, time_ms: 13, says: 'accept' },
      { time_ms: 12, says: 'gap' },
    ],
  ],
  [
    'without ids order rests on the transport, unless the clock runs backwards',
    'none',
    [
      { time_ms: 10, says: 'wait' },
      { snapshot: true, says: 'accept', phase: 'synced' },
      { time_ms: 10, says: 'accept' },
      { time_ms: 10, says: 'accept' },
      { says: 'accept' },
      { time_ms: 9, says: 'gap', phase: 'waiting' },
      { snapshot: true, time_ms: 5, says: 'accept' },
      { time_ms: 6, says: 'accept' },
    ],
  ],
  [
    'with checksums everything after a snapshot is judged by its checksum',
    'checksum',
    [
      { time_ms: 10, says: 'wait' },
      { snapshot: true, time_ms: 10, says: 'accept' },
      { time_ms: 9, says: 'accept' },
    ],
  ],
]

describe('Sequencer', () => {
  it.each(cases)('%s', (_name, continuity, steps) => {
    const sequencer = new Sequencer(continuity)
    for (const step of steps) {
      expect(sequencer.judge(updateOf(step))).toBe(step.says)
      if (step.phase !== undefined) expect(sequencer.phase).toBe(step.phase)
    }
  })

  it('hands out what waited for the snapshot, in order and once', () => {
    const sequencer = new Sequencer('range')
    for (const ids of [
      [98, 99],
      [100, 101],
      [102, 104],
    ] as const) {
      sequencer.judge(updateOf({ ids, says: 'wait' }))
    }
    expect(sequencer.judge(updateOf({ snapshot: true, ids: [NaN, 100], says: 'accept' }))).toBe(
      'accept',
    )
    const verdicts = sequencer
      .takeBuffered()
      .map((update) => sequencer.judge(update))
      .toArray()
    expect(verdicts).toEqual(['drop', 'accept', 'accept'])
    expect(sequencer.takeBuffered().toArray()).toEqual([])
  })

  it('keeps of the waiting events only those after the last hole', () => {
    const sequencer = new Sequencer('range')
    for (const ids of [
      [1, 2],
      [3, 4],
      [9, 10],
    ] as const) {
      sequencer.judge(updateOf({ ids, says: 'wait' }))
    }
    expect(sequencer.buffered).toBe(1)
    expect(sequencer.judge(updateOf({ snapshot: true, ids: [NaN, 4], says: 'wait' }))).toBe('wait')
    expect(sequencer.judge(updateOf({ snapshot: true, ids: [NaN, 8], says: 'accept' }))).toBe(
      'accept',
    )
  })

  it('never lets the waiting room grow without end', () => {
    const sequencer = new Sequencer('range')
    for (let id = 1; id <= 5_000; id++) sequencer.judge(updateOf({ ids: [id, id], says: 'wait' }))
    expect(sequencer.buffered).toBe(200)
    expect(sequencer.judge(updateOf({ snapshot: true, ids: [NaN, 4_799], says: 'wait' }))).toBe(
      'wait',
    )
    expect(sequencer.judge(updateOf({ snapshot: true, ids: [NaN, 4_800], says: 'accept' }))).toBe(
      'accept',
    )
  })

  it('waits for a snapshot after its thread was taken away', () => {
    const sequencer = new Sequencer('checksum')
    sequencer.judge(updateOf({ snapshot: true, says: 'accept' }))
    sequencer.lose()
    expect(sequencer.judge(updateOf({ says: 'wait' }))).toBe('wait')
  })
})
