import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { MarketSource, StepListener } from '../market/source.ts'
import { pushEvery } from './cadence.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function steppingSource() {
  const listeners = new Set<StepListener>()
  const source: MarketSource = {
    markets: [],
    snapshot: () => ({ bids: [], asks: [], version: 0 }),
    onChange: () => () => {},
    onStep: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const step = (now_ms: number) => {
    for (const listener of listeners) listener(now_ms)
  }
  return { source, step, listeners }
}

it('pushes at the step that passes a whole multiple, once, however late the steps are', () => {
  const { source, step } = steppingSource()
  const pushes: number[] = []
  pushEvery(source, 100, (now_ms) => pushes.push(now_ms))
  for (const now_ms of [1_090, 1_099, 1_100, 1_110, 1_199, 1_207, 1_450, 1_460, 1_500]) step(now_ms)
  expect(pushes).toEqual([1_090, 1_100, 1_207, 1_450, 1_500])
})

it("goes on by the machine's clock while the source stands still", () => {
  const { source, step } = steppingSource()
  const push = vi.fn()
  const end = pushEvery(source, 50, push)
  step(1_000)
  expect(push).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(1_000)
  expect(push.mock.calls.length).toBeGreaterThan(15)
  const before = push.mock.calls.length
  step(2_000)
  vi.advanceTimersByTime(49)
  expect(push).toHaveBeenCalledTimes(before + 1)
  end()
  vi.advanceTimersByTime(1_000)
  expect(push).toHaveBeenCalledTimes(before + 1)
})

it('stops listening to the source at its end', () => {
  const { source, listeners } = steppingSource()
  const end = pushEvery(source, 50, () => {})
  expect(listeners.size).toBe(1)
  end()
  expect(listeners.size).toBe(0)
})
