/**
 * Rows that change their place glide there instead of jumping. Where a row was and where it is now
 * follows from the order alone, so nothing is measured. Nobody who asked for less motion sees it.
 */
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Slice } from '../../components/virtual.ts'

const GLIDE_MS = 260
/** When the order changes again and again, gliding would only be unrest. */
const CALM_FOR_MS = 400
/** Farther than this a row does not glide: the eye could not follow. */
const FARTHEST_ROWS = 12

const stillness = matchMedia('(prefers-reduced-motion: reduce)')

export function useGlide(
  body: RefObject<HTMLElement | null>,
  order: readonly string[],
  { row_px, above_px }: Slice,
): void {
  const before = useRef<readonly string[]>([])
  const changed_ms = useRef(0)
  useLayoutEffect(() => {
    const old = before.current
    before.current = order
    const is_same = old.length === order.length && order.every((id, index) => old[index] === id)
    if (is_same) return
    const is_calm = performance.now() - changed_ms.current >= CALM_FOR_MS
    changed_ms.current = performance.now()
    // Scrolled into the list, the browser itself keeps in place what is looked at.
    if (!is_calm || stillness.matches || row_px === 0 || above_px > 0) return
    const places = new Map(old.map((id, index) => [id, index]))
    const now = new Map(order.map((id, index) => [id, index]))
    for (const row of body.current?.querySelectorAll<HTMLElement>('[data-id]') ?? []) {
      const id = row.dataset.id ?? ''
      const moved = (places.get(id) ?? Number.NaN) - (now.get(id) ?? Number.NaN)
      if (!(Math.abs(moved) > 0 && Math.abs(moved) <= FARTHEST_ROWS)) continue
      row.animate([{ transform: `translateY(${moved * row_px}px)` }, { transform: 'none' }], {
        duration: GLIDE_MS,
        easing: 'cubic-bezier(0.2, 0.7, 0.3, 1)',
      })
    }
  })
}
