/**
 * `npm run bench`: every section in turn, each in a process of its own so that none pays for the
 * garbage of another. JSON lines go to standard output, tables to standard error. Ends with 1 when a
 * section found something wrong; no figure is judged, machines differ.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const SECTIONS = [
  'fast.ts',
  'detection.ts',
  'worker.ts',
  'edge.ts',
  'alerts.ts',
  'dashboard.ts',
  'failover.ts',
  'restore.ts',
  'hostile.ts',
  'frozen.ts',
]

for (const section of SECTIONS) {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, section)], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exitCode = 1
}
