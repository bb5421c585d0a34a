/**
 * Runs faults one after the other with one seed: gives each what it asks for, keeps the rig that they
 * share, and checks a rig's whole record when the last of its faults is done. What throws ends its
 * fault and its rig, never the run.
 */
import { createRandom } from '../../sandbox/market/random.ts'
import type { ChaosContext, ChaosRig, Fault, RigKind, Verdict } from './fault.ts'
import type { Turn } from './faults.ts'

export interface SessionOptions {
  readonly seed: number
  readonly timed: boolean
  /** undefined: long faults are short */
  readonly minutes?: number | undefined
  readonly log: (line: string) => void
  /** told as soon as there is one */
  readonly onOutcome: (outcome: Outcome) => void
}

export interface Outcome extends Verdict {
  /** rows that have to run to see it again */
  readonly rows: readonly number[]
  readonly name: string
  readonly injected: string
  readonly required: string
}

/** Rows of one seed are not those of the next. */
const ROWS_PER_SEED = 100
/** Each of the long faults may take this part of the time that was given. */
const LONG_SHARE = 1 / 6

interface RunningRig {
  readonly kind: RigKind<ChaosRig>
  readonly rig: ChaosRig
  readonly rows: number[]
}

export async function runFaults(turns: readonly Turn[], options: SessionOptions): Promise<void> {
  const session = new Session(options)
  try {
    for (const turn of turns) {
      await Promise.all([turn].flat().map((fault: Fault) => session.run(fault)))
    }
    await session.finishRig()
  } finally {
    await session.dropRig()
  }
}

class Session {
  private readonly options: SessionOptions
  private running: RunningRig | null = null
  private asking: Promise<void> = Promise.resolve()

  constructor(options: SessionOptions) {
    this.options = options
  }

  async run(fault: Fault): Promise<void> {
    const { row, name, injected, required } = fault
    this.options.log(`row ${row}: ${name}`)
    const verdict = await fault.run(this.context(row)).catch(async (error: unknown) => {
      await this.dropRig()
      return brokenOff(error)
    })
    this.options.onOutcome({ rows: [row], name, injected, required, ...verdict })
  }

  /** What the faults of a rig did together, over all that was recorded. */
  async finishRig(): Promise<void> {
    const { running } = this
    if (running === null) return
    this.options.log(`checker: ${running.kind.name}`)
    const verdict = await running.rig.check().catch(brokenOff)
    await this.dropRig()
    this.options.onOutcome({
      rows: [...new Set(running.rows)],
      name: `checker: ${running.kind.name}`,
      injected: 'all of the above',
      required: 'one true story',
      ...verdict,
    })
  }

  async dropRig(): Promise<void> {
    const { running } = this
    this.running = null
    await running?.rig.stop()
  }

  private context(row: number): ChaosContext {
    const { seed, timed, minutes, log } = this.options
    return {
      seed,
      random: createRandom(seed * ROWS_PER_SEED + row),
      timed,
      log,
      rig: (kind) => this.rig(kind, row),
      alone: () => this.finishRig(),
      outage_ms(short_ms, full_ms) {
        if (minutes === undefined) return short_ms
        return Math.min(full_ms, Math.max(short_ms, minutes * 60_000 * LONG_SHARE))
      },
    }
  }

  private async rig<R extends ChaosRig>(kind: RigKind<R>, row: number): Promise<R> {
    // side by side several ask at once: the first starts it
    this.asking = this.asking.catch(() => {}).then(() => this.startRig(kind))
    await this.asking
    if (this.running?.kind !== kind) throw new Error(`the rig ${kind.name} is gone`)
    this.running.rows.push(row)
    return this.running.rig as R
  }

  private async startRig(kind: RigKind<ChaosRig>): Promise<void> {
    if (this.running?.kind === kind) return
    await this.finishRig()
    this.options.log(`start: ${kind.name}`)
    const rig = await kind.start({ seed: this.options.seed })
    this.running = { kind, rig, rows: [] }
  }
}

function brokenOff(error: unknown): Verdict {
  return { measured: '', failures: [`broke off: ${(error as Error).stack ?? error}`] }
}
