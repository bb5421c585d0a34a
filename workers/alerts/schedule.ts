/**
 * When a message is tried again: a property of its type. An alert about an opportunity is worthless
 * after seconds and is not sent late; what happened to an exchange or an endpoint stays worth knowing.
 * This is the one table of it.
 */

export interface Schedule {
  /** from the start of one attempt to the next; there is one attempt more than there are pauses */
  readonly pauses_ms: readonly number[]
  /** each pause is longer or shorter by up to this share, so that endpoints do not come in step */
  readonly jitter: number
  /** after so long nothing is sent any more; null: it never gets too old */
  readonly lifetime_ms: number | null
}

export interface Schedules {
  readonly opportunity: Schedule
  readonly patient: Schedule
}

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

export const SCHEDULES: Schedules = {
  opportunity: {
    pauses_ms: [2 * SECOND_MS, 8 * SECOND_MS],
    jitter: 0,
    lifetime_ms: 15 * SECOND_MS,
  },
  /** https://docs.svix.com/retries */
  patient: {
    pauses_ms: [
      5 * SECOND_MS,
      5 * MINUTE_MS,
      30 * MINUTE_MS,
      2 * HOUR_MS,
      5 * HOUR_MS,
      10 * HOUR_MS,
      10 * HOUR_MS,
    ],
    jitter: 0.2,
    lifetime_ms: null,
  },
}

/** Whoever asks for a message once more wants it, however old it is. */
export function scheduleOf(type: string, is_replay: boolean, schedules: Schedules): Schedule {
  return type.startsWith('opportunity.') && !is_replay ? schedules.opportunity : schedules.patient
}

/** How long to wait after the attempt with this number, from 1; null: it was the last one. */
export function pauseAfter(
  attempt: number,
  { pauses_ms, jitter }: Schedule,
  random: () => number,
): number | null {
  const pause_ms = pauses_ms[attempt - 1]
  if (pause_ms === undefined) return null
  return Math.round(pause_ms * (1 + jitter * (2 * random() - 1)))
}
