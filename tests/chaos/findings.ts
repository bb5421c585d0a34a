/**
 * Collects a verdict while a fault runs: what holds or does not, and figures beside their bounds. A
 * bound of time fails only where time is judged; what is a matter of state always does.
 */
import type { ChaosContext, Verdict } from './fault.ts'

export class Findings {
  private readonly timed: boolean
  private readonly figures: string[] = []
  private readonly failures: string[] = []

  constructor({ timed }: Pick<ChaosContext, 'timed'>) {
    this.timed = timed
  }

  /** A figure for the table that nothing is required of. */
  note(figure: string): void {
    this.figures.push(figure)
  }

  /** `failure` says what is wrong when it does not hold. */
  hold(holds: boolean, failure: string): void {
    if (!holds) this.failures.push(failure)
  }

  /** A duration that must not be longer than its bound; infinite: it never came. */
  within(what: string, took_ms: number, bound_ms: number): void {
    const text = Number.isFinite(took_ms) ? `${Math.round(took_ms)} ms` : 'never'
    this.figures.push(`${what} ${text}`)
    const failed = this.timed ? !(took_ms <= bound_ms) : !Number.isFinite(took_ms)
    if (failed) this.failures.push(`${what}: ${text}, at most ${bound_ms} ms`)
  }

  verdict(): Verdict {
    return { measured: this.figures.join(', '), failures: this.failures }
  }
}
