/**
 * Which page an address names, and what its parameters ask for. Every filter lives in the address,
 * so that a view can be sent to somebody, and so that back and forward work. Pure: it moves nothing.
 */

export const PAGES = [
  { id: 'live', path: '/', name: 'Live' },
  { id: 'spreads', path: '/spreads', name: 'Spreads' },
  { id: 'history', path: '/history', name: 'History' },
  { id: 'exchanges', path: '/exchanges', name: 'Exchanges' },
  { id: 'near-misses', path: '/near-misses', name: 'Near misses' },
  { id: 'alerts', path: '/alerts', name: 'Alerts' },
] as const

export type PageId = (typeof PAGES)[number]['id']

export interface Place {
  /** null: there is no such page */
  readonly page: PageId | null
  readonly path: string
  readonly params: URLSearchParams
}

/** Null: taken out of the address. */
export type Changes = Readonly<Record<string, string | null>>

export function placeOf(path: string, search: string): Place {
  const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path
  const page = PAGES.find((one) => one.path === trimmed)
  return { page: page?.id ?? null, path: trimmed, params: new URLSearchParams(search) }
}

/** The same place with other parameters; what is empty is left out. */
export function hrefOf({ path, params }: Pick<Place, 'path' | 'params'>, changes: Changes): string {
  const next = new URLSearchParams(params)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name)
    else next.set(name, value)
  }
  // People read addresses: a slash and a comma may stand in a query as they are.
  const query = next.toString().replaceAll('%2F', '/').replaceAll('%2C', ',')
  return query === '' ? path : `${path}?${query}`
}
