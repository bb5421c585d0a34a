/**
 * The restore drill: back up under load, destroy, restore into empty stores, compare. Real stores,
 * the real publisher, archive and queue; what must be there is worked out from every event that was
 * ever published.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Redis } from 'ioredis'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { environment, PROJECT_DIR } from '../../sandbox/environment.ts'
import { type Redis as RedisServer, startRedis } from '../../sandbox/redis.ts'
import { run } from '../../sandbox/run.ts'
import { borrowDatabase, type Database } from '../../sandbox/testing-shared.ts'
import { systemClock as clock } from '../../shared/clock.ts'
import { compareEventIds, type Event, eventFromStream } from '../../shared/event.ts'
import { GROUPS, KEYS, QUEUE_PREFIX, shardKey, workerKey } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { createQueues } from '../alerts/jobs.ts'
import { createEnqueue } from '../alerts/queue.ts'
import { applyMigrations } from '../ops/migrations.ts'
import { createArchive } from '../publish/archive.ts'
import { GroupConsumer } from '../publish/group.ts'
import { connectRedis } from '../publish/redis.ts'
import { Publisher } from '../publish/stream.ts'
import { detected, expired, updated } from '../publish/testing.ts'
import { type BackupOptions, makeBackup } from './backup.ts'
import { BackupError, checkBackup } from './file.ts'
import { tablesInOrder } from './postgres.ts'
import { readKept } from './redis.ts'
import { restoreBackup } from './restore.ts'
import { type Stores, withStores } from './stores.ts'

let folder: string
let redis_server: RedisServer
let database: Database
let redis: Redis
let pool: Pool

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-drill-'))
  redis_server = await startRedis()
  database = await borrowDatabase('empty')
  redis = connectRedis(redis_server.url, 'patient', 'test', silentLog)
  pool = new Pool({ connectionString: database.url })
  pool.on('error', () => {})
})
afterAll(async () => {
  redis.disconnect()
  await pool.end()
  await redis_server.stop()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(destroy)

/** Not even the tables are left. */
async function destroy(): Promise<void> {
  await redis.flushall()
  await pool.query('DROP SCHEMA IF EXISTS drizzle CASCADE; DROP SCHEMA public CASCADE')
  await pool.query('CREATE SCHEMA public')
}

async function makeTables(): Promise<void> {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  await applyMigrations(client)
  await client.end()
}

const open = <T>(work: (stores: Stores) => Promise<T>) =>
  withStores({ redis_url: redis_server.url, database_url: database.url }, work)
const backUp = (options: Partial<BackupOptions> = {}) =>
  open((stores) => makeBackup(stores, { folder, keep: 3, version: '1', clock, ...options }))
const restore = (path: string, replace = false) =>
  open((stores) => restoreBackup(stores, { path, replace, clock }))

/** Every row of every table, and everything of Redis that is kept, as hashes. */
async function hashes(): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  const hash = (value: unknown) =>
    createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
  await open(async ({ postgres }) => {
    for (const table of await tablesInOrder(postgres)) {
      const { rows } = await postgres.query(
        `SELECT row_to_json(t)::text AS row FROM "${table}" t ORDER BY 1`,
      )
      found[table] = `${rows.length} ${hash(rows)}`
    }
  })
  for (const [key, kind, , value] of await readKept(redis)) {
    if (kind === 'stream') found[key] = hash(await redis.xrange(key, '-', '+'))
    else if (!key.startsWith(KEYS.fence))
      found[key] = hash(kind === 'string' ? value : [...value].sort())
  }
  return found
}

/** One of everything that a backup keeps, and of what it leaves out. */
async function fill(): Promise<void> {
  await makeTables()
  await pool.query(
    `INSERT INTO api_keys (id, name, prefix, hash, scopes, requests_per_minute)
     VALUES ('key_1', 'ünï "quoted" \\ back', 'arb_abc', 'deadbeef', '["read"]', 7)`,
  )
  await pool.query(
    `INSERT INTO webhook_endpoints (id, key_id, url, event_types, filters, secret)
     VALUES ('ep_1', 'key_1', 'https://x.example/', '[]', '{"a": 1.10000000000000000001}', 'whsec_x')`,
  )
  await pool.query("INSERT INTO webhook_messages (id, type, body) VALUES ('1-0', 't', '{}')")
  await pool.query(
    `INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result, response_body)
     VALUES ('ep_1', '1-0', 1, '1-1', 'success', E'line\\nline'),
            ('ep_1', '1-0', 2, '1-2', 'failure', NULL)`,
  )
  await createArchive(
    pool,
    silentLog,
  )([
    { id: '1-0', fields: fieldsOf(detected('a')) },
    { id: '2-0', fields: fieldsOf(expired('b')) },
  ])
  await redis.set(KEYS.fence, 41)
  await redis.set(shardKey('fence', 1), 43)
  await redis.hset(KEYS.live, 'opp_a', JSON.stringify(detected('a').data))
  await redis.xadd(KEYS.near_misses, '5-5', 'data', '{}')
  await redis.xadd(KEYS.events, '9-9', ...Object.entries(fieldsOf(detected('a'))).flat())
  await redis.set(`${KEYS.idempotency}caller:1`, 'sealed', 'PX', 60_000)
  await redis.set(`${KEYS.idempotency}caller:2`, 'gone soon', 'PX', 1)
  for (const key of [KEYS.lease, KEYS.top, KEYS.markets, `${KEYS.rate}:x`, `${KEYS.api_key}y`]) {
    await redis.set(key, 'rebuilt by whoever needs it')
  }
  const queue_redis = connectRedis(redis_server.url, 'patient', 'queue', silentLog)
  const enqueue = createEnqueue(createQueues(queue_redis, silentLog), silentLog)
  await enqueue([{ id: '9-9', fields: fieldsOf(detected('a')) }])
  queue_redis.disconnect()
  // a finished job, as BullMQ leaves it
  await redis.zadd(`${QUEUE_PREFIX}:alerts:completed`, 1, '8-8')
  await redis.hset(`${QUEUE_PREFIX}:alerts:8-8`, 'name', 'done')
}

function fieldsOf({ type, timestamp, data }: ReturnType<typeof detected>): Record<string, string> {
  return { type, timestamp, data: JSON.stringify(data) }
}

describe('a backup of stores at rest', () => {
  it('comes back to the last byte, without what others rebuild', async () => {
    await fill()
    const before = await hashes()
    const { path, lines, bytes } = await backUp()
    expect({ lines, bytes: bytes > 0 }).toEqual({ lines: expect.any(Number), bytes: true })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await redis.get(KEYS.backup)).not.toBeNull()

    await destroy()
    const { tables } = await restore(path)
    expect(tables).toMatchObject({ opportunities: 2, api_keys: 1, webhook_attempts: 2 })
    const after = await hashes()
    delete before[`${KEYS.idempotency}caller:2`]
    expect(after).toEqual(before)
    expect(await redis.exists(KEYS.lease, KEYS.top, KEYS.markets, `${KEYS.rate}:x`)).toBe(0)
    expect(await redis.exists(`${QUEUE_PREFIX}:alerts:8-8`)).toBe(0)
    expect(await redis.pttl(`${KEYS.idempotency}caller:1`)).toBeGreaterThan(1_000)
    // no term that the backup did not see has a number that will be given out again
    expect(Number(await redis.get(KEYS.fence))).toBeGreaterThan(1_000)
    expect(Number(await redis.get(shardKey('fence', 1)))).toBeGreaterThan(1_000)
  })

  it('lets the tables count on where they were', async () => {
    await fill()
    const { path } = await backUp()
    await destroy()
    await restore(path)
    const { rows } = await pool.query(
      `INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result)
       VALUES ('ep_1', '1-0', 3, '1-3', 'success') RETURNING id`,
    )
    expect(rows).toEqual([{ id: '3' }])
  })

  it('keeps what a group has read and not finished, so that no alert is lost or repeated', async () => {
    await fill()
    await redis.xadd(KEYS.events, '10-0', ...Object.entries(fieldsOf(detected('b'))).flat())
    await redis.xgroup('CREATE', KEYS.events, GROUPS.alerts, '0')
    await redis.xgroup('CREATE', KEYS.events, GROUPS.archive, '$')
    await redis.xreadgroup('GROUP', GROUPS.alerts, 'me', 'COUNT', 1, 'STREAMS', KEYS.events, '>')
    const { path } = await backUp()
    await destroy()
    await restore(path)
    const pending = await redis.xpending(KEYS.events, GROUPS.alerts, '-', '+', 10)
    expect(pending).toMatchObject([['9-9', 'me', expect.any(Number), 1]])
    const next = await redis.xreadgroup('GROUP', GROUPS.alerts, 'me', 'STREAMS', KEYS.events, '>')
    expect(next).toMatchObject([[KEYS.events, [['10-0', expect.anything()]]]])
    // the archive reads all of the stream again
    const groups = (await redis.xinfo('GROUPS', KEYS.events)) as unknown[][]
    expect(groups.map((group) => group[1])).toEqual([GROUPS.alerts])
  })
})

describe('a backup under load', () => {
  it('restores one moment: history, live set and stream agree, and nothing published is lost', async () => {
    await makeTables()
    await redis.set(KEYS.fence, 1)
    const commands = connectRedis(redis_server.url, 'command', 'publisher', silentLog)
    await vi.waitUntil(() => commands.status === 'ready')
    const publisher = new Publisher({
      redis: commands,
      shard: 0,
      clock,
      log: silentLog,
      relieve: async () => 0,
      onFenced: () => {},
      onPublished: () => {},
    })
    publisher.lead(1, false)
    const archive = startArchive()
    let made = 0
    const load = setInterval(() => {
      for (let i = 0; i < 20; i++, made++) {
        publisher.publish([detected(`${made}`), updated(`${made}`, '1.5')])
        if (made % 3 > 0) publisher.publish([expired(`${made}`)])
      }
    }, 5)
    await vi.waitUntil(async () => (await rowCount()) > 500, { timeout: 20_000 })
    const made_before = made
    const { path } = await backUp()
    expect(made).toBeGreaterThan(made_before)
    await vi.waitUntil(() => made > made_before + 500, { timeout: 20_000 })
    clearInterval(load)
    expect(await publisher.flush(10_000)).toBe(true)
    await archive.stop(5_000)
    const published = await streamed()
    commands.disconnect()

    await destroy()
    await restore(path)
    const restored = await streamed()
    const last_id = restored.at(-1)!.id
    expect(restored).toEqual(published.filter(({ id }) => compareEventIds(id, last_id) <= 0))
    expect(restored.length).toBeLessThan(published.length)

    const newest = new Map<string, Event>()
    for (const event of restored) newest.set(event.data.id, event)
    const open_ids = [...newest.values()]
      .filter(({ type }) => type !== 'opportunity.expired')
      .map(({ data }) => data.id)
    expect(open_ids.length).toBeGreaterThan(100)
    expect((await redis.hkeys(KEYS.live)).toSorted()).toEqual(open_ids.toSorted())

    const again = startArchive()
    const wanted = [...newest.values()].map(({ id, data }) => `${data.id} ${id}`).toSorted()
    const rows = async () => {
      const found = await pool.query('SELECT id, last_event_id FROM opportunities')
      return found.rows.map(({ id, last_event_id }) => `${id} ${last_event_id}`).toSorted()
    }
    await vi.waitUntil(async () => (await rows()).join() === wanted.join(), { timeout: 20_000 })
    await again.stop(5_000)
  })

  function startArchive(): GroupConsumer {
    const consumer = new GroupConsumer({
      redis: connectRedis(redis_server.url, 'patient', 'archive', silentLog),
      stream: KEYS.events,
      group: GROUPS.archive,
      consumer: 'drill',
      clock,
      log: silentLog,
      handle: createArchive(pool, silentLog),
    })
    consumer.start()
    return consumer
  }

  const rowCount = async () =>
    Number((await pool.query('SELECT count(*) AS rows FROM opportunities')).rows[0].rows)

  async function streamed(): Promise<Event[]> {
    const entries = await redis.xrange(KEYS.events, '-', '+')
    return entries.map(([id, [, type, , timestamp, , data]]) =>
      eventFromStream(id, { type: type!, timestamp: timestamp!, data: data! }),
    )
  }
})

describe('a restore', () => {
  it('refuses stores that are not empty, and replaces them only when told so', async () => {
    await fill()
    const { path } = await backUp()
    const before = await hashes()
    await pool.query("UPDATE api_keys SET name = 'changed'")
    await redis.hset(KEYS.live, 'opp_z', '{}')
    await expect(restore(path)).rejects.toThrow(/^PostgreSQL and Redis must be empty/)
    expect((await pool.query('SELECT name FROM api_keys')).rows).toEqual([{ name: 'changed' }])
    await restore(path, true)
    const after = await hashes()
    delete before[`${KEYS.idempotency}caller:2`]
    expect(after).toEqual(before)
  })

  it('refuses while a worker runs, whatever it is told', async () => {
    await fill()
    const { path } = await backUp()
    await redis.set(workerKey('night-1'), '{}')
    await expect(restore(path, true)).rejects.toThrow('night-1 runs')
  })

  it('refuses what is no backup, cut short or damaged, and touches nothing', async () => {
    await fill()
    const { path } = await backUp()
    const whole = await readFile(path)
    const text = gunzipSync(whole).toString()
    const lines = text.trimEnd().split('\n')
    const before = await hashes()
    const files: [string, Buffer, RegExp][] = [
      ['nothing', Buffer.alloc(0), /is cut short/],
      ['text', Buffer.from('hello'), /is no backup, or damaged/],
      ['half', whole.subarray(0, whole.length >> 1), /is cut short/],
      ['without its end', gzipSync(lines.slice(0, -1).join('\n')), /is cut short/],
      ['without a line', gzipSync(lines.toSpliced(3, 1).join('\n')), /is damaged: \d+ lines/],
      ['other', gzipSync(text.replace('whsec_x', 'whsec_y')), /is damaged: its SHA-256/],
      ['version', gzipSync(text.replace('backup-1', 'backup-9')), /no backup that this version/],
    ]
    for (const [name, content, problem] of files) {
      const file = join(folder, name)
      await writeFile(file, content)
      await expect(restore(file, true), name).rejects.toThrow(problem)
      await expect(restore(file, true), name).rejects.toBeInstanceOf(BackupError)
    }
    await expect(restore(join(folder, 'missing'))).rejects.toThrow('there is no file')
    expect(await hashes()).toEqual(before)
  })

  it('refuses a backup whose tables it does not know', async () => {
    await fill()
    await pool.query(
      "INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('new', 9e15)",
    )
    const { path } = await backUp()
    await destroy()
    await expect(restore(path)).rejects.toThrow('newer version')
    expect((await pool.query('SELECT count(*) FROM api_keys')).rows).toEqual([{ count: '0' }])
    expect(await redis.dbsize()).toBe(0)
  })
})

describe('the folder', () => {
  it('keeps the newest files, touches no others, and loses none for a backup that failed', async () => {
    const own = await mkdtemp(join(folder, 'kept-'))
    await makeTables()
    await writeFile(join(own, 'spreadwire-notes.jsonl.gz'), 'mine')
    const made: string[] = []
    for (let day = 1; day <= 4; day++) {
      const wall_ms = () => Date.UTC(2026, 0, day)
      const { path } = await backUp({ folder: own, keep: 2, clock: { ...clock, wall_ms } })
      made.push(path)
    }
    const left = async () => (await readdir(own)).sort()
    const kept = [
      ...made.slice(2).map((path) => path.slice(own.length + 1)),
      'spreadwire-notes.jsonl.gz',
    ]
    expect(await left()).toEqual(kept)
    await pool.query('DROP SCHEMA drizzle CASCADE')
    await expect(backUp({ folder: own, keep: 1 })).rejects.toThrow('drizzle')
    expect(await left()).toEqual(kept)
    for (const path of made.slice(2)) await checkBackup(path)
  })
})

describe('the commands', () => {
  const command = (script: string, args: string[], changes: Record<string, string> = {}) =>
    run(process.execPath, [join(PROJECT_DIR, 'workers', script), ...args], {
      env: environment({
        REDIS_URL: redis_server.url,
        DATABASE_URL: database.url,
        DATA_DIR: folder,
        ...changes,
      }),
    })

  it('back up and restore, and print the path alone', async () => {
    await fill()
    const made = await command('backup.ts', ['--out', join(folder, 'by-command')])
    expect(made.ok).toBe(true)
    const path = made.stdout.trim()
    expect(await checkBackup(path)).toMatchObject({ format: 'spreadwire-backup-1' })
    await destroy()
    const restored = await command('restore.ts', [path])
    expect(restored.output).toContain('opportunities: 2')
    expect(restored.ok).toBe(true)
  })

  it('say what is wrong with what they were told', async () => {
    const outcomes = await Promise.all([
      command('backup.ts', ['--keep', '0']),
      command('restore.ts', []),
      command('restore.ts', ['x', '--replace', 'yes']),
    ])
    expect(outcomes[0].output).toMatch(/--keep: "0", expected a whole number from 1/)
    expect(outcomes[1].output).toMatch(/FILE: not set, expected a backup\nusage/)
    expect(outcomes[2].output).toMatch(/--replace: "yes", expected everything/)
    for (const { ok, output } of outcomes) {
      expect(ok).toBe(false)
      expect(output).not.toMatch(/\bat .*:\d+:\d+/)
    }
  })

  it('say which store is not known or does not answer, without its password', async () => {
    const [unset, away] = await Promise.all([
      command('backup.ts', [], { REDIS_URL: '', DATABASE_URL: '' }),
      command('backup.ts', [], { REDIS_URL: 'redis://:hunter2@127.0.0.1:1' }),
    ])
    expect(unset.output).toMatch(/REDIS_URL: not set[\s\S]*no stack of npm start was found/)
    expect(away.output).toContain('Redis does not answer')
    expect(away.output).not.toContain('hunter2')
  })
})
