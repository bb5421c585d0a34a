/**
 * The contract of the Neon gateway: every way in which the vendor's own driver and drizzle ask over
 * HTTP, every type that comes back, and PostgreSQL's errors as they must arrive.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NeonDbError, neon, neonConfig, Pool, types } from '@neondatabase/serverless'
import { eq, sql as raw } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, jsonb, numeric, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from './gateway-http.ts'
import { startNeonGateway } from './neon.ts'
import { type Postgres, startPostgres } from './postgres.ts'

let data_dir: string
let postgres: Postgres
let gateway: Gateway

beforeAll(async () => {
  vi.stubEnv('DATABASE_URL', undefined)
  data_dir = await mkdtemp(join(tmpdir(), 'neon-clients-'))
  postgres = await startPostgres({ data_dir, durable: false })
  gateway = await startNeonGateway({ database_url: postgres.url })
  neonConfig.fetchEndpoint = `${gateway.url}/sql`
}, 120_000)

afterAll(async () => {
  await gateway?.close()
  await postgres?.stop()
  await rm(data_dir, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

beforeEach(async () => {
  const sql = neon(postgres.url)
  await sql`DROP TABLE IF EXISTS entry, account`
  await sql`CREATE TABLE account (
    id integer PRIMARY KEY,
    owner text NOT NULL CHECK (owner <> ''),
    balance numeric,
    notes jsonb,
    made_at timestamptz NOT NULL DEFAULT '2026-01-02T03:04:05.678Z')`
  await sql`CREATE TABLE entry (account_id integer REFERENCES account (id))`
})

async function failureOf(promise: Promise<unknown>): Promise<NeonDbError> {
  return await promise.then(
    () => expect.fail('it should have failed'),
    (error: NeonDbError) => error,
  )
}

describe('ways to ask', () => {
  it('are a template, a text with parameters, and parts put together', async () => {
    const sql = neon(postgres.url)
    await sql`INSERT INTO account (id, owner, balance) VALUES (1, 'ann', 1.10), (2, 'bob', 2)`
    const part = sql`owner = ${'ann'}`
    expect(await sql`SELECT id FROM account WHERE ${part} AND balance > ${1}`).toEqual([{ id: 1 }])
    expect(await sql.query('SELECT id FROM account WHERE owner = $1', ['bob'])).toEqual([{ id: 2 }])
    const table = sql.unsafe('account')
    expect(await sql`SELECT count(*)::int AS n FROM ${table}`).toEqual([{ n: 2 }])
  })

  it('give objects, arrays or everything, for one query and for a transaction', async () => {
    const options = { arrayMode: true, fullResults: true } as const
    const full = neon(postgres.url, options)
    expect(await full`SELECT 1 AS one, 'x' AS text`).toMatchObject({
      ...{ command: 'SELECT', rowCount: 1, rowAsArray: true, rows: [[1, 'x']] },
      fields: [
        { name: 'one', dataTypeID: 23 },
        { name: 'text', dataTypeID: 25 },
      ],
    })
    const sql = neon(postgres.url)
    expect(await sql.query('SELECT 1 AS one', [], { arrayMode: true })).toEqual([[1]])
    const several = await sql.transaction(
      (txn) => [txn`SELECT 1 AS one`, txn`SELECT ${2}::int AS two`],
      {
        ...options,
        isolationLevel: 'RepeatableRead',
        readOnly: true,
      },
    )
    expect(several).toMatchObject([
      { command: 'SELECT', rows: [[1]], rowAsArray: true },
      { command: 'SELECT', rows: [[2]], fields: [{ name: 'two' }] },
    ])
    const mixed = await sql.transaction([sql`SELECT 1 AS one`, sql`SELECT 'x' AS text`])
    expect(mixed).toEqual([[{ one: 1 }], [{ text: 'x' }]])
  })

  it('say what was done and to how many rows', async () => {
    const sql = neon(postgres.url, { fullResults: true })
    const done: unknown[] = []
    for (const query of [
      "INSERT INTO account (id, owner) VALUES (1, 'a'), (2, 'b'), (3, 'c')",
      'UPDATE account SET balance = 1 WHERE id > 1',
      'DELETE FROM account WHERE id = 1 RETURNING owner',
      'SELECT * FROM account WHERE false',
      'CREATE INDEX ON account (owner)',
    ]) {
      const { command, rowCount, rows } = await sql.query(query)
      done.push([command, rowCount, rows.length])
    }
    expect(done.slice(0, 4)).toEqual([
      ...[
        ['INSERT', 3, 0],
        ['UPDATE', 2, 0],
        ['DELETE', 1, 1],
        ['SELECT', 0, 0],
      ],
    ])
    expect(done[4]).toEqual(['CREATE', null, 0])
  })

  it('take a password that is looked up, and parsers of one’s own', async () => {
    const url = new URL(postgres.url)
    const { password } = url
    url.password = ''
    const sql = neon(url.href, { password: () => password })
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
    const getTypeParser = ((oid: number) =>
      oid === types.builtins.NUMERIC ? (value: string) => `<${value}>` : String) as never
    const own = { types: { getTypeParser } }
    expect(await sql.query('SELECT 1.50::numeric AS price, 7 AS n', [], own)).toEqual([
      { price: '<1.50>', n: '7' },
    ])
  })

  it('are those of a pool too, when it asks over HTTP', async () => {
    neonConfig.poolQueryViaFetch = true
    const pool = new Pool({ connectionString: postgres.url })
    try {
      const { rows, rowCount } = await pool.query('SELECT $1::int + 1 AS two', [1])
      expect([rows, rowCount]).toEqual([[{ two: 2 }], 1])
    } finally {
      neonConfig.poolQueryViaFetch = false
      await pool.end()
    }
  })

  it('can be given up, and the next one is served', async () => {
    const signal = AbortSignal.timeout(50)
    const slow = neon(postgres.url, { fetchOptions: { signal } })
    const failure = await failureOf(slow`SELECT pg_sleep(20)`)
    expect(String(failure.sourceError ?? failure)).toMatch(/abort|timeout/i)
    expect(await neon(postgres.url)`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })
})

describe('types', () => {
  it('come back as node-postgres has them', async () => {
    const sql = neon(postgres.url)
    const [row] = await sql`SELECT
      'infinity'::float8 AS endless, 'NaN'::numeric AS no_number, 12345678901234567890.1::numeric AS long,
      (2::bigint ^ 62)::bigint AS big, ARRAY[1, NULL]::int[] AS ints, ARRAY[9007199254740993]::int8[] AS bigs,
      ARRAY[true, false] AS flags, ARRAY['{"a":1}']::jsonb[] AS documents, '"x"'::json AS json,
      'null'::jsonb AS json_null, '2026-01-02'::date::text AS day, '03:04:05'::time AS clock,
      '2026-01-02T03:04:05.678901Z'::timestamptz AS moment, ARRAY['2026-01-02T03:04:05Z']::timestamptz[] AS moments,
      '1 day 2 hours'::interval AS span, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id,
      '10.0.0.1'::inet AS address, 'a'::char(3) AS padded, ''::text AS empty, '{}'::text[] AS none,
      ARRAY[[1, 2], [3, 4]] AS grid, ROW(1, 'x')::text AS record, '\\xdeadbeef'::bytea AS bytes`
    expect(row).toMatchObject({
      ...{ endless: Number.POSITIVE_INFINITY, no_number: 'NaN', long: '12345678901234567890.1' },
      ...{ big: '4611686018427387904', ints: [1, null], bigs: ['9007199254740993'] },
      ...{ flags: [true, false], documents: [{ a: 1 }], json: 'x', json_null: null },
      ...{ day: '2026-01-02', clock: '03:04:05', moment: new Date('2026-01-02T03:04:05.678Z') },
      ...{ moments: [new Date('2026-01-02T03:04:05Z')], span: { days: 1, hours: 2 } },
      ...{ id: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', address: '10.0.0.1', padded: 'a  ' },
      ...{
        empty: '',
        none: [],
        grid: [
          [1, 2],
          [3, 4],
        ],
        record: '(1,x)',
      },
      bytes: Buffer.from('deadbeef', 'hex'),
    })
  })

  it('go in as node-postgres sends them', async () => {
    const sql = neon(postgres.url)
    const moment = new Date('2026-01-02T03:04:05.678Z')
    const [row] =
      await sql`SELECT ${true}::bool AS yes, ${12.5}::numeric AS number, ${'9007199254740993'}::int8 AS big,
      ${[1.5, 2]}::numeric[]::text AS numbers, ${['a', null, '"']}::text[] AS texts, ${moment}::timestamptz AS moment,
      ${{ a: [1, { b: null }] }}::jsonb AS document, ${JSON.stringify([1])}::jsonb AS list, ${null}::int AS nothing,
      ${[moment]}::timestamptz[] AS moments, ${''}::text AS empty`
    expect(row).toEqual({
      ...{ yes: true, number: '12.5', big: '9007199254740993', numbers: '{1.5,2}' },
      ...{ texts: ['a', null, '"'], moment, document: { a: [1, { b: null }] }, list: [1] },
      ...{ nothing: null, moments: [moment], empty: '' },
    })
  })
})

describe('errors arrive with the fields of PostgreSQL', () => {
  it.each([
    ['SELECT 1 +', { code: '42601', position: '11' }],
    ['SELECT nothing FROM account', { code: '42703', position: '8' }],
    ['SELECT * FROM nowhere', { code: '42P01' }],
    ["SELECT 'x'::int", { code: '22P02', message: expect.stringContaining('"x"') }],
    ['SELECT 1 / 0', { code: '22012' }],
    ["SELECT 'year 0'::timestamptz", { code: '22007' }],
    ['INSERT INTO account (id) VALUES (9)', { code: '23502', column: 'owner', table: 'account' }],
    [
      "INSERT INTO account (id, owner) VALUES (9, '')",
      { code: '23514', constraint: 'account_owner_check' },
    ],
    [
      'INSERT INTO entry VALUES (9)',
      {
        code: '23503',
        constraint: 'entry_account_id_fkey',
        detail: expect.stringContaining('(account_id)=(9)'),
      },
    ],
    [
      "INSERT INTO account (id, owner) VALUES (8, 'x'), (8, 'y')",
      { code: '23505', detail: 'Key (id)=(8) already exists.' },
    ],
    ['CREATE TABLE account ()', { code: '42P07' }],
    [
      "DO $$ BEGIN RAISE EXCEPTION 'mine' USING HINT = 'a hint', DETAIL = 'more', ERRCODE = 'ABCDE'; END $$",
      {
        code: 'ABCDE',
        message: 'mine',
        hint: 'a hint',
        detail: 'more',
        where: expect.stringContaining('PL/pgSQL'),
        severity: 'ERROR',
      },
    ],
  ])('%s', async (query, fields) => {
    const failure = await failureOf(neon(postgres.url).query(query))
    expect(failure.name).toBe('NeonDbError')
    expect(failure).toMatchObject(fields)
    expect(failure.routine).toMatch(/^\w+$/)
  })

  it('of a transaction too, which then has done nothing', async () => {
    const sql = neon(postgres.url)
    const writing = sql.transaction([sql`INSERT INTO account (id, owner) VALUES (1, 'x')`], {
      isolationLevel: 'Serializable',
      readOnly: true,
    })
    expect(await failureOf(writing)).toMatchObject({
      code: '25006',
      message: expect.stringContaining('read-only'),
    })
    const broken = sql.transaction([
      sql`INSERT INTO account (id, owner) VALUES (1, 'x')`,
      sql`SELECT 1 / 0`,
      sql`INSERT INTO account (id, owner) VALUES (2, 'x')`,
    ])
    expect(await failureOf(broken)).toMatchObject({ code: '22012' })
    expect(await sql`SELECT * FROM account`).toEqual([])
  })

  it('of a query that ran too long, or was stopped', async () => {
    const sql = neon(postgres.url)
    const slow = sql.transaction([sql`SET LOCAL statement_timeout = 50`, sql`SELECT pg_sleep(20)`])
    expect(await failureOf(slow)).toMatchObject({ code: '57014' })
  })

  it('in the words of the vendor when nobody is let in', async () => {
    const wrong = (change: (url: URL) => void) => {
      const url = new URL(postgres.url)
      change(url)
      return failureOf(neon(url.href)`SELECT 1`)
    }
    const { username } = new URL(postgres.url)
    const password = await wrong((url) => (url.password = 'wrong'))
    expect(password.message).toBe(`password authentication failed for user '${username}'`)
    const nobody = await wrong((url) => (url.username = 'nobody'))
    expect(nobody.message).toBe("password authentication failed for user 'nobody'")
    for (const failure of [password, nobody]) {
      expect(failure.name).toBe('NeonDbError')
      expect(JSON.stringify(failure)).not.toContain(new URL(postgres.url).password)
    }
    expect(await wrong((url) => (url.pathname = '/nowhere'))).toMatchObject({ code: '3D000' })
  })
})

// last, because it sets the driver's parsers for everybody
describe('through drizzle', () => {
  const account = pgTable('account', {
    id: integer('id').primaryKey(),
    owner: text('owner').notNull(),
    balance: numeric('balance'),
    notes: jsonb('notes').$type<{ tags: string[] }>(),
    made_at: timestamp('made_at', { withTimezone: true, precision: 3, mode: 'string' }).notNull(),
  })

  it('rows go in and come out as they were, alone and in one transaction', async () => {
    const db = drizzle(neon(postgres.url))
    const made_at = '2026-01-02 03:04:05.678+00'
    const row = { id: 1, owner: 'ann', balance: '0.10', notes: { tags: ['a"b', '{}'] }, made_at }
    expect(await db.insert(account).values(row).returning()).toEqual([row])
    const [found, changed, none] = await db.batch([
      db.select().from(account).where(eq(account.owner, 'ann')),
      db
        .update(account)
        .set({ balance: null })
        .where(eq(account.id, 1))
        .returning({ id: account.id }),
      db.select().from(account).where(eq(account.id, 9)),
    ])
    expect([found, changed, none]).toEqual([[row], [{ id: 1 }], []])
    const { rows } = await db.execute(
      raw`SELECT ${account.balance} IS NULL AS gone FROM ${account}`,
    )
    expect(rows).toEqual([{ gone: true }])
    const failing = db.batch([
      db.insert(account).values({ ...row, id: 2 }),
      db.insert(account).values({ ...row, id: 1 }),
    ])
    await expect(failing).rejects.toThrow()
    expect(await db.select({ id: account.id }).from(account)).toEqual([{ id: 1 }])
  })
})
