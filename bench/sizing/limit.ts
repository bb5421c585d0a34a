/**
 * Gives one process so much of a processor and no more, as a container would: by a control group of
 * its own, version 2 or 1. Where none can be made (no root, a read-only system), it says so; there is
 * no second way, because nice values and pinned cores limit something else.
 */
import { constants } from 'node:fs'
import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface CpuLimit {
  /** from now on */
  set(vcpus: number): Promise<void>
  /** milliseconds that the process was made to wait so far */
  throttledMs(): Promise<number>
  /** after the process has ended */
  remove(): Promise<void>
}

const PERIOD_US = 100_000
const NAME = `spreadwire-sizing-${process.pid}`
const REMOVE_TRIES = 50

/** @throws Error that says why a process cannot be limited here */
export async function limitCpu(pid: number): Promise<CpuLimit> {
  const version = await availableVersion()
  const folder = join(version.root, NAME)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'cgroup.procs'), String(pid))
  return {
    set: (vcpus) => version.limit(folder, Math.round(vcpus * PERIOD_US)),
    async throttledMs() {
      const stat = await readFile(join(folder, 'cpu.stat'), 'utf8')
      const [, unit, value] = /throttled_(usec|time) (\d+)/.exec(stat) ?? []
      return Number(value ?? 0) / (unit === 'usec' ? 1e3 : 1e6)
    },
    async remove() {
      // a process that has just ended is still counted for a moment
      for (let i = 0; i < REMOVE_TRIES; i++) {
        const removed = await rmdir(folder).then(
          () => true,
          () => false,
        )
        if (removed) return
        await sleep(100)
      }
    },
  }
}

interface Version {
  readonly root: string
  readonly limit: (folder: string, quota_us: number) => Promise<void>
}

const VERSIONS: readonly (Version & { readonly proof: string })[] = [
  {
    root: '/sys/fs/cgroup',
    proof: '/sys/fs/cgroup/cgroup.subtree_control',
    limit: (folder, quota_us) => writeFile(join(folder, 'cpu.max'), `${quota_us} ${PERIOD_US}`),
  },
  {
    root: '/sys/fs/cgroup/cpu',
    proof: '/sys/fs/cgroup/cpu/cpu.cfs_quota_us',
    async limit(folder, quota_us) {
      await writeFile(join(folder, 'cpu.cfs_period_us'), String(PERIOD_US))
      await writeFile(join(folder, 'cpu.cfs_quota_us'), String(quota_us))
    },
  },
]

async function availableVersion(): Promise<Version> {
  for (const version of VERSIONS) {
    const writable = await access(version.proof, constants.W_OK).then(
      () => true,
      () => false,
    )
    if (writable) return version
  }
  throw new Error('no control group can be made here: run it as root, outside of a container')
}
