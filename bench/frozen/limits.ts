/** Whether this machine lets one process have so many connections. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** files that are open besides */
const OTHERS = 500
/** workerd holds each connection twice */
const FILES_A_READER = 2

/**
 * Node raises its own limit to the hard one when it starts, and workerd inherits it: only the hard one
 * counts. Where it is too low this program is run again with a higher one, which root may.
 * Returns how that run ended, or null when there is room enough.
 * @throws Error that says what to do when the limit cannot be raised
 */
export function withOpenFiles(readers: number): number | null {
  const needed = readers * FILES_A_READER + OTHERS
  const hard = hardLimit()
  if (hard >= needed) return null
  const raise = `ulimit -n ${needed} 2>/dev/null || exit 99; exec "$@"`
  const args = ['-c', raise, 'sh', process.execPath, ...process.argv.slice(1)]
  const { status } = spawnSync('sh', args, { stdio: 'inherit' })
  if (status !== 99) return status ?? 1
  const fewer = Math.floor((hard - OTHERS) / FILES_A_READER)
  throw new Error(
    `${readers} readers need ${needed} open files, and this shell allows ${hard}: raise the hard ` +
      `limit (ulimit -Hn ${needed}) or ask for fewer (--readers ${fewer})`,
  )
}

function hardLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
}
