/** What every chart needs: its width in pixels, so that letters keep their shape, and its axis. */
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Scale } from '../model/scale.ts'

interface ChartProps {
  /** what it shows, in a sentence with its figures: the drawing says no more */
  label: string
  height: number
  class?: string
  /** where the pointer is, in pixels; null: it left */
  onPoint?: (x: number | null, width: number) => void
  children: (width: number) => ComponentChildren
}

/** Nothing is drawn before the width is known. */
export function Chart({ label, height, class: more = '', onPoint, children }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const { current } = frame
    if (current === null) return
    const measure = () => setWidth(Math.floor(current.clientWidth))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(current)
    return () => observer.disconnect()
  }, [])
  return (
    <div
      ref={frame}
      class={`chart ${more}`}
      style={{ height: `${height}px` }}
      onPointerMove={(event) =>
        onPoint?.(event.clientX - event.currentTarget.getBoundingClientRect().left, width)
      }
      onPointerLeave={() => onPoint?.(null, width)}
    >
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          {children(width)}
        </svg>
      )}
    </div>
  )
}

interface AxisProps {
  values: readonly number[]
  y: Scale
  from: number
  to: number
  name: (value: number) => string
}

/** Faint lines with their figures at the left. */
export function Lines({ values, y, from, to, name }: AxisProps) {
  return (
    <g class="grid">
      {values.map((value) => (
        <g key={value}>
          <line x1={from} x2={to} y1={Math.round(y(value)) + 0.5} y2={Math.round(y(value)) + 0.5} />
          <text x={from - 6} y={y(value) + 4} class="tick tick-left">
            {name(value)}
          </text>
        </g>
      ))}
    </g>
  )
}
