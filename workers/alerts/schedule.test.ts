import { describe, expect, it } from 'vitest'
import { pauseAfter, SCHEDULES, scheduleOf } from './schedule.ts'

const middle = () => 0.5

describe('the schedule', () => {
  it.each([
    ['opportunity.detected', false, [0, 2, 10], 15_000],
    ['opportunity.measured', false, [0, 2, 10], 15_000],
    ['opportunity.detected', true, [0, 5, 305, 2_105, 9_305, 27_305, 63_305, 99_305], null],
    ['exchange.status', false, [0, 5, 305, 2_105, 9_305, 27_305, 63_305, 99_305], null],
    ['endpoint.disabled', false, [0, 5, 305, 2_105, 9_305, 27_305, 63_305, 99_305], null],
  ] as const)('of %s (once more: %s) is at %j s', (type, is_replay, at_s, lifetime_ms) => {
    const schedule = scheduleOf(type, is_replay, SCHEDULES)
    const times_s = [0]
    for (let attempt = 1; ; attempt++) {
      const pause_ms = pauseAfter(attempt, schedule, middle)
      if (pause_ms === null) break
      times_s.push(times_s[attempt - 1]! + pause_ms / 1_000)
    }
    expect(times_s).toEqual(at_s)
    expect(schedule.lifetime_ms).toBe(lifetime_ms)
  })

  it('spreads patient attempts by a fifth, and alerts not at all', () => {
    expect(pauseAfter(1, SCHEDULES.patient, () => 0)).toBe(4_000)
    expect(pauseAfter(1, SCHEDULES.patient, () => 0.999_999)).toBe(6_000)
    expect(pauseAfter(1, SCHEDULES.opportunity, () => 0)).toBe(2_000)
  })
})
