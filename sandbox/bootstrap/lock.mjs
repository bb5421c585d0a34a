/**
 * Two set-ups of one clone at once (npm start and npm test) must not write the same folders: the
 * second waits. A lock whose owner is dead, or has not renewed it for a minute, is taken over.
 */
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { say } from './step.mjs'

const RENEW_EVERY_MS = 5_000
const STALE_AFTER_MS = 60_000
const POLL_MS = 200

/**
 * @template T
 * @param {string} project_dir
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function holdingLock(project_dir, work) {
  const folder = join(project_dir, '.data')
  mkdirSync(folder, { recursive: true })
  const lock = join(folder, 'set-up.lock')
  await acquire(lock)
  const release = () => rmSync(lock, { force: true })
  const leave = () => {
    release()
    process.exit(130)
  }
  const timer = setInterval(() => utimesSync(lock, new Date(), new Date()), RENEW_EVERY_MS)
  process.once('SIGINT', leave)
  process.once('SIGTERM', leave)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    process.off('SIGINT', leave)
    process.off('SIGTERM', leave)
    release()
  }
}

/** @param {string} lock */
async function acquire(lock) {
  for (let told = false; ; told = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    }
    const owner = ownerOf(lock)
    if (owner === undefined) continue
    if (isStale(lock, owner)) discard(lock, owner)
    else {
      if (!told) say(`waiting for another set-up (process ${owner})`)
      await delay(POLL_MS)
    }
  }
}

/** @param {string} lock */
function ownerOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'))
  } catch {
    return undefined // released meanwhile
  }
}

/**
 * @param {string} lock
 * @param {number} owner
 */
function isStale(lock, owner) {
  try {
    // an empty file is one that is being written right now
    if (owner > 0) process.kill(owner, 0)
    return Date.now() - statSync(lock).mtimeMs > STALE_AFTER_MS
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH'
  }
}

/**
 * Moves the lock away before deleting it: of two that find it stale only one can.
 * @param {string} lock
 * @param {number} owner
 */
function discard(lock, owner) {
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
    const moved = ownerOf(aside)
    if (moved === owner) rmSync(aside, { force: true })
    else renameSync(aside, lock) // somebody was quicker and holds it
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
  }
}
