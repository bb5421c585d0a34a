/** What a section of the bench is told on its command line: positive numbers, each with a default. */
import { parseArgs } from 'node:util'

/** @throws Error with the option and its value when that is no positive number, or the option unknown */
export function numbers<N extends string>(
  defaults: Readonly<Record<N, string>>,
): (name: N) => number {
  const names = Object.keys(defaults) as N[]
  const { values } = parseArgs({
    options: Object.fromEntries(
      names.map((name) => [name, { type: 'string', default: defaults[name] }] as const),
    ),
  })
  const given: Readonly<Record<string, unknown>> = values
  return (name) => {
    const value = Number(given[name])
    if (!(value > 0)) throw new Error(`--${name} takes a positive number, not ${given[name]}`)
    return value
  }
}
