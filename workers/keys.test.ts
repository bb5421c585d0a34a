import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { environment } from '../sandbox/environment.ts'
import { run } from '../sandbox/run.ts'
import { borrowDatabase, type Database } from '../sandbox/testing-shared.ts'
import { hashKey, isKey } from '../shared/api-key.ts'

let folder: string
let database: Database
let pool: pg.Pool

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-keys-'))
  database = await borrowDatabase('migrated')
  pool = new pg.Pool({ connectionString: database.url })
  pool.on('error', () => {})
  await writeFile(join(folder, 'worker.env'), `# made\nDATABASE_URL='${database.url}'\n`)
})
afterAll(async () => {
  await pool?.end()
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => pool.query('TRUNCATE api_keys CASCADE'))

function script(name: string, args: readonly string[], changes: Record<string, string> = {}) {
  const env = environment({
    DATABASE_URL: database.url,
    npm_lifecycle_event: undefined,
    ...changes,
  })
  return run(process.execPath, [join(import.meta.dirname, name), ...args], { env })
}
const keys = (...args: string[]) => script('keys.ts', args)

describe('npm run keys', () => {
  it('makes a key that is printed once and stored as its SHA-256', async () => {
    const made = await keys('create', '--name', 'my program', '--scopes', 'read,webhooks')
    expect(made.ok, made.output).toBe(true)
    const key = made.stdout.trim()
    expect(await isKey(key)).toBe(true)
    const { rows } = await pool.query('SELECT * FROM api_keys')
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({
      name: 'my program',
      hash: await hashKey(key),
      prefix: key.slice(0, 10),
      scopes: ['read', 'webhooks'],
      requests_per_minute: null,
      revoked_at: null,
    })
    expect(JSON.stringify(rows)).not.toContain(key)
    const listed = await keys('list')
    expect(listed.stdout).toContain(`${rows[0].id}  ${key.slice(0, 10)}…  read,webhooks  active`)
    expect(listed.output).not.toContain(key)
  })

  it('revokes a key, and twice is no error', async () => {
    await keys('create', '--name', 'x', '--scopes', 'read', '--requests_per_minute', '50')
    const { rows } = await pool.query('SELECT id, requests_per_minute FROM api_keys')
    expect(rows[0].requests_per_minute).toBe(50)
    for (let i = 0; i < 2; i++) expect((await keys('revoke', rows[0].id)).ok).toBe(true)
    expect((await keys('list')).stdout).toContain('revoked')
    const unknown = await keys('revoke', 'key_0000000000000000000000')
    expect(unknown.ok).toBe(false)
    expect(unknown.output).toContain('there is no key key_0000000000000000000000')
  })

  it('finds the database of the stack that runs in DATA_DIR', async () => {
    const found = await script('keys.ts', ['list'], { DATABASE_URL: '', DATA_DIR: folder })
    expect(found.ok, found.output).toBe(true)
    const nowhere = join(folder, 'nowhere')
    const lost = await script('keys.ts', ['list'], { DATABASE_URL: '', DATA_DIR: nowhere })
    expect(lost.ok).toBe(false)
    expect(lost.output).toContain('DATABASE_URL: not set')
    expect(lost.output).toContain(nowhere)
  })

  it('says everything that is wrong, with its value and what was expected', async () => {
    const wrong: [string[], string[]][] = [
      [[], ['command: not set, expected create, list or revoke']],
      [['delete'], ['command: "delete"']],
      [['create'], ['--name: not set', '--scopes: not set']],
      [
        ['create', '--name', 'x', '--scopes', 'read,root', '--streams', 'many'],
        ['--scopes: "read,root", expected one of read, webhooks, admin', '--streams: "many"'],
      ],
      [['create', '--name', 'x', '--scopes', 'read', 'y'], ['argument: "y"']],
      [['list', '--name', 'x'], ['--name: "x", expected only with create']],
      [['revoke', 'all'], ['ID: "all", expected key_']],
    ]
    const outcomes = await Promise.all(wrong.map(([args]) => keys(...args)))
    for (const [i, { ok, output }] of outcomes.entries()) {
      expect(ok).toBe(false)
      for (const words of wrong[i]?.[1] ?? []) expect(output).toContain(words)
      expect(output).toContain('usage:')
    }
  })

  it('says in one line that the database is away, without its password', async () => {
    const url = 'postgres://somebody:hunter2@127.0.0.1:1/x'
    const { ok, output } = await script('keys.ts', ['list'], { DATABASE_URL: url })
    expect(ok).toBe(false)
    expect(output).toMatch(/PostgreSQL does not answer: .*ECONNREFUSED/)
    expect(output).not.toContain('hunter2')
  })
})
