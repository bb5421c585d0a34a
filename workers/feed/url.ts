/** Addresses of exchanges: production defaults, and overrides that may name only a host. */

/**
 * The address to use for `default_url` when an operator points it elsewhere. An override without a
 * path gets the default's path, one with a path is used as it is.
 * @throws TypeError when the override is not a URL.
 */
export function resolveUrl(override: string | undefined, default_url: string): string {
  if (override === undefined || override === '') return default_url
  const url = new URL(override)
  if (url.pathname !== '/') return override
  url.pathname = new URL(default_url).pathname
  return withoutTrailingSlash(url.href)
}

/** A REST path below a base address that may itself have a path. */
export function restUrl(base: string, path: string): string {
  return withoutTrailingSlash(base) + path
}

function withoutTrailingSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}
