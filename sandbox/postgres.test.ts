import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SetupError } from './failure.ts'
import { createDatabase, startPostgres } from './postgres.ts'
import { run } from './run.ts'

let folder: string
let data_dir: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-postgres-'))
  data_dir = join(folder, 'postgres')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function query(url: string, sql: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}

it('keeps its rows from one run to the next, and wants its password', async () => {
  const first = await startPostgres({ data_dir, durable: false })
  await query(first.url, 'CREATE TABLE a AS SELECT 1 AS b')
  const stranger = new URL(first.url)
  stranger.password = 'guess'
  await expect(query(stranger.href, 'SELECT 1')).rejects.toThrow(/password/)
  await first.stop()
  await first.ended
  const second = await startPostgres({ data_dir, durable: false })
  expect(await query(second.url, 'SELECT b FROM a')).toEqual([[1]])
  await second.stop()
})

it('gives every test file a database of its own', async () => {
  const server = await startPostgres({ data_dir, durable: false })
  const [one, two] = [await createDatabase(server.url), await createDatabase(server.url)]
  await query(one, 'CREATE TABLE a (b int)')
  await query(two, 'CREATE TABLE a (b int)')
  await server.stop()
})

it('throws away what an interrupted first start left, and starts', async () => {
  await mkdir(`${data_dir}.new-x/cluster`, { recursive: true })
  const server = await startPostgres({ data_dir, durable: false })
  expect(await query(server.url, 'SELECT 1')).toEqual([[1]])
  await server.stop()
})

it('starts over a stale postmaster.pid, and ends a server that a killed run left', async () => {
  const first = await startPostgres({ data_dir, durable: false })
  const pid_file = await readFile(join(data_dir, 'postmaster.pid'), 'utf8')
  const second = await startPostgres({ data_dir, durable: false })
  await first.ended
  expect(await query(second.url, 'SELECT 1')).toEqual([[1]])
  await second.stop()

  await writeFile(join(data_dir, 'postmaster.pid'), pid_file.replace(/^\d+/, String(process.ppid)))
  const third = await startPostgres({ data_dir, durable: false })
  expect(await query(third.url, 'SELECT 1')).toEqual([[1]])
  await third.stop()
  expect((await run('ps', ['-p', String(process.ppid)])).ok).toBe(true)
})

it('refuses the data of another major version and says what to do', async () => {
  await mkdir(data_dir)
  await writeFile(join(data_dir, 'PG_VERSION'), '9\n')
  const start = startPostgres({ data_dir })
  await expect(start).rejects.toThrow(SetupError)
  await expect(start).rejects.toThrow(/was made by PostgreSQL 9 .* move or delete that folder/)
  expect(await readdir(data_dir)).toEqual(['PG_VERSION'])
})

it('says so when the operator’s own PostgreSQL does not answer', async () => {
  process.env.DATABASE_URL = 'postgres://nobody@127.0.0.1:1/x'
  try {
    const start = startPostgres({ data_dir })
    await expect(start).rejects.toThrow('DATABASE_URL is set and that PostgreSQL does not answer')
  } finally {
    process.env.DATABASE_URL = ''
  }
})
