/** Moving through the table by keyboard: rows by arrow, and a place that is not lost with its row. */
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** Up and down go from row to row, Escape closes the one that is open. */
export function walkRows(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const buttons = rowButtons(event.currentTarget)
  const at = buttons.findIndex((button) => button.matches(':focus'))
  if (at < 0) return
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step !== undefined) {
    event.preventDefault()
    buttons[at + step]?.focus()
  } else if (event.key === 'Escape' && buttons[at]?.getAttribute('aria-expanded') === 'true') {
    buttons[at]?.click()
  }
}

/** When the row that has the focus leaves, the one that takes its place gets it, or the table. */
export function useKeptFocus(table: RefObject<HTMLElement | null>, ids: readonly string[]): void {
  const before = useRef<readonly string[]>([])
  // Read while drawing: afterwards the row is gone and the browser has forgotten the focus.
  const focused = document.activeElement?.closest<HTMLElement>('.row')?.dataset.id
  useLayoutEffect(() => {
    const place = focused === undefined ? -1 : before.current.indexOf(focused)
    before.current = ids
    if (place < 0 || table.current === null || ids.includes(focused ?? '')) return
    const buttons = rowButtons(table.current)
    const next = buttons[Math.min(place, buttons.length - 1)] ?? table.current
    next.focus()
  })
}

function rowButtons(table: HTMLElement): HTMLElement[] {
  return [...table.querySelectorAll<HTMLElement>('.row .disclose')]
}
