/** Bars for how many, a line for what half of them made at most. Bins without any break the line. */
import { useState } from 'preact/hooks'
import { count } from '../../../../shared/figures.ts'
import { Chart, Lines } from '../../components/chart.tsx'
import { Nothing } from '../../components/parts.tsx'
import { clockTime, dayAndTime, percent } from '../../model/format.ts'
import { type Bin, HOUR_MS } from '../../model/history.ts'
import { pathOf, scale, ticks } from '../../model/scale.ts'

const HEIGHT = 230
const LEFT = 44
const RIGHT = 56
const TOP = 12
const BOTTOM = 26

export function TimeChart({ bins, bin_ms }: { bins: readonly Bin[]; bin_ms: number }) {
  const [pointed, point] = useState<number | null>(null)
  const most = Math.max(...bins.map((bin) => bin.count), 0)
  const total = bins.reduce((sum, bin) => sum + bin.count, 0)
  if (total === 0) {
    return (
      <Nothing title="Nothing in this range">
        <p>No opportunity that passes the filters was detected in it.</p>
      </Nothing>
    )
  }
  const medians = bins.flatMap(({ median_percent }) =>
    median_percent === null ? [] : [Number(median_percent)],
  )
  const highest = Math.max(...medians)
  const shown = pointed === null ? undefined : bins[pointed]
  const unit = bin_ms < HOUR_MS ? `${bin_ms / 60_000} minutes` : 'an hour'
  return (
    <figure>
      <p class="readout">
        {shown === undefined ? (
          <>
            <b>{count(total)}</b> in all · at most {count(most)} in {unit}
          </>
        ) : (
          <>
            <b>{count(shown.count)}</b> · {nameOf(shown.from_ms, bin_ms)}
            {shown.median_percent !== null && (
              <span class="good"> · median {percent(shown.median_percent)}%</span>
            )}
          </>
        )}
      </p>
      <Chart
        label={`${count(total)} opportunities; at most ${count(most)} in ${unit}, median net profit up to ${highest.toFixed(2)} percent`}
        height={HEIGHT}
        class="pointed"
        onPoint={(x, width) => point(x === null ? null : binAt(x, width, bins.length))}
      >
        {(width) => {
          const right = width - RIGHT
          const x = scale([0, bins.length], [LEFT, right])
          const y = scale([0, most], [HEIGHT - BOTTOM, TOP])
          const net = scale([0, highest], [HEIGHT - BOTTOM, TOP])
          const bar = Math.max((right - LEFT) / bins.length, 0.5)
          const gap = bar > 4 ? Math.min(bar * 0.2, 4) : 0
          return (
            <>
              <Lines
                values={ticks(0, most, 4).filter(Number.isInteger)}
                y={y}
                from={LEFT}
                to={right}
                name={count}
              />
              {bins.map((bin, index) => (
                <rect
                  key={bin.from_ms}
                  class={index === pointed ? 'bar bar-pointed' : 'bar'}
                  x={x(index) + gap / 2}
                  width={bar - gap}
                  y={y(bin.count)}
                  height={HEIGHT - BOTTOM - y(bin.count)}
                />
              ))}
              {runs(bins).map((run) => (
                <path
                  key={run[0]?.index}
                  class="line-median"
                  d={pathOf(run.map(({ index, value }) => ({ x: x(index + 0.5), y: net(value) })))}
                />
              ))}
              {runs(bins).flatMap((run) =>
                run.length === 1
                  ? run.map(({ index, value }) => (
                      <circle
                        key={index}
                        class="dot-median"
                        cx={x(index + 0.5)}
                        cy={net(value)}
                        r="2.5"
                      />
                    ))
                  : [],
              )}
              {ticks(0, highest, 3).map((value) => (
                <text key={value} class="tick tick-median" x={right + 8} y={net(value) + 4}>
                  {value.toFixed(2)}%
                </text>
              ))}
              {timeMarks(bins, bin_ms, (right - LEFT) / 90).map((index) => (
                <text key={index} class="tick tick-middle" x={x(index + 0.5)} y={HEIGHT - 8}>
                  {markName(bins[index]?.from_ms ?? 0, bins.length * bin_ms)}
                </text>
              ))}
            </>
          )
        }}
      </Chart>
      <figcaption class="legend">
        <span class="key key-count">opportunities in {unit}</span>
        <span class="key key-median">median net profit</span>
      </figcaption>
    </figure>
  )
}

interface Point {
  readonly index: number
  readonly value: number
}

/** Stretches without an empty bin. */
function runs(bins: readonly Bin[]): Point[][] {
  const found: Point[][] = [[]]
  for (const [index, { median_percent }] of bins.entries()) {
    if (median_percent === null) found.push([])
    else found.at(-1)?.push({ index, value: Number(median_percent) })
  }
  return found.filter((run) => run.length > 0)
}

function binAt(x: number, width: number, length: number): number | null {
  const index = Math.floor(((x - LEFT) / (width - RIGHT - LEFT)) * length)
  return index >= 0 && index < length ? index : null
}

/** About so many bins that begin at a round time. */
function timeMarks(bins: readonly Bin[], bin_ms: number, wanted: number): number[] {
  const steps = [5, 10, 15, 60, 180, 360, 720, 1_440, 2_880, 7_200].map(
    (minutes) => minutes * 60_000,
  )
  const length_ms = bins.length * bin_ms
  const step_ms = steps.find((one) => one >= bin_ms && length_ms / one <= wanted) ?? length_ms
  return bins.flatMap(({ from_ms }, index) => (from_ms % step_ms === 0 ? [index] : []))
}

function markName(at_ms: number, length_ms: number): string {
  const words = dayAndTime(new Date(at_ms).toISOString())
  return length_ms > 48 * HOUR_MS
    ? words.slice(0, words.indexOf(','))
    : clockTime(at_ms).slice(0, 5)
}

function nameOf(at_ms: number, bin_ms: number): string {
  const from = dayAndTime(new Date(at_ms).toISOString()).replace(/:\d\d UTC$/, '')
  return `${from}–${clockTime(at_ms + bin_ms).slice(0, 5)} UTC`
}
