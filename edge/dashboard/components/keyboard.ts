/** Moving through a list by keyboard: rows by arrow, and a place that is not lost with its row. */
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** Up and down go from row to row; Enter is the link's own. */
export function walkRows(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step === undefined) return
  const links = rowLinks(event.currentTarget)
  const at = links.findIndex((link) => link.matches(':focus'))
  if (at < 0) return
  event.preventDefault()
  links[at + step]?.focus()
}

/** When the row that has the focus leaves, the one that takes its place gets it, or the list. */
export function useKeptFocus(list: RefObject<HTMLElement | null>, ids: readonly string[]): void {
  const before = useRef<readonly string[]>([])
  // Read while drawing: afterwards the row is gone and the browser has forgotten the focus.
  const focused = document.activeElement?.closest<HTMLElement>('.row')?.dataset.id
  useLayoutEffect(() => {
    const place = focused === undefined ? -1 : before.current.indexOf(focused)
    before.current = ids
    if (place < 0 || list.current === null || ids.includes(focused ?? '')) return
    const next = list.current.querySelector<HTMLElement>(
      `.row[data-id="${CSS.escape(ids[Math.min(place, ids.length - 1)] ?? '')}"] .row-link`,
    )
    const target = next ?? list.current
    target.focus()
  })
}

function rowLinks(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>('.row .row-link')]
}
