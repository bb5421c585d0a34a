import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { holdingLock } from './lock.mjs'

let project: string
let lock: string
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'spreadwire-lock-'))
  lock = join(project, '.data', 'set-up.lock')
  await mkdir(join(project, '.data'))
})
afterEach(() => rm(project, { recursive: true, force: true }))

it('lets one set-up work at a time', async () => {
  let working = 0
  let most = 0
  const work = async () => {
    working++
    most = Math.max(most, working)
    await delay(20)
    working--
  }
  await Promise.all([1, 2, 3].map(() => holdingLock(project, work)))
  expect(most).toBe(1)
  expect(existsSync(lock)).toBe(false)
})

it('is given back when the work fails', async () => {
  const fail = () => Promise.reject(new Error('no network'))
  await expect(holdingLock(project, fail)).rejects.toThrow('no network')
  expect(await holdingLock(project, async () => 'done')).toBe('done')
})

it('is taken over from an owner that is dead', async () => {
  await writeFile(lock, '4194304') // above the highest process id that Linux and macOS give
  expect(await holdingLock(project, async () => 'done')).toBe('done')
})

it('is taken over from an owner that has not renewed it for long', async () => {
  await writeFile(lock, String(process.ppid))
  const long_ago = new Date(Date.now() - 61_000)
  await utimes(lock, long_ago, long_ago)
  expect(await holdingLock(project, async () => 'done')).toBe('done')
})

it('waits for an owner that works', async () => {
  await writeFile(lock, String(process.ppid))
  const waiting = holdingLock(project, async () => 'done')
  expect(await Promise.race([waiting, delay(500)])).toBeUndefined()
  await rm(lock)
  expect(await waiting).toBe('done')
})
