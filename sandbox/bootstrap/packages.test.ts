import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ensurePackages } from './packages.mjs'
import { npm } from './step.mjs'

let project: string
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'spreadwire-packages-'))
  // a package beside the project: nothing is fetched from anywhere
  await addPackage('a')
  await writePackageJson({ a: 'file:./a' })
})
afterEach(() => rm(project, { recursive: true, force: true }))

async function addPackage(name: string): Promise<void> {
  await mkdir(join(project, name))
  await writeFile(join(project, name, 'package.json'), JSON.stringify({ name, version: '1.0.0' }))
}

async function writePackageJson(dependencies: Record<string, string>): Promise<void> {
  const text = JSON.stringify({ name: 'p', version: '1.0.0', dependencies })
  await writeFile(join(project, 'package.json'), text)
  await npm(['install', '--package-lock-only', '--offline'], { cwd: project, env: process.env })
}

const inModules = (...path: string[]) => join(project, 'node_modules', ...path)
const ensure = () => ensurePackages(project, process.env)

/** npm ci begins by deleting node_modules: what survives shows that it did not run. */
async function mark(): Promise<() => boolean> {
  await writeFile(inModules('mark'), '')
  return () => existsSync(inModules('mark'))
}

it('installs once', async () => {
  await ensure()
  expect(existsSync(inModules('a', 'package.json'))).toBe(true)
  const isUntouched = await mark()
  await ensure()
  expect(isUntouched()).toBe(true)
})

it('installs again when the lockfile has changed', async () => {
  await ensure()
  const isUntouched = await mark()
  await addPackage('b')
  await writePackageJson({ a: 'file:./a', b: 'file:./b' })
  await ensure()
  expect(isUntouched()).toBe(false)
  expect(existsSync(inModules('b', 'package.json'))).toBe(true)
})

it('notices an install that was cut short', async () => {
  await mkdir(inModules('half'), { recursive: true })
  await ensure()
  expect(existsSync(inModules('half'))).toBe(false)
  expect(existsSync(inModules('a', 'package.json'))).toBe(true)
})

it('accepts what the developer installed', async () => {
  await npm(['ci', '--offline'], { cwd: project, env: process.env })
  const isUntouched = await mark()
  await ensure()
  expect(isUntouched()).toBe(true)
})

it('says what failed, and does not call it done', async () => {
  await addPackage('b')
  const dependencies = { a: 'file:./a', b: 'file:./b' }
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'p', dependencies }))
  await expect(ensure()).rejects.toThrow(/could not be installed[\s\S]*lock file/)
  expect(existsSync(inModules('.spreadwire'))).toBe(false)
})
