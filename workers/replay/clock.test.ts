import { describe, expect, it } from 'vitest'
import { VirtualClock } from './clock.ts'

const START_MS = 1_700_000_000_000

describe('the time of a recording', () => {
  it('runs what is due on the way, in the order of time, each at its own moment', () => {
    const clock = new VirtualClock(START_MS, 60_000)
    const seen: string[] = []
    const note = (name: string) => () => seen.push(`${name} ${clock.monotonic_ms()}`)
    clock.every(200, note('every'))
    clock.once(250, note('once'))
    clock.once(50.5, note('early'))
    clock.advance(START_MS + 450)
    expect(seen).toEqual(['early 50.5', 'every 200', 'once 250', 'every 400'])
    clock.advance(START_MS + 590)
    expect(seen).toHaveLength(4)
  })

  it('runs at once what is due already, and what is set while something runs', () => {
    const clock = new VirtualClock(START_MS, 60_000)
    const seen: number[] = []
    clock.advance(START_MS + 100)
    clock.once(20, () => {
      seen.push(clock.monotonic_ms())
      clock.once(130, () => seen.push(clock.monotonic_ms()))
    })
    clock.advance(START_MS + 150)
    expect(seen).toEqual([100, 130])
    expect(clock.monotonic_ms()).toBe(150)
  })
})
