/**
 * The dashboard's static files, built when what they are made of has changed. The stamp holds a hash
 * of the sources and is written last, so a build that was cut short is done again.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { run, SetupFailure, step } from './step.mjs'

const SOURCES = ['edge/dashboard', 'shared', 'package-lock.json']

/**
 * @param {string} project_dir
 * @param {NodeJS.ProcessEnv} env
 */
export async function ensureDashboard(project_dir, env) {
  const stamp = join(project_dir, 'dist', 'dashboard.built')
  const wanted = hashOf(project_dir)
  const built =
    existsSync(stamp) && existsSync(join(project_dir, 'dist', 'dashboard', 'index.html'))
  if (built && readFileSync(stamp, 'utf8') === wanted) return

  rmSync(stamp, { force: true })
  await step('building the dashboard', async () => {
    const vite = join(project_dir, 'node_modules', '.bin', 'vite')
    const outcome = await run(vite, ['build', 'edge/dashboard'], { cwd: project_dir, env })
    if (!outcome.ok) throw new SetupFailure(`The dashboard could not be built\n${outcome.output}`)
  })
  mkdirSync(join(project_dir, 'dist'), { recursive: true })
  writeFileSync(stamp, wanted)
}

/** @param {string} project_dir */
function hashOf(project_dir) {
  const hash = createHash('sha256')
  for (const source of SOURCES) addTo(hash, project_dir, source)
  return hash.digest('hex')
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} project_dir
 * @param {string} path relative to it: a clone that was moved is still built
 */
function addTo(hash, project_dir, path) {
  const file = join(project_dir, path)
  if (statSync(file).isDirectory()) {
    for (const name of readdirSync(file).sort()) addTo(hash, project_dir, join(path, name))
  } else if (!path.includes('.test.')) {
    hash.update(`${path}\0`).update(readFileSync(file))
  }
}
