/** The outcomes for people: a line a fault under one head, and below a failure how to see it again. */
import type { Fault } from './fault.ts'
import type { Outcome } from './session.ts'

type Columns = readonly [row: string, name: string, injected: string, required: string]

export class Table {
  private readonly widths: readonly number[]

  /** `faults` are those that will run: columns are as wide as their words. */
  constructor(faults: readonly Fault[]) {
    const all = [HEAD, ...faults.map(columnsOf)]
    this.widths = HEAD.map((_, i) => Math.max(...all.map((columns) => columns[i]?.length ?? 0)))
  }

  head(): string {
    return this.line('', HEAD, 'measured')
  }

  /** One line, and more only for what did not hold. */
  outcome({ rows, name, injected, required, measured, failures }: Outcome, seed: number): string {
    const row = rows.length === 1 ? String(rows[0]) : ''
    const verdict = failures.length === 0 ? 'held' : 'FAILED'
    const lines = [this.line(verdict, [row, name, injected, required], measured)]
    lines.push(...failures.map((failure) => `        ${failure}`))
    if (failures.length > 0) lines.push(`        again: ${repeatCommand(rows, seed)}`)
    return lines.join('\n')
  }

  /** What takes hours has a command of its own. */
  elsewhere(): string {
    return this.line('', ['30', 'memory leak / soak', 'hours of faults', 'flat'], 'npm run soak')
  }

  private line(verdict: string, columns: Columns, measured: string): string {
    const cells = columns.map((text, i) => text.padEnd(this.widths[i] ?? 0))
    return [verdict.padEnd(6), ...cells, measured].join('  ').trimEnd()
  }
}

const HEAD: Columns = ['row', 'fault', 'injected', 'required']

function columnsOf({ row, name, injected, required }: Fault): Columns {
  return [String(row), name, injected, required]
}

function repeatCommand(rows: readonly number[], seed: number): string {
  return `npm run chaos -- --seed ${seed} --only ${rows.join(',')}`
}
