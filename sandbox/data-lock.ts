/**
 * One stack a data folder: a second would stop the first one's stores. The lock is a file that names
 * the process and when it started, so a killed run's file never locks anybody out.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SetupError } from './failure.ts'
import { run } from './run.ts'

/** @returns what gives the folder back · @throws SetupError when a running stack has it */
export async function claimDataFolder(data_dir: string): Promise<() => Promise<void>> {
  await mkdir(data_dir, { recursive: true })
  const file = join(data_dir, 'stack.pid')
  const owner = (await readFile(file, 'utf8').catch(() => '')).trim()
  const pid = Number.parseInt(owner, 10)
  if (pid > 0 && pid !== process.pid && (await identity(pid)) === owner) {
    throw new SetupError(
      `${data_dir} is in use by process ${pid}; stop that one, or choose another folder, for example DATA_DIR=${data_dir}-2`,
    )
  }
  await writeFile(file, `${await identity(process.pid)}\n`)
  return () => rm(file, { force: true })
}

/** Process ids come again; together with the start time they do not. */
async function identity(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)])
  return `${pid} ${stdout.trim()}`
}
