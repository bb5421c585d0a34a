/**
 * Going from place to place without loading the page again. Links are plain links: whatever a
 * browser does with them (a new tab, a copy of the address) goes on working.
 */
import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { type Changes, hrefOf, type Place, placeOf } from '../model/place.ts'

export interface Navigation {
  place(): Place
  /** `replace`: back does not come here again, as while somebody types into a filter. */
  go(href: string, options?: { readonly replace: boolean }): void
  /** `moved` is told whether it was a new page, forwards. */
  subscribe(moved: (is_new: boolean) => void): () => void
}

export function createNavigation(): Navigation {
  const listeners = new Set<(is_new: boolean) => void>()
  const tell = (is_new: boolean) => {
    for (const listener of [...listeners]) listener(is_new)
  }
  function go(href: string, { replace } = { replace: false }): void {
    if (href === location.pathname + location.search) return
    if (replace) history.replaceState(null, '', href)
    else history.pushState(null, '', href)
    tell(!replace)
  }
  addEventListener('popstate', () => tell(false))
  document.addEventListener('click', (event) => {
    const href = localLink(event)
    if (href === null) return
    event.preventDefault()
    go(href)
  })
  return {
    place: () => placeOf(location.pathname, location.search),
    go,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Where a plain click on a link leads, when that is one of our pages. */
function localLink(event: MouseEvent): string | null {
  if (event.defaultPrevented || event.button !== 0) return null
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (link === null || link.target !== '' || link.hasAttribute('download')) return null
  const to = new URL(link.href)
  if (to.origin !== location.origin || to.hash !== '') return null
  return placeOf(to.pathname, to.search).page === null ? null : to.pathname + to.search
}

export const NavigationContext = createContext<Navigation | null>(null)

export function useNavigation(): Navigation {
  const navigation = useContext(NavigationContext)
  if (navigation === null) throw new Error('there is no navigation around this part of the page')
  return navigation
}

export function usePlace(): Place {
  const navigation = useNavigation()
  const [place, setPlace] = useState(navigation.place)
  useEffect(() => navigation.subscribe(() => setPlace(navigation.place())), [navigation])
  return place
}

/** The parameters of the address, and how to change some of them. */
export function useParams() {
  const navigation = useNavigation()
  const place = usePlace()
  return {
    params: place.params,
    href: (changes: Changes) => hrefOf(place, changes),
    change: (changes: Changes, options?: { readonly replace: boolean }) =>
      navigation.go(hrefOf(navigation.place(), changes), options),
  }
}
