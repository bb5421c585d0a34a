/**
 * What a row of the fault matrix is to `npm run chaos`: one fault, what it does to the running
 * processes, what must hold, and a verdict in figures and words. A fault throws only when the rig
 * cannot be had or used; that what must hold does not is a failure in its verdict.
 */

import type { Random } from '../../sandbox/market/random.ts'

export interface Fault {
  /** of the fault matrix; several faults may share one */
  readonly row: number
  readonly name: string
  /** what is done, in a few words */
  readonly injected: string
  /** what must hold, in a few words, with its bounds */
  readonly required: string
  run(context: ChaosContext): Promise<Verdict>
}

export interface Verdict {
  /** the figures, in a few words */
  readonly measured: string
  /** what did not hold, in words; empty: all held */
  readonly failures: readonly string[]
}

export interface ChaosContext {
  readonly seed: number
  /** the same draws for the same seed and row */
  readonly random: Random
  /** false: bounds of time are measured and not judged, because this machine is not ours alone */
  readonly timed: boolean
  /** The rig of that kind: started when it is first asked for, shared by the faults that follow. */
  rig<R extends ChaosRig>(kind: RigKind<R>): Promise<R>
  /** Ends the rig that runs, for a fault that brings processes of its own. */
  alone(): Promise<void>
  /** How long a long fault lasts: `short_ms`, and with `--minutes` up to `full_ms`. */
  outage_ms(short_ms: number, full_ms: number): number
  /** For whoever watches; not part of the verdict. */
  log(line: string): void
}

/** Compared by identity: declare it once, as a constant. One rig runs at a time. */
export interface RigKind<R extends ChaosRig> {
  readonly name: string
  /** @throws Error when a part does not start; what started before it is stopped. */
  start(options: { readonly seed: number }): Promise<R>
}

/** The processes that faults are done to, and the record of all that they said. */
export interface ChaosRig {
  /** Once, after the last fault: ends in order what must be quiet, and checks the whole record. */
  check(): Promise<Verdict>
  /** Always, after `check` or instead of it. */
  stop(): Promise<void>
}
