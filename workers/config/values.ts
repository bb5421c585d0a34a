/**
 * The kinds of value that a setting may have. Each says in one phrase what it expects, for that is what
 * the operator reads; none of them knows a variable.
 */
import { z } from 'zod'

/** A number with bounds; the message is what the operator reads. */
export function number(initial: number, minimum: number, maximum: number) {
  const expected = `a number from ${minimum} to ${maximum}`
  return z
    .string()
    .regex(/^\d+(\.\d+)?$/, expected)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, expected)
    .default(initial)
}

export function integer(initial: number, minimum: number, maximum: number) {
  const expected = `an integer from ${minimum} to ${maximum}`
  return z
    .string()
    .regex(/^\d+$/, expected)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, expected)
    .default(initial)
}

export function address(protocols: readonly string[]) {
  const expected = `a URL that starts with ${protocols.map((name) => `${name}://`).join(' or ')}`
  return z.string(expected).refine((value) => {
    const url = URL.parse(value)
    return url !== null && url.host !== '' && protocols.includes(url.protocol.slice(0, -1))
  }, expected)
}

export function list(member: (value: string) => boolean, expected: string) {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .refine((parts) => parts.every(member), expected)
    .refine((parts) => new Set(parts).size === parts.length, `${expected}, none of them twice`)
}

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `one of ${values.join(', ')}`)
