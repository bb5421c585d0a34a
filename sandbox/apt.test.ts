import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { findOnPath } from './apt.ts'

let stubs: string
let programs: string
beforeEach(async () => {
  stubs = await mkdtemp(join(tmpdir(), 'spreadwire-path-'))
  programs = await mkdtemp(join(tmpdir(), 'spreadwire-path-'))
  vi.stubEnv('PATH', `${stubs}${delimiter}${programs}${delimiter}${process.env.PATH}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const folder of [stubs, programs]) await rm(folder, { recursive: true, force: true })
})

async function script(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${text}\n`)
  await chmod(path, 0o755)
  return path
}

it('passes over a stub that only tells how to install the program', async () => {
  await script(stubs, 'spreadwire-x', 'echo "please install me" >&2; exit 127')
  const real = await script(programs, 'spreadwire-x', 'echo 1.0')
  expect(await findOnPath(['spreadwire-x'])).toEqual({ command: real, env: {} })
})

it('takes the first name that is there, and absolute paths as they are', async () => {
  const real = await script(programs, 'spreadwire-y', 'echo 1.0')
  expect((await findOnPath(['spreadwire-absent', 'spreadwire-y']))?.command).toBe(real)
  expect((await findOnPath([join(stubs, 'absent'), real]))?.command).toBe(real)
  expect(await findOnPath(['spreadwire-absent'])).toBeUndefined()
})
