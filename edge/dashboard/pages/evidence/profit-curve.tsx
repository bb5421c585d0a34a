/** What a smaller order would have made: profit against size, from the levels themselves. */
import { useMemo, useState } from 'preact/hooks'
import type { Opportunity } from '../../../../shared/opportunity.ts'
import { Chart, Lines } from '../../components/chart.tsx'
import { profitCurve } from '../../model/curve.ts'
import { amount, percent } from '../../model/format.ts'
import { pathOf, plain, scale, ticks } from '../../model/scale.ts'
import { assetPath } from '../../model/view.ts'

const HEIGHT = 150
const LEFT = 78
const RIGHT = 18
const BOTTOM = 24

export function ProfitCurve({ opportunity }: { opportunity: Opportunity }) {
  const { legs } = opportunity
  const points = useMemo(() => profitCurve(legs), [legs])
  const [pointed, point] = useState<number | null>(null)
  const last = points.at(-1)
  if (last === undefined) return <p class="note">The evidence holds no levels.</p>
  const [coin = ''] = assetPath(opportunity)
  const [base = ''] = legs[0]?.symbol.split('/') ?? []
  const values = [0, ...points.map(({ profit }) => Number(profit))]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const shown = (pointed === null ? undefined : points[pointed]) ?? last
  return (
    <figure>
      <p class="readout">
        <b>{amount(shown.profit)}</b> {coin} on {amount(shown.size)} {base}
        <span class="unit"> · {percent(shown.profit_percent)}%</span>
      </p>
      <Chart
        label={`Net profit grows with the size to ${amount(last.profit)} ${coin} for ${amount(last.size)} ${base}`}
        height={HEIGHT}
        onPoint={(x, width) => point(x === null ? null : indexAt(x, width, points.length))}
      >
        {(width) => {
          const right = width - RIGHT
          const x = scale([0, Number(last.size)], [LEFT, right])
          const y = scale([low, high], [HEIGHT - BOTTOM, 10])
          const line = [
            { x: x(0), y: y(0) },
            ...points.map(({ size, profit }) => ({ x: x(Number(size)), y: y(Number(profit)) })),
          ]
          return (
            <>
              <Lines
                values={ticks(low, high, 3)}
                y={y}
                from={LEFT}
                to={right}
                name={(value) => amount(plain(value))}
              />
              <path class="area-net" d={`${pathOf([...line, { x: right, y: y(0) }])}Z`} />
              <path class="line-bid" d={pathOf(line)} />
              <circle
                class="dot-now"
                cx={x(Number(shown.size))}
                cy={y(Number(shown.profit))}
                r="3.5"
              />
              <text class="tick" x={LEFT} y={HEIGHT - 6}>
                0
              </text>
              <text class="tick tick-left" x={right} y={HEIGHT - 6}>
                {amount(last.size)} {base}
              </text>
            </>
          )
        }}
      </Chart>
    </figure>
  )
}

function indexAt(x: number, width: number, count: number): number {
  const share = (x - LEFT) / (width - RIGHT - LEFT)
  return Math.min(Math.max(Math.round(share * count) - 1, 0), count - 1)
}
