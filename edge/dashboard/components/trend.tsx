/** How the net profit moved since this page first heard of it. A drawing: floats are fine here. */

const WIDTH = 88
const HEIGHT = 26
const MARGIN = 3

export function Trend({ values }: { values: readonly string[] }) {
  const points = place(values.map(Number))
  const last = points.at(-1)
  if (last === undefined) return null
  const line = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')
  const first = points[0] ?? last
  return (
    <svg class="trend" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <polygon
        class="trend-area"
        points={`${first.x.toFixed(1)},${HEIGHT} ${line} ${last.x.toFixed(1)},${HEIGHT}`}
      />
      <polyline class="trend-line" points={line} />
      <circle class="trend-now" cx={last.x} cy={last.y} r="2.2" />
    </svg>
  )
}

function place(values: readonly number[]): { x: number; y: number }[] {
  const low = Math.min(...values)
  const span = Math.max(...values) - low
  const step = (WIDTH - 2 * MARGIN) / Math.max(values.length - 1, 1)
  return values.map((value, index) => ({
    x: values.length === 1 ? WIDTH - MARGIN : MARGIN + index * step,
    // A flat line stands in the middle: it is not a floor and not a ceiling.
    y: HEIGHT - MARGIN - (span === 0 ? 0.5 : (value - low) / span) * (HEIGHT - 2 * MARGIN),
  }))
}
