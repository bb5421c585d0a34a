/**
 * `node bench/restore.ts`: the restore drill with figures. A real worker under load and a history of
 * `--rows`; a backup while it writes, everything destroyed, restored, compared. Figures go to standard
 * output as JSON lines, a table for people to standard error. Ends with 1 when anything is missing or
 * differs; no figure is judged, machines differ.
 */
import { numbers } from './numbers.ts'
import { runDrill } from './restore/drill.ts'

const DEFAULTS = { rows: '200000', symbols: '6', rate: '5', seed: '7' }

// a developer's own stores are not for this
process.env.REDIS_URL = ''
process.env.DATABASE_URL = ''

const number = numbers(DEFAULTS)

const { loaded, at_rest, wrong } = await runDrill({
  seed: number('seed'),
  symbols: number('symbols'),
  rate: number('rate'),
  rows: number('rows'),
  onPhase: (phase) => process.stderr.write(`restore bench: ${phase}\n`),
})
for (const figures of [loaded, at_rest]) {
  process.stdout.write(`${JSON.stringify({ bench: 'restore', ...figures })}\n`)
}
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const s = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
process.stderr.write(
  `${[
    `backup under load: ${loaded.rows} rows, ${loaded.entries} stream entries, ${mb(loaded.bytes)} in ${s(loaded.backup_ms)}; ${loaded.events_meanwhile} events were published meanwhile`,
    `  restored in ${s(loaded.restore_ms)}; of ${loaded.published} opportunities published by then ${loaded.missing} are missing`,
    `backup at rest: ${at_rest.rows} rows, ${mb(at_rest.bytes)} in ${s(at_rest.backup_ms)}, restored in ${s(at_rest.restore_ms)}`,
    wrong.length === 0
      ? '  every table, the live set, the stream and the queues are equal'
      : `  ${wrong.length} WRONG:`,
    ...wrong.map((one) => `  ${one}`),
  ].join('\n')}\n`,
)
process.exitCode = wrong.length === 0 ? 0 : 1
