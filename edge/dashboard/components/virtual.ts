/**
 * Long lists: only the rows near the window are in the document. Every row is as high as the custom
 * property `--row` of the list says, in pixels, so that nothing has to be measured while it scrolls.
 */
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Rows beyond the edges of the window, so that a quick finger finds them there. */
const OVERSCAN = 8
/** Lists up to this long are shown whole. */
const WHOLE_UP_TO = 40

export interface Slice {
  readonly first: number
  /** after the last one */
  readonly end: number
  /** heights of what is left out, in pixels */
  readonly above_px: number
  readonly below_px: number
  readonly row_px: number
}

/** `list` is the element that holds the rows, and nothing else. */
export function useSlice(list: RefObject<HTMLElement | null>, count: number): Slice {
  const [view, setView] = useState({ first: 0, end: WHOLE_UP_TO, row_px: 0 })
  const row_px = useRef(0)

  useLayoutEffect(() => {
    const look = () => {
      const { current } = list
      if (current === null) return
      row_px.current ||= rowHeight(current)
      if (row_px.current === 0) return
      const top = -current.getBoundingClientRect().top
      const first = Math.max(Math.floor(top / row_px.current) - OVERSCAN, 0)
      const end = Math.ceil((top + innerHeight) / row_px.current) + OVERSCAN
      setView((before) =>
        before.first === first && before.end === end && before.row_px === row_px.current
          ? before
          : { first, end, row_px: row_px.current },
      )
    }
    const measure = () => {
      row_px.current = 0
      look()
    }
    look()
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', measure)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', measure)
    }
  }, [list, count > 0])

  if (count <= WHOLE_UP_TO || view.row_px === 0) {
    return {
      first: 0,
      end: Math.min(count, WHOLE_UP_TO),
      above_px: 0,
      below_px: Math.max(count - WHOLE_UP_TO, 0) * view.row_px,
      row_px: view.row_px,
    }
  }
  const end = Math.min(Math.max(view.end, 0), count)
  const first = Math.min(view.first, end)
  return {
    first,
    end,
    above_px: first * view.row_px,
    below_px: (count - end) * view.row_px,
    row_px: view.row_px,
  }
}

function rowHeight(list: HTMLElement): number {
  return Number(getComputedStyle(list).getPropertyValue('--row')) || 0
}
