/**
 * `npm run sim`: the worker's core in small seeded worlds under virtual time, watched by what was
 * true. Ends with 1 at the first seed that breaks a promise, which is told in a short story. Without
 * options it goes on for a minute.
 */
import { systemClock as clock } from '../shared/clock.ts'
import { readArguments } from './arguments.ts'
import { type ConfigProblem, describeProblem } from './config/problems.ts'
import { tellOperator } from './ops/log.ts'
import { simulate, tellFailure } from './sim/simulate.ts'
import { Tally } from './sim/tally.ts'

interface Options {
  readonly seed: number
  /** infinite while only time ends it */
  readonly seeds: number
  readonly minutes: number
}

const USAGE = 'usage: npm run sim -- [--seed N] [--seeds N | --minutes N]'
const MOST_SEED = 2 ** 52

function readOptions(argv: readonly string[]): Options | readonly ConfigProblem[] {
  const { values, rest, problems } = readArguments(argv, ['seeds', 'minutes', 'seed'])
  const found = [...problems]
  const positive = (name: string, most: number, is_whole: boolean): number | null => {
    const value = values[name]
    if (value === undefined) return null
    const number = Number(value)
    if (number > 0 && number <= most && (!is_whole || Number.isInteger(number))) return number
    const expected = is_whole ? `a whole number from 1 to ${most}` : 'a number above 0'
    found.push({ variable: `--${name}`, value, expected })
    return null
  }
  const seed = positive('seed', MOST_SEED, true)
  const seeds = positive('seeds', MOST_SEED, true)
  const minutes = positive('minutes', 10_000, false)
  for (const value of rest) found.push({ variable: 'arguments', value, expected: 'options only' })
  if (seeds !== null && minutes !== null) {
    const value = String(values.minutes)
    found.push({ variable: '--minutes', value, expected: 'to be left out where --seeds is given' })
  }
  if (found.length > 0) return found
  if (minutes !== null) return { seed: seed ?? 1, seeds: Number.POSITIVE_INFINITY, minutes }
  if (seeds !== null) return { seed: seed ?? 1, seeds, minutes: Number.POSITIVE_INFINITY }
  if (seed !== null) return { seed, seeds: 1, minutes: Number.POSITIVE_INFINITY }
  return { seed: 1, seeds: Number.POSITIVE_INFINITY, minutes: 1 }
}

async function run({ seed: first, seeds, minutes }: Options): Promise<void> {
  const tally = new Tally()
  const begin_ms = clock.monotonic_ms()
  const end_ms = begin_ms + minutes * 60_000
  let lived = 0
  let failed: string | null = null
  while (failed === null && lived < seeds && clock.monotonic_ms() < end_ms) {
    const seed = first + lived
    const { failure } = await simulate(seed, tally)
    lived++
    if (failure !== null) failed = await tellFailure(seed, failure)
  }
  const elapsed_ms = clock.monotonic_ms() - begin_ms
  report(lived, elapsed_ms, tally)
  if (failed === null) return
  tellOperator(failed)
  process.exitCode = 1
}

function report(lived: number, elapsed_ms: number, tally: Tally): void {
  const per_minute = Math.round((lived / elapsed_ms) * 60_000)
  const lines = tally.all().map(([what, times]) => `${number(times)}  ${what}`)
  const seconds = (elapsed_ms / 1_000).toFixed(1)
  const title = `${lived} seeds in ${seconds} s, ${per_minute} a minute; what happened how often:`
  process.stdout.write(`${[title, ...lines].join('\n')}\n`)
}

const number = (value: number) => value.toLocaleString('en').padStart(12)

const options = readOptions(process.argv.slice(2))
if ('seed' in options) {
  await run(options)
} else {
  tellOperator([...options.map(describeProblem), USAGE].join('\n'))
  process.exitCode = 1
}
