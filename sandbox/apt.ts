/**
 * Programs from Debian's and Ubuntu's package lists, unpacked into a folder of this project: no root,
 * no system change, no service started. As root, and only when that fails, they are installed.
 */
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
import { environment, TOOLS_DIR, variable } from './environment.ts'
import { type Outcome, run } from './run.ts'

/** A program and what its environment needs so that it finds its own libraries. */
export interface Program {
  readonly command: string
  readonly env: Readonly<Record<string, string>>
}

/** Where package managers put programs that a bare PATH may miss. */
const MORE_FOLDERS = [
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/usr/bin',
  '/usr/local/sbin',
  '/usr/sbin',
]

/** The first of these that runs: a name is looked for on PATH, an absolute path is taken as it is. */
export async function findOnPath(names: readonly string[]): Promise<Program | undefined> {
  const folders = (variable('PATH') ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const name of names) {
    for (const folder of isAbsolute(name) ? ['/'] : [...folders, ...MORE_FOLDERS]) {
      const command = resolve(folder, name)
      if (await works({ command, env: {} })) return { command, env: {} }
    }
  }
  return undefined
}

/** A file that is there but cannot run (a stub, a missing library) is as good as absent. */
async function works(program: Program): Promise<boolean> {
  if (!(await exists(program.command))) return false
  return (await run(program.command, ['--version'], { env: environment(program.env) })).ok
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/**
 * Fetches a package with everything it needs that this system lacks, and unpacks it below TOOLS_DIR.
 * @param program the program's path inside the package, such as `usr/bin/redis-server`
 */
export async function unpackFromApt(
  package_name: string,
  program: string,
): Promise<Program | undefined> {
  const home = join(TOOLS_DIR, package_name)
  const unpacked = await programIn(home, program)
  if (unpacked !== undefined) return unpacked

  await mkdir(TOOLS_DIR, { recursive: true })
  const fresh = await mkdtemp(`${home}.`)
  try {
    if (!(await download(package_name, fresh))) return undefined
    for (const archive of (await readdir(fresh)).filter((name) => name.endsWith('.deb'))) {
      if (!(await run('dpkg', ['-x', archive, '.'], { cwd: fresh })).ok) return undefined
      await rm(join(fresh, archive))
    }
    if ((await programIn(fresh, program)) === undefined) return undefined
    // another run may have been quicker: its copy is as good as ours
    await rename(fresh, home).catch(() => {})
    return await programIn(home, program)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function download(package_name: string, folder: string): Promise<boolean> {
  const own_lists = aptFolders(folder)
  for (const options of [[], own_lists]) {
    if (options === own_lists && !(await updateLists(options))) return false
    const plan = await apt([
      ...options,
      '--simulate',
      'install',
      '--no-install-recommends',
      package_name,
    ])
    const missing = [...plan.stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '')
    const names = missing.length > 0 ? missing : [package_name]
    if (plan.ok && (await apt([...options, 'download', ...names], folder)).ok) return true
  }
  return false
}

/** A slim image has no package lists and a plain user may not write them: keep our own. */
function aptFolders(folder: string): string[] {
  return [
    '-o',
    `Dir::State::lists=${join(folder, 'lists')}`,
    '-o',
    `Dir::Cache=${join(folder, 'cache')}`,
  ]
}

async function updateLists(options: readonly string[]): Promise<boolean> {
  for (const option of options.filter((part) => part.includes('='))) {
    await mkdir(join(option.slice(option.indexOf('=') + 1), 'partial'), { recursive: true })
  }
  return (await apt([...options, 'update'])).ok
}

function apt(args: readonly string[], cwd?: string): Promise<Outcome> {
  const env = environment({ DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' })
  return run('apt-get', ['-q', '-y', ...args], cwd === undefined ? { env } : { env, cwd })
}

/** Installs a package for the whole machine; only root can. */
export async function installFromApt(package_name: string): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  const install = ['install', '--no-install-recommends', package_name]
  if ((await apt(install)).ok) return true
  return (await apt(['update'])).ok && (await apt(install)).ok
}

async function programIn(home: string, program: string): Promise<Program | undefined> {
  const command = join(home, program)
  if (!(await exists(command))) return undefined
  const libraries = await libraryFolders(home)
  const inherited = variable('LD_LIBRARY_PATH')
  const path = inherited === undefined ? libraries : [...libraries, inherited]
  const found = { command, env: { LD_LIBRARY_PATH: path.join(':') } }
  return (await works(found)) ? found : undefined
}

async function libraryFolders(home: string): Promise<string[]> {
  const folders = new Set<string>()
  for (const root of ['lib', 'usr/lib']) {
    const files = await readdir(join(home, root), { recursive: true }).catch(() => [])
    for (const file of files) {
      if (/\.so(\.\d+)*$/.test(file)) folders.add(dirname(join(home, root, file)))
    }
  }
  return [...folders]
}
