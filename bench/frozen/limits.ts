/** Whether this machine lets one process have so many connections. */
import { readFile } from 'node:fs/promises'

/** files that are open besides */
const OTHERS = 500

/**
 * Node raises its own limit to the hard one when it starts, and workerd inherits it: only the hard one counts.
 * @throws Error that says what to do
 */
export async function requireOpenFiles(readers: number): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8')
  const hard = Number(
    /^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY,
  )
  const needed = readers + OTHERS
  if (hard >= needed) return
  throw new Error(
    `${readers} readers need ${needed} open files, and this shell allows ${hard}: ` +
      `raise the hard limit (ulimit -Hn ${needed}) or ask for fewer (--readers ${hard - OTHERS})`,
  )
}
