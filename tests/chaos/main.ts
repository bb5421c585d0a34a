/**
 * `npm run chaos`: every fault of the matrix against the real processes, a line each. Ends with 1
 * when anything did not hold, and says how to see it again. Options: `--seed N`, `--only ROW,ROW`,
 * `--minutes N` (longer faults, and seed after seed until the time is up).
 */
import { parseArgs } from 'node:util'
import { FAULTS, TURNS } from './faults.ts'
import { runFaults } from './session.ts'
import { Table } from './table.ts'

const FIRST_SEED = 1

// a developer's own stores are not for this
process.env.REDIS_URL = ''
process.env.DATABASE_URL = ''

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(FIRST_SEED) },
    minutes: { type: 'string' },
    only: { type: 'string' },
  },
})
const first_seed = wholeNumber('seed', values.seed)
const minutes = values.minutes === undefined ? undefined : wholeNumber('minutes', values.minutes)
const turns = chosen(values.only)
const table = new Table(turns.flat())
const until_ms = performance.now() + (minutes ?? 0) * 60_000

let failures = 0
process.stdout.write(`${table.head()}\n`)
for (let seed = first_seed; seed === first_seed || performance.now() < until_ms; seed++) {
  if (seed !== first_seed) process.stdout.write(`seed ${seed}\n`)
  await runFaults(turns, {
    seed,
    timed: true,
    minutes,
    log: (line) => process.stderr.write(`chaos: ${line}\n`),
    onOutcome(outcome) {
      process.stdout.write(`${table.outcome(outcome, seed)}\n`)
      failures += outcome.failures.length
    },
  })
}
process.stdout.write(`${table.elsewhere()}\n`)
process.exitCode = failures === 0 ? 0 : 1

/** @throws Error that names the option */
function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`--${name} takes a whole number from 1, not "${text}"`)
  }
  return value
}

/** @throws Error when a row is not there */
function chosen(only: string | undefined) {
  if (only === undefined) return TURNS
  const rows = only.split(',').map((text) => wholeNumber('only', text))
  const missing = rows.filter((row) => !FAULTS.some((fault) => fault.row === row))
  if (missing.length > 0) throw new Error(`--only: there is no row ${missing.join(', ')} here`)
  return TURNS.map((turn) => [turn].flat().filter(({ row }) => rows.includes(row)))
}
