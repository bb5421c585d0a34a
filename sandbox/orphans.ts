/**
 * A store that an earlier, killed run left running on the same data folder would refuse a second one.
 * Ends exactly that process: the pid file must name it and its command line must name the folder.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from './run.ts'

const DEADLINE_MS = 5_000

export async function endOrphan(
  pid_file: string,
  folder: string,
  signal: NodeJS.Signals,
): Promise<void> {
  const text = await readFile(pid_file, 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  if (!Number.isSafeInteger(pid) || pid <= 1 || pid === process.pid) return
  const { stdout } = await run('ps', ['-o', 'args=', '-p', String(pid)])
  if (!stdout.includes(folder)) return
  for (const attempt of [signal, 'SIGKILL'] as const) {
    try {
      process.kill(pid, attempt)
      for (let waited_ms = 0; waited_ms < DEADLINE_MS; waited_ms += 50) {
        process.kill(pid, 0)
        await delay(50)
      }
    } catch {
      return // it is gone
    }
  }
}
