/**
 * Faults made on purpose, one at a time: each is one that somebody might make, and each must be seen
 * by a watcher, or the watchers prove nothing.
 */

import type { Draft } from '../../shared/event.ts'
import type { MarketBook } from '../book/books.ts'
import type { Verdict } from '../detection/candidate.ts'
import { type Collect, FastFinder } from '../detection/finder.ts'
import { Tracker } from '../lifecycle/tracker.ts'
import type { Port } from './port.ts'
import type { Mutation } from './world.ts'

/** By what it is: the fault, and the promises of which it breaks one. */
export const MUTATIONS: Readonly<Record<string, readonly [Mutation, ...promises: string[]]>> = {
  'a sequencer that accepts a gap': [{ port: acceptGaps }, 'live is true'],
  'a sequencer that accepts a snapshot older than its deltas': [
    { port: acceptOldSnapshots },
    'live is true',
  ],
  'a checksum that nobody compares': [{ port: ignoreChecksums }, 'live is true'],
  'a disconnect that leaves the books as they were': [{ port: ignoreEnds }, 'live is carried'],
  'a halt that nobody heeds': [{ port: ignoreHalts }, 'halted is halted'],
  'a recovery that asks for no snapshot': [{ port: askForNothing }, 'every book comes back'],
  'a detector that forgets the fee': [
    {
      detector: (options) => ({
        ...options,
        fees: { of: () => ({ percent: '0', source: 'schedule' }) },
      }),
    },
    'no phantom',
    'a guard is right',
  ],
  'a detector that knows no age': [
    {
      detector: ({ limits, ...options }) => ({
        ...options,
        limits: { ...limits, max_book_age_ms: 1e9, max_skew_ms: 1e9 },
      }),
    },
    'no phantom',
    'no opportunity on a lost book',
  ],
  'a detector that does not hear of late turns': [
    {
      detector: (options) => ({
        ...options,
        arrivals: { behind: () => false, ...options.arrivals, late: () => false },
      }),
    },
    'no phantom',
  ],
  'a finder that knows no triangles': [
    { detector: (options) => ({ ...options, createFinder: (...of) => new NoTriangles(...of) }) },
    'nothing is missed',
  ],
  'a tracker that forgets an end': [
    { tracker: (options) => new Forgetful(options) },
    'one life each',
    // what goes on after its end may tell figures of its own
    'no phantom',
  ],
  'a tracker that says an end twice': [
    { tracker: (options) => new Chatty(options) },
    'one life each',
  ],
  'ids that come again': [
    { tracker: (options) => new Tracker({ ...options, newId: () => 'opp_0' }) },
    'one life each',
  ],
  'a markout that is taken too late': [
    { tracker: (options) => new Late(options) },
    'markouts are right',
  ],
  'a markout of something else': [
    {
      tracker: (options) =>
        new Tracker({ ...options, measure: (legs) => options.measure(legs) && '0.0001' }),
    },
    'markouts are right',
  ],
}

function acceptGaps({ intake }: Port): void {
  for (const { sequencer } of intake.lanes) {
    const judge = sequencer.judge.bind(sequencer)
    sequencer.judge = (update) =>
      update.snapshot || sequencer.phase === 'waiting' ? judge(update) : 'accept'
  }
}

function acceptOldSnapshots({ intake }: Port): void {
  for (const { sequencer } of intake.lanes) {
    const judge = sequencer.judge.bind(sequencer)
    sequencer.judge = (update) => {
      const verdict = judge(update)
      if (!update.snapshot || verdict !== 'wait') return verdict
      sequencer.phase = 'synced'
      return 'accept'
    }
  }
}

function ignoreChecksums({ intake }: Port): void {
  for (const lane of intake.lanes) Object.assign(lane, { checksum: null })
}

function ignoreEnds({ intake }: Port): void {
  intake.end = () => {}
}

function ignoreHalts({ intake }: Port): void {
  intake.tradingFrame = () => {}
}

function askForNothing(port: Port): void {
  port.needsSnapshot = () => {}
}

class NoTriangles extends FastFinder {
  override find(changed: readonly MarketBook[], least: number, collect: Collect): void {
    super.find(changed, least, (slot) => {
      if (slot.type !== 'triangular') collect(slot)
    })
  }
}

class Forgetful extends Tracker {
  override apply(verdicts: readonly Verdict[]): Draft[] {
    return super.apply(verdicts.filter((one) => one.kind === 'open' || one.reason !== 'stale'))
  }
}

class Chatty extends Tracker {
  override apply(verdicts: readonly Verdict[]): Draft[] {
    const drafts = super.apply(verdicts)
    return [...drafts, ...drafts.filter(({ type }) => type === 'opportunity.expired')]
  }
}

class Late extends Tracker {
  override get measure_at_ms(): number {
    return super.measure_at_ms + 60
  }
}
