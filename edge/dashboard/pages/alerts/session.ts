/**
 * The key that somebody typed, for as long as the tab is open and no longer. Nothing else of the page
 * sees it, and it goes nowhere but to our own API.
 */
const NAME = 'spreadwire.key'

export function readKey(): string | null {
  try {
    return sessionStorage.getItem(NAME)
  } catch {
    return null
  }
}

/** Null forgets it. Where storage is forbidden it is kept until the page is left. */
export function writeKey(key: string | null): void {
  try {
    if (key === null) sessionStorage.removeItem(NAME)
    else sessionStorage.setItem(NAME, key)
  } catch {
    // as said above
  }
}
