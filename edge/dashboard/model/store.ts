/**
 * Holds the state and tells the page when to draw. News may come hundreds of times a second; a
 * person reads a few, so drawing is gathered and the state itself is always current.
 */
import type { Clock } from '../../../shared/clock.ts'
import { type Action, initialState, reduce, type State } from './state.ts'

/** Drawing more often than this is flicker. */
const DRAW_EVERY_MS = 120

type Untimed<A> = A extends unknown ? Omit<A, 'now_ms'> : never

export interface Store {
  state(): State
  /** The store stamps the time. */
  dispatch(action: Untimed<Action>): void
  /** Calls `draw` soon after changes, never more often than a person can follow. */
  subscribe(draw: () => void): () => void
}

export function createStore(clock: Clock): Store {
  let state = initialState(clock.wall_ms())
  let planned = false
  let drawn_ms = Number.NEGATIVE_INFINITY
  const listeners = new Set<() => void>()

  function draw(): void {
    planned = false
    drawn_ms = clock.monotonic_ms()
    for (const listener of listeners) listener()
  }

  return {
    state: () => state,
    dispatch(action) {
      state = reduce(state, { ...action, now_ms: clock.wall_ms() } as Action)
      if (planned) return
      planned = true
      setTimeout(draw, Math.max(drawn_ms + DRAW_EVERY_MS - clock.monotonic_ms(), 0))
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
