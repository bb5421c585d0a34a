/**
 * node_modules exactly as package-lock.json says. A finished install is known by a stamp that is
 * written last, or by npm's own record of it; anything else, also a half-finished one, is done again.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm, SetupFailure, step } from './step.mjs'

/**
 * @param {string} project_dir
 * @param {NodeJS.ProcessEnv} env
 */
export async function ensurePackages(project_dir, env) {
  const stamp = join(project_dir, 'node_modules', '.spreadwire')
  const lockfile = readFileSync(join(project_dir, 'package-lock.json'), 'utf8')
  const hash = createHash('sha256').update(lockfile).digest('hex')
  const wanted = `${process.platform} ${process.arch} ${hash}\n`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return

  if (!installedByHand(project_dir, lockfile)) {
    await step('installing packages (npm ci)', async () => {
      const outcome = await npm(['ci', '--no-audit', '--no-fund'], { cwd: project_dir, env })
      if (outcome.ok) return
      throw new SetupFailure(
        `The packages could not be installed; check the network and the registry that npm uses (npm config get registry)\n${outcome.output}`,
      )
    })
  }
  writeFileSync(stamp, wanted)
}

/**
 * npm writes node_modules/.package-lock.json when an install is complete.
 * @param {string} project_dir
 * @param {string} lockfile
 */
function installedByHand(project_dir, lockfile) {
  const record = join(project_dir, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  const wanted = Object.entries(JSON.parse(lockfile).packages)
  return wanted.every(([path, { version, optional }]) => {
    if (path === '' || optional === true) return true
    return (
      installed[path]?.version === version && existsSync(join(project_dir, path, 'package.json'))
    )
  })
}
