/**
 * The operator's API keys as settings: `<EXCHANGE>_API_KEY` and `<EXCHANGE>_API_SECRET`, both or
 * neither. It only names and pairs them; config.ts reads them, and nobody prints them.
 */
import { z } from 'zod'

export interface ApiKey {
  readonly id: string
  readonly secret: string
}

/** `keyed_ids`: the exchanges whose account can be read with a key, here and below. */
export function keyVariables(keyed_ids: readonly string[]): string[] {
  return keyed_ids.flatMap((id) => [keyVariable(id), secretVariable(id)])
}

/** Optional, each with the other. */
export function keySettings(keyed_ids: readonly string[]) {
  const setting = z
    .string()
    .regex(/^[!-~]+$/, 'a key without spaces')
    .optional()
  return Object.fromEntries(keyVariables(keyed_ids).map((name) => [name, setting]))
}

function keyVariable(id: string): string {
  return `${id.toUpperCase()}_API_KEY`
}

function secretVariable(id: string): string {
  return `${id.toUpperCase()}_API_SECRET`
}

export function apiKeysOf(
  values: Readonly<Record<string, string | undefined>>,
  keyed_ids: readonly string[],
): Map<string, ApiKey> {
  const keys = new Map<string, ApiKey>()
  for (const exchange of keyed_ids) {
    const [id, secret] = [values[keyVariable(exchange)], values[secretVariable(exchange)]]
    if (id !== undefined && secret !== undefined) keys.set(exchange, { id, secret })
  }
  return keys
}

/** A key without its secret, or the other way round, is a mistake and no wish for list fees. */
export function halfKeys(
  present: Readonly<Record<string, string>>,
  keyed_ids: readonly string[],
): { readonly variable: string; readonly expected: string }[] {
  return keyed_ids.flatMap((id) => {
    const names = [keyVariable(id), secretVariable(id)]
    const missing = names.filter((name) => present[name] === undefined)
    if (missing.length !== 1) return []
    const given = names.filter((name) => present[name] !== undefined)
    return missing.map((variable) => {
      return { variable, expected: `the other half of ${given.join()}` }
    })
  })
}
