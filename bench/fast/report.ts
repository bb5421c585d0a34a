/** The fast path's figures for machines, a JSON line each, and for people, one table. */
import type { Checked, Figure } from './figures.ts'

const TITLES: Readonly<Record<string, string>> = {
  book: 'frame → book',
  detection: 'frame → book → detection',
  sockets: 'socket → book, CPU',
  garbage: 'garbage, bytes',
  tail: 'p99.99',
}

export function jsonLines(figures: readonly Figure[], checked: readonly Checked[]): string[] {
  return [
    ...figures.map((figure) => {
      const reached = figure.ratio <= figure.goal
      return JSON.stringify({ bench: 'fast', ...figure, reached }, rounded)
    }),
    ...checked.map((one) => JSON.stringify({ bench: 'fast', what: 'checked', ...one })),
  ]
}

export function table(figures: readonly Figure[], checked: readonly Checked[]): string {
  return [
    row('', '', 'JSON', 'ours', 'ratio', 'goal'),
    ...figures.map(({ what, frames, exchange, floor, ours, ratio, goal }) =>
      row(
        TITLES[what] ?? what,
        `${exchange} ${frames}`,
        floor.toFixed(0),
        ours.toFixed(0),
        ratio.toFixed(2),
        `${ratio <= goal ? 'reached' : 'MISSED'} ${goal.toFixed(2)}`,
      ),
    ),
    '',
    ...checked.map(({ frames, exchange, counts }) => {
      const { books_live, books_total, gaps, checksums_ok, checksums_failed, slow_path } = counts
      const checksums = `checksums ${checksums_ok} ok ${checksums_failed} failed`
      const slow = `${((100 * slow_path) / counts.frames).toFixed(2)} % slow path`
      return `${exchange} ${frames}: ${counts.frames} frames, ${books_live} of ${books_total} books live, ${gaps} gaps, ${checksums}, ${slow}`
    }),
  ].join('\n')
}

function row(title: string, frames: string, ...cells: readonly string[]): string {
  return title.padEnd(26) + frames.padEnd(20) + cells.map((cell) => cell.padStart(14)).join('')
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value
}
