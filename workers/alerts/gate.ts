/**
 * In front of each endpoint: so many attempts at a time, a short wait in line, and beyond that the
 * door. Who was turned away is called back when there is room, and comes again by itself when nobody
 * called; who would not get in before it is too late hears so at once. Whoever is slow or hangs holds
 * up nobody else. It knows what this process does; another worker has a gate of its own.
 */
import type { Clock } from '../../shared/clock.ts'

export interface GateOptions {
  readonly clock: Clock
  /** Brings a job that was turned away back at once; false when it is not there to be brought. */
  readonly recall: (job_id: string) => Promise<boolean>
  /** attempts at a time */
  readonly width?: number
  /** how long one waits in line, and how many */
  readonly wait_ms?: number
  readonly line_max?: number
}

export interface Ticket {
  readonly entered_ms: number
}

export type Admission =
  | { readonly kind: 'entered'; readonly ticket: Ticket }
  /** how long until it would be their turn, as it looks now */
  | { readonly kind: 'full'; readonly wait_ms: number }
  /** their turn would come too late */
  | { readonly kind: 'hopeless' }

export interface Gate {
  /**
   * `patience_ms` is how long it is worth to come again. `job_id` is remembered while it is away, so
   * that those outside are counted once.
   */
  enter(endpoint_id: string, job_id: string, patience_ms: number): Promise<Admission>
  /** After every entry. `hung`: there was no answer at all. */
  leave(endpoint_id: string, ticket: Ticket, hung: boolean): void
  /** A job that was turned away, perhaps, will never enter: nobody waits for it any more. */
  forget(endpoint_id: string, job_id: string): void
  /** The endpoint asked to be left alone for so long. */
  hold(endpoint_id: string, duration_ms: number): void
  /** How long it is still to be left alone. */
  heldFor_ms(endpoint_id: string): number
}

const WIDTH = 8
const WAIT_MS = 1_000
const LINE_MAX = 32
/** After so many attempts in a row without any answer only one at a time finds out if it is back. */
const HUNG_AFTER = 2
/** A job that does not come when it is called is not called for ever: it comes by itself. */
const CALLS_MAX = 3
/** Longer than anybody is sent away for (deliver.ts): who has not come by then went to another worker. */
const AWAY_MAX_MS = 90_000
/** What an attempt is thought to take before there was one, and how much each counts for the next. */
const FIRST_GUESS_MS = 20
const WEIGHT = 0.2

interface Away {
  readonly since_ms: number
  /** in vain */
  calls: number
}

interface Door {
  /** the oldest first */
  readonly inside: Set<Ticket>
  readonly line: ((admission: Admission) => void)[]
  /** jobs that were turned away and did not come back yet, about in their order */
  readonly away: Map<string, Away>
  /** of them, those that are just being called back */
  called: number
  average_ms: number
  hung: number
  held_until_ms: number
}

export function createGate({
  clock,
  recall,
  width = WIDTH,
  wait_ms = WAIT_MS,
  line_max = LINE_MAX,
}: GateOptions): Gate {
  const doors = new Map<string, Door>()
  const door = (id: string): Door => {
    const known = doors.get(id)
    if (known !== undefined) return known
    const fresh: Door = {
      inside: new Set(),
      line: [],
      away: new Map(),
      called: 0,
      average_ms: FIRST_GUESS_MS,
      hung: 0,
      held_until_ms: Number.NEGATIVE_INFINITY,
    }
    doors.set(id, fresh)
    return fresh
  }
  const widthOf = ({ hung }: Door) => (hung >= HUNG_AFTER ? 1 : width)
  const admit = (at: Door): Admission => {
    const ticket = { entered_ms: clock.monotonic_ms() }
    at.inside.add(ticket)
    return { kind: 'entered', ticket }
  }
  const forgetOld = (at: Door): void => {
    const from_ms = clock.monotonic_ms() - AWAY_MAX_MS
    for (const [job_id, { since_ms }] of at.away) {
      if (since_ms >= from_ms) break
      at.away.delete(job_id)
    }
  }
  const turnAway = (at: Door, job_id: string, patience_ms: number): Admission => {
    forgetOld(at)
    const [oldest] = at.inside
    const age_ms = oldest === undefined ? 0 : clock.monotonic_ms() - oldest.entered_ms
    const ahead = at.away.size + at.line.length + 1
    const wait_ms = (ahead * Math.max(at.average_ms, age_ms)) / widthOf(at)
    if (wait_ms > patience_ms) return { kind: 'hopeless' }
    at.away.set(job_id, { since_ms: clock.monotonic_ms(), calls: 0 })
    return { kind: 'full', wait_ms }
  }

  /** One for each that leaves, and as many as would stand idle. */
  const recallSome = (at: Door): void => {
    if (at.held_until_ms > clock.monotonic_ms()) return
    forgetOld(at)
    const room = widthOf(at) - at.inside.size - at.line.length - at.called
    for (const [job_id, away] of [...at.away.entries().take(Math.max(1, room))]) {
      at.away.delete(job_id)
      at.called++
      recall(job_id)
        .catch(() => false)
        .then((is_coming) => {
          at.called--
          // it may have been on its way out still
          if (is_coming || ++away.calls > CALLS_MAX) return
          at.away.set(job_id, away)
        })
    }
  }

  const closeIdle = (endpoint_id: string, at: Door): void => {
    const is_idle = at.inside.size === 0 && at.away.size + at.called === 0 && at.hung === 0
    if (is_idle && at.held_until_ms <= clock.monotonic_ms()) doors.delete(endpoint_id)
  }

  return {
    enter(endpoint_id, job_id, patience_ms) {
      const at = door(endpoint_id)
      at.away.delete(job_id)
      if (at.inside.size < widthOf(at)) return Promise.resolve(admit(at))
      if (at.hung >= HUNG_AFTER || at.line.length >= line_max) {
        return Promise.resolve(turnAway(at, job_id, patience_ms))
      }
      return new Promise((resolve) => {
        const next = (admission: Admission) => {
          clearTimeout(timer)
          resolve(admission)
        }
        const timer = setTimeout(() => {
          at.line.splice(at.line.indexOf(next), 1)
          resolve(turnAway(at, job_id, patience_ms))
        }, wait_ms)
        at.line.push(next)
      })
    },

    leave(endpoint_id, ticket, hung) {
      const at = door(endpoint_id)
      at.inside.delete(ticket)
      const duration_ms = clock.monotonic_ms() - ticket.entered_ms
      at.average_ms += WEIGHT * (duration_ms - at.average_ms)
      at.hung = hung ? at.hung + 1 : 0
      while (at.inside.size < widthOf(at)) {
        const next = at.line.shift()
        if (next === undefined) break
        next(admit(at))
      }
      recallSome(at)
      closeIdle(endpoint_id, at)
    },

    forget(endpoint_id, job_id) {
      const at = doors.get(endpoint_id)
      if (at?.away.delete(job_id)) closeIdle(endpoint_id, at)
    },

    hold(endpoint_id, duration_ms) {
      const at = door(endpoint_id)
      at.held_until_ms = Math.max(at.held_until_ms, clock.monotonic_ms() + duration_ms)
    },

    heldFor_ms(endpoint_id) {
      const held_until_ms = doors.get(endpoint_id)?.held_until_ms ?? Number.NEGATIVE_INFINITY
      return Math.max(0, held_until_ms - clock.monotonic_ms())
    },
  }
}
