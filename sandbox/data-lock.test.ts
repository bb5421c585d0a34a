import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimDataFolder } from './data-lock.ts'
import { startChild } from './process.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-claim-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function claimElsewhere() {
  const module = JSON.stringify(join(import.meta.dirname, 'data-lock.ts'))
  const claim = `const { claimDataFolder } = await import(${module})
    await claimDataFolder(${JSON.stringify(folder)}); console.log('claimed')
    setInterval(() => {}, 1000)`
  const args = ['--input-type=module', '-e', claim]
  return startChild({ name: 'another stack', command: process.execPath, args })
}

it('keeps a second stack out while the first one runs, and lets it in afterwards', async () => {
  const other = claimElsewhere()
  await other.ready((line) => line === 'claimed' || undefined, 30_000)
  await expect(claimDataFolder(folder)).rejects.toThrow(
    `${folder} is in use by process ${other.pid}; stop that one, or choose another folder`,
  )
  other.kill()
  await other.exited
  const release = await claimDataFolder(folder)
  await release()
})

it('is not fooled by a process that only has the same number', async () => {
  await writeFile(join(folder, 'stack.pid'), `${process.ppid} Thu Jan  1 00:00:00 1970\n`)
  const release = await claimDataFolder(folder)
  await release()
})
