import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SetupError } from './failure.ts'
import { freePort } from './ports.ts'
import { startRedis } from './redis.ts'
import { run } from './run.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-redis-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function using<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url)
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}

async function aofFiles(data_dir: string): Promise<string[]> {
  const names = await readdir(join(data_dir, 'appendonlydir'))
  return names.map((name) => join(data_dir, 'appendonlydir', name))
}

it('never evicts, listens on loopback only and keeps nothing without a folder', async () => {
  const server = await startRedis()
  const settings = await using(server.url, async (client) => ({
    policy: await client.config('GET', 'maxmemory-policy'),
    bind: await client.config('GET', 'bind'),
    appendonly: await client.config('GET', 'appendonly'),
    save: await client.config('GET', 'save'),
  }))
  await server.stop()
  expect(settings).toEqual({
    policy: ['maxmemory-policy', 'noeviction'],
    bind: ['bind', '127.0.0.1'],
    appendonly: ['appendonly', 'no'],
    save: ['save', ''],
  })
})

it('takes the port that it is told, and its end is known', async () => {
  const port = await freePort()
  const server = await startRedis({ port })
  expect(server).toMatchObject({ port, url: `redis://127.0.0.1:${port}` })
  await server.stop()
  await server.ended
})

it('keeps what was written from one run to the next', async () => {
  const first = await startRedis({ data_dir: folder })
  await using(first.url, (client) => client.set('a', 'b'))
  await first.stop()
  const second = await startRedis({ data_dir: folder })
  expect(await using(second.url, (client) => client.get('a'))).toBe('b')
  await second.stop()
})

it('ends a server that a killed run left on the same folder', async () => {
  const first = await startRedis({ data_dir: folder })
  const second = await startRedis({ data_dir: folder })
  await first.ended
  expect(await using(second.url, (client) => client.ping())).toBe('PONG')
  await second.stop()
})

it('leaves a process alone that only has the number in a stale pid file', async () => {
  await writeFile(join(folder, 'redis.pid'), String(process.ppid))
  const server = await startRedis({ data_dir: folder })
  await server.stop()
  expect((await run('ps', ['-p', String(process.ppid)])).ok).toBe(true)
})

it('goes on after a write that was cut off in the middle', async () => {
  const first = await startRedis({ data_dir: folder })
  await using(first.url, (client) => client.set('a', 'b'))
  await first.stop()
  const log = (await aofFiles(folder)).find((file) => file.endsWith('.incr.aof'))!
  await appendFile(log, '*3\r\n$3\r\nSET\r\n$1\r\nc')
  const second = await startRedis({ data_dir: folder })
  expect(await using(second.url, (client) => client.keys('*'))).toEqual(['a'])
  await second.stop()
})

it('sets data aside that cannot be read, and starts empty', async () => {
  const data_dir = join(folder, 'redis')
  const first = await startRedis({ data_dir })
  await using(first.url, (client) => client.set('a', 'b'))
  await first.stop()
  for (const file of await aofFiles(data_dir)) await writeFile(file, 'nonsense\r\n'.repeat(20))
  const second = await startRedis({ data_dir })
  expect(await using(second.url, (client) => client.keys('*'))).toEqual([])
  await second.stop()
  expect((await readdir(folder)).filter((name) => name.startsWith('redis.broken-'))).toHaveLength(1)
})

it('uses the operator’s own Redis, and says so when that does not answer', async () => {
  const own = await startRedis()
  process.env.REDIS_URL = own.url
  try {
    const given = await startRedis({ data_dir: folder })
    expect(given).toMatchObject({ url: own.url, port: own.port })
    await given.stop()
    expect(await using(own.url, (client) => client.ping())).toBe('PONG')
    await own.stop()
    const refused = startRedis()
    await expect(refused).rejects.toThrow(SetupError)
    await expect(refused).rejects.toThrow('REDIS_URL is set and that Redis does not answer')
  } finally {
    process.env.REDIS_URL = ''
  }
})
