/**
 * A real redis-server for one machine: the operator's own (REDIS_URL), else one found, unpacked or
 * installed here. It keeps nothing on disk unless it is given a folder, and it never evicts, because
 * queues live in it. It refuses to guess: without any server it says what to install.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis as Client } from 'ioredis'
import { systemClock } from '../shared/clock.ts'
import { findOnPath, installFromApt, type Program, unpackFromApt } from './apt.ts'
import { environment, variable } from './environment.ts'
import { reasonOf, SetupError } from './failure.ts'
import { endOrphan } from './orphans.ts'
import { freePort } from './ports.ts'
import { type Child, startChild } from './process.ts'
import { run } from './run.ts'

const HOST = '127.0.0.1'
const READY_WITHIN_MS = 20_000
const ATTEMPTS = 3

export interface RedisOptions {
  /** keep the data here between runs (append-only file, synced every second) */
  readonly data_dir?: string
  /** a free one when left out */
  readonly port?: number
}

export interface Redis {
  readonly url: string
  readonly port: number
  /** resolves when the server has ended, for whatever reason; never for the operator's own */
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

/** @throws SetupError when there is no Redis here and none can be had */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const given = variable('REDIS_URL')
  if (given !== undefined) return theOperators(given)
  const program = await findRedis()
  const { data_dir } = options
  if (data_dir !== undefined) {
    await mkdir(data_dir, { recursive: true })
    await endOrphan(join(data_dir, 'redis.pid'), data_dir, 'SIGTERM')
  }
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const child = launch(program, port, data_dir)
    try {
      await answers(child, port)
      const url = `redis://${HOST}:${port}`
      return { url, port, ended: child.exited, stop: () => child.stop() }
    } catch (error) {
      await child.stop()
      if (attempt === ATTEMPTS) throw error
      if (/appendonly|append only|AOF|RDB/i.test(child.tail()) && data_dir !== undefined) {
        await setAside(data_dir)
      } else if (options.port !== undefined) throw error
    }
  }
}

async function theOperators(url: string): Promise<Redis> {
  const client = new Client(url, {
    lazyConnect: true,
    connectTimeout: 5_000,
    retryStrategy: () => null,
  })
  client.on('error', () => {}) // the rejection below says the same
  try {
    await client.connect()
    await client.ping()
  } catch (error) {
    throw new SetupError(
      `REDIS_URL is set and that Redis does not answer (${reasonOf(error)}): start it, or unset REDIS_URL (also in .env) to get one from here`,
    )
  } finally {
    client.disconnect()
  }
  const port = Number(new URL(url).port || '6379')
  return { url, port, ended: new Promise(() => {}), stop: async () => {} }
}

async function findRedis(): Promise<Program> {
  const names = ['redis-server', 'valkey-server']
  const found =
    (await findOnPath(names)) ?? (await unpackFromApt('redis-server', 'usr/bin/redis-server'))
  if (found !== undefined) return found
  const installed =
    (await installFromApt('redis-server')) || (await run('brew', ['install', 'redis'])).ok
  const program = installed ? await findOnPath(names) : undefined
  if (program !== undefined) return program
  throw new SetupError(
    'Redis is needed and was not found: install it so that `redis-server` is on PATH (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis; Fedora: dnf install redis), or set REDIS_URL to a Redis that runs already',
  )
}

function launch(program: Program, port: number, data_dir: string | undefined): Child {
  const keep = data_dir !== undefined
  const settings = {
    bind: HOST,
    port: String(port),
    daemonize: 'no',
    save: '',
    appendonly: keep ? 'yes' : 'no',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    ...(keep
      ? { dir: data_dir, pidfile: join(data_dir, 'redis.pid') }
      : // or it would begin with whatever dump lies in the folder where it was started
        { dir: tmpdir(), dbfilename: `spreadwire-${randomUUID()}.rdb` }),
  }
  return startChild({
    name: 'redis',
    command: program.command,
    // Redis shows only this and its address in the process list: endOrphan looks for the folder there
    ...(keep ? { argv0: join(data_dir, 'redis-server') } : {}),
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    env: environment(program.env),
  })
}

/** Answers PING: neither still loading its data nor somebody else's server on that port. */
async function answers(child: Child, port: number): Promise<void> {
  const deadline_ms = systemClock.monotonic_ms() + READY_WITHIN_MS
  let last = 'no answer'
  while (systemClock.monotonic_ms() < deadline_ms) {
    if (!child.isRunning()) break
    last = await ping(port).catch(reasonOf)
    if (last.startsWith('+PONG')) {
      await delay(0) // an exit that is on its way (port taken by another server) is seen now
      if (child.isRunning()) return
    }
    await delay(20)
  }
  throw new SetupError(`Redis did not start on port ${port} (${last}):\n${child.tail()}`)
}

function ping(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: HOST, port }, () => socket.write('PING\r\n'))
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer to PING')))
    socket.once('data', (data) => {
      resolve(String(data))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

/** What a killed run left half-written is kept for a look, and the next run starts empty. */
async function setAside(data_dir: string): Promise<void> {
  const kept = `${data_dir}.broken-${systemClock.wall_ms()}`
  await rename(data_dir, kept)
  await mkdir(data_dir, { recursive: true })
}
