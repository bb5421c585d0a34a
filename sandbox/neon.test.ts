import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NeonDbError, neon, neonConfig, Pool } from '@neondatabase/serverless'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from './gateway-http.ts'
import { startNeonGateway } from './neon.ts'
import { freePort } from './ports.ts'
import { type Postgres, startPostgres } from './postgres.ts'

const WITHIN = { timeout: 15_000, interval: 20 }

let data_dir: string
let port: number
let postgres: Postgres
let gateway: Gateway

const start = () => startPostgres({ data_dir, port, durable: false })
const sql = () => neon(postgres.url)

beforeAll(async () => {
  vi.stubEnv('DATABASE_URL', undefined)
  data_dir = await mkdtemp(join(tmpdir(), 'neon-gateway-'))
  port = await freePort()
  postgres = await start()
  gateway = await startNeonGateway({ database_url: postgres.url })
  neonConfig.fetchEndpoint = `${gateway.url}/sql`
  neonConfig.wsProxy = `${new URL(gateway.url).host}/v2`
  neonConfig.useSecureWebSocket = false
  neonConfig.pipelineConnect = false
}, 120_000)

afterAll(async () => {
  await gateway?.close()
  await postgres?.stop()
  await rm(data_dir, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

beforeEach(async () => {
  await sql()`DROP TABLE IF EXISTS account`
  await sql()`CREATE TABLE account (
    id integer PRIMARY KEY,
    owner text NOT NULL,
    balance numeric CONSTRAINT balance_is_positive CHECK (balance >= 0))`
})

async function failureOf(promise: Promise<unknown>): Promise<NeonDbError> {
  return await promise.then(
    () => expect.fail('it should have failed'),
    (error: NeonDbError) => error,
  )
}

async function post(
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${gateway.url}/sql`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'Neon-Connection-String': postgres.url, ...headers },
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('values through @neondatabase/serverless', () => {
  it('arrive as the vendor gives them, by type', async () => {
    const [row] = await sql()`SELECT
      1::int AS small, 9007199254740993::bigint AS big, 1.10::numeric AS price,
      0.1::float8 AS float, 'NaN'::float8 AS nan, true AS yes, NULL AS nothing,
      '2026-01-02T03:04:05.678Z'::timestamptz AS moment, '{"a":[1,null]}'::jsonb AS document,
      ARRAY['a', 'b,"c', NULL]::text[] AS texts, ARRAY[1.5, 2.25]::numeric[] AS prices,
      ARRAY[1.5, 2.25]::numeric[]::text AS exact, '\\x00ff'::bytea AS bytes`
    expect(row).toEqual({
      small: 1,
      big: '9007199254740993',
      price: '1.10',
      float: 0.1,
      nan: Number.NaN,
      yes: true,
      nothing: null,
      moment: new Date('2026-01-02T03:04:05.678Z'),
      document: { a: [1, null] },
      texts: ['a', 'b,"c', null],
      // The client parses numeric[] into floats; only text keeps the digits.
      prices: [1.5, 2.25],
      exact: '{1.5,2.25}',
      bytes: Buffer.from([0, 255]),
    })
  })

  it('bring any text, array and document back as it was sent', async () => {
    const text = fc
      .string({ unit: 'binary' })
      .filter((value) => value.isWellFormed() && !value.includes('\u0000'))
    const texts = fc.array(fc.option(text), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(text, texts, fc.dictionary(text, text), async (one, many, document) => {
        const [row] =
          await sql()`SELECT ${one}::text AS one, ${many}::text[] AS many, ${document}::jsonb AS document`
        expect(row).toEqual({ one, many, document: { ...document } })
      }),
      { numRuns: 40, examples: [['it"s', ['NULL', null, '{}', '', 'a\\"b', ' '], { '': '\n' }]] },
    )
  })

  it('bring numbers, moments and bytes back as they were sent', async () => {
    const moment = new Date('2026-01-02T03:04:05.678Z')
    const [row] = await sql()`SELECT ${7}::int AS number, ${'1.10'}::numeric AS price,
      ${moment}::timestamptz AS moment, ${Buffer.from([0, 255])}::bytea AS bytes,
      ${null}::text AS nothing, ${[[1, 2], [3, 4]]}::int[] AS grid`
    expect(row).toEqual({
      number: 7,
      price: '1.10',
      moment,
      bytes: Buffer.from([0, 255]),
      nothing: null,
      grid: [
        [1, 2],
        [3, 4],
      ],
    })
  })

  it('come with the fields, the command and the row count on demand', async () => {
    const inserted = await sql().query(
      "INSERT INTO account VALUES (1, 'ann', 1), (2, 'bob', 2) RETURNING id, balance",
      [],
      { fullResults: true, arrayMode: true },
    )
    expect(inserted).toMatchObject({
      command: 'INSERT',
      rowCount: 2,
      rows: [
        [1, '1'],
        [2, '2'],
      ],
      fields: [
        { name: 'id', dataTypeID: 23, columnID: 1, format: 'text' },
        { name: 'balance', dataTypeID: 1700, columnID: 3, format: 'text' },
      ],
    })
    expect(await sql()`SELECT id FROM account WHERE id > 9`).toEqual([])
  })

  it('are JSON by type for a caller that does not ask for raw text', async () => {
    const query = `SELECT 1::int2 AS small, 2::bigint AS big, 1.0::float4 AS float,
      'Infinity'::float8 AS endless, true AS yes, NULL AS nothing, '[1]'::json AS document,
      '[0:1]={1,NULL}'::int[] AS numbers, '{{t},{f}}'::bool[] AS grid,
      ARRAY['a"b\\c', 'NULL', '', '{x,y}']::text[] AS texts, '{}'::int[] AS empty`
    const expected = {
      small: 1,
      big: '2',
      float: 1,
      endless: 'Infinity',
      yes: true,
      nothing: null,
      document: [1],
      numbers: [1, null],
      grid: [[true], [false]],
      texts: ['a"b\\c', 'NULL', '', '{x,y}'],
      empty: [],
    }
    expect((await post({ query })).body).toMatchObject({ rowAsArray: false, rows: [expected] })
    const array = await post({ query }, { 'Neon-Array-Mode': 'true' })
    expect(array.body).toMatchObject({ rowAsArray: true, rows: [Object.values(expected)] })
    const text = await post({ query }, { 'Neon-Raw-Text-Output': 'true' })
    expect(text.body.rows).toMatchObject([
      { big: '2', yes: 't', document: '[1]', grid: '{{t},{f}}' },
    ])
  })

  it('are exact however many callers ask at once', async () => {
    const asked = Array.from({ length: 100 }, (_, id) => sql()`SELECT ${id}::int AS id`)
    const rows = (await Promise.all(asked)).flat()
    expect(rows).toEqual(Array.from({ length: 100 }, (_, id) => ({ id })))
  })
})

describe('transactions', () => {
  it('take effect as a whole', async () => {
    const client = sql()
    const results = await client.transaction([
      client`INSERT INTO account VALUES (1, 'ann', 1)`,
      client`UPDATE account SET balance = balance + 1 RETURNING balance`,
    ])
    expect(results).toEqual([[], [{ balance: '2' }]])
  })

  it('leave nothing behind when a query fails', async () => {
    const client = sql()
    const failure = await failureOf(
      client.transaction([
        client`INSERT INTO account VALUES (1, 'ann', 1)`,
        client`INSERT INTO account VALUES (1, 'bob', 1)`,
      ]),
    )
    expect(failure).toMatchObject({ code: '23505', constraint: 'account_pkey' })
    expect(await client`SELECT * FROM account`).toEqual([])
  })

  it('leave nothing behind when only the commit fails', async () => {
    const client = sql()
    await client`ALTER TABLE account ADD CONSTRAINT one_owner UNIQUE (owner) DEFERRABLE INITIALLY DEFERRED`
    const twice = client.transaction([
      client`INSERT INTO account VALUES (1, 'ann', 1)`,
      client`INSERT INTO account VALUES (2, 'ann', 1)`,
    ])
    expect(await failureOf(twice)).toMatchObject({ code: '23505', constraint: 'one_owner' })
    expect(await client`SELECT * FROM account`).toEqual([])
  })

  it.each([
    ['ReadUncommitted', false, false, 'read uncommitted'],
    ['ReadCommitted', true, false, 'read committed'],
    ['RepeatableRead', true, true, 'repeatable read'],
    ['Serializable', false, true, 'serializable'],
    [undefined, true, true, 'read committed'],
  ] as const)(
    'run as %s, read only %s, deferrable %s',
    async (level, readOnly, deferrable, name) => {
      const client = sql()
      const [[row]] = (await client.transaction(
        [
          client`SELECT current_setting('transaction_isolation') AS isolation,
          current_setting('transaction_read_only') AS read_only,
          current_setting('transaction_deferrable') AS deferrable`,
        ],
        { readOnly, deferrable, ...(level && { isolationLevel: level }) },
      )) as [[unknown]]
      const onOff = (yes: boolean) => (yes ? 'on' : 'off')
      expect(row).toEqual({
        isolation: name,
        read_only: onOff(readOnly),
        deferrable: onOff(deferrable),
      })
    },
  )

  it('lose no update when many run at once as serializable', async () => {
    const client = sql()
    await client`INSERT INTO account VALUES (1, 'ann', 0)`
    const add = async (): Promise<void> => {
      const tried = client.transaction(
        [client`UPDATE account SET balance = (SELECT balance FROM account WHERE id = 1) + 1`],
        { isolationLevel: 'Serializable' },
      )
      await tried.catch((error: NeonDbError) => {
        expect(error.code).toBe('40001')
        return add()
      })
    }
    await Promise.all(Array.from({ length: 15 }, add))
    expect(await client`SELECT balance FROM account`).toEqual([{ balance: '15' }])
  })

  it('refuse an isolation level that does not exist', async () => {
    const level = { 'Neon-Batch-Isolation-Level': 'Chaos; DROP TABLE account' }
    expect(await post({ queries: [] }, level)).toMatchObject({
      status: 400,
      body: { message: 'invalid isolation level' },
    })
  })
})

describe('a request leaves nothing behind for the next', () => {
  it.each(['BEGIN', 'SET statement_timeout = 1234', 'CREATE TEMP TABLE mine (id int)'])(
    'after %s',
    async (query) => {
      await sql().query(query)
      const seen = await Promise.all(
        Array.from(
          { length: 20 },
          () => sql()`SELECT current_setting('statement_timeout') AS timeout,
            to_regclass('mine')::text AS mine`,
        ),
      )
      for (const [row] of seen) expect(row).toEqual({ timeout: '0', mine: null })
      const open = () =>
        sql()`SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'`
      await expect.poll(open, WITHIN).toEqual([])
    },
  )
})

describe('errors', () => {
  it("carry all of PostgreSQL's fields", async () => {
    const failure = await failureOf(sql()`INSERT INTO account VALUES (1, 'ann', -1)`)
    expect(failure.name).toBe('NeonDbError')
    expect(failure).toMatchObject({
      message: 'new row for relation "account" violates check constraint "balance_is_positive"',
      severity: 'ERROR',
      code: '23514',
      detail: 'Failing row contains (1, ann, -1).',
      schema: 'public',
      table: 'account',
      constraint: 'balance_is_positive',
      file: 'execMain.c',
      line: expect.stringMatching(/^\d+$/),
      routine: 'ExecConstraints',
    })
    expect(await failureOf(sql()`INSERT INTO account (id) VALUES (1)`)).toMatchObject({
      code: '23502',
      column: 'owner',
    })
    expect(await failureOf(sql()`SELECT * FROM acount`)).toMatchObject({
      code: '42P01',
      position: '15',
    })
  })

  it('refuse two statements in one query, as the vendor does', async () => {
    const failure = await failureOf(sql().query('SELECT 1; SELECT 2'))
    expect(failure).toMatchObject({ code: '42601' })
  })

  it('reject a wrong password in the words of the vendor, again and again', async () => {
    const url = new URL(postgres.url)
    url.password = 'wrong'
    for (let turn = 0; turn < 3; turn++) {
      const failure = await failureOf(neon(url.href)`SELECT 1`)
      expect(failure.message).toBe(`password authentication failed for user '${url.username}'`)
      expect(failure.code).toBeUndefined()
    }
    expect(await sql()`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })

  it('name a database that does not exist', async () => {
    const url = new URL(postgres.url)
    url.pathname = '/nowhere'
    expect(await failureOf(neon(url.href)`SELECT 1`)).toMatchObject({ code: '3D000' })
  })

  it.each([
    [{ 'Neon-Connection-String': 'mysql://a:b@c/d' }, 'invalid connection string'],
    [{ 'Neon-Connection-String': 'postgres://a@c/d' }, 'required password not specified'],
    [{ 'Neon-Connection-String': 'postgres://a:b@c' }, 'missing database name'],
  ])('refuse %j', async (headers, message) => {
    expect(await post({ query: 'SELECT 1' }, headers)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining(message) },
    })
  })

  it('refuse a body without a query and a path that is not /sql', async () => {
    for (const body of ['{', '{"sql":"SELECT 1"}']) {
      expect(await post(body)).toMatchObject({
        status: 400,
        body: { message: expect.stringContaining('could not parse') },
      })
    }
    expect((await fetch(`${gateway.url}/other`, { method: 'POST' })).status).toBe(400)
  })
})

describe('when PostgreSQL goes away', () => {
  it('fails with a message, and works again when it is back', async () => {
    expect(await sql()`SELECT 1 AS one`).toEqual([{ one: 1 }])
    const asleep = failureOf(sql()`SELECT pg_sleep(600)`)
    const watcher = new pg.Client({ connectionString: postgres.url })
    watcher.on('error', () => {})
    await watcher.connect()
    const sleeping = async () => {
      const query = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
      return (await watcher.query(query)).rowCount
    }
    await expect.poll(sleeping, WITHIN).toBe(1)

    await postgres.stop()
    expect((await asleep).message).not.toBe('')
    expect((await failureOf(sql()`SELECT 1`)).message).toMatch(
      /HTTP status 500.*Couldn't connect to compute node/,
    )

    postgres = await start()
    expect(await sql()`SELECT 2 AS two`).toEqual([{ two: 2 }])
  }, 60_000)
})

it('closes while a query runs that would not end', async () => {
  const own = await startNeonGateway({ database_url: postgres.url })
  const endless = fetch(`${own.url}/sql`, {
    method: 'POST',
    body: JSON.stringify({ query: 'SELECT pg_sleep(601)' }),
    headers: { 'Neon-Connection-String': postgres.url },
  }).catch(String)
  const running = () => sql()`SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(601)'`
  await expect.poll(running, WITHIN).toHaveLength(1)
  await own.close()
  expect(await endless).toMatch(/fetch failed/)
}, 20_000)

describe('the WebSocket tunnel', () => {
  it('carries Pool with interactive transactions and notifications', async () => {
    const pool = new Pool({ connectionString: postgres.url })
    const client = await pool.connect()
    try {
      const heard: string[] = []
      client.on('notification', ({ payload }) => heard.push(payload ?? ''))
      await client.query('LISTEN news')
      await client.query('BEGIN')
      await client.query("INSERT INTO account VALUES (1, 'ann', 1)")
      expect(await sql()`SELECT * FROM account`).toEqual([])
      await client.query('COMMIT')
      expect(await sql()`SELECT id FROM account`).toEqual([{ id: 1 }])
      await sql()`SELECT pg_notify('news', 'hello')`
      await expect.poll(() => heard, WITHIN).toEqual(['hello'])
      const large = 'x'.repeat(3_000_000)
      expect((await client.query('SELECT $1::text AS text', [large])).rows).toEqual([
        { text: large },
      ])
    } finally {
      client.release()
      await pool.end()
    }
  })

  it('closes when PostgreSQL ends the connection', async () => {
    const pool = new Pool({ connectionString: postgres.url })
    pool.on('error', () => {})
    const client = await pool.connect()
    const ended = new Promise<void>((resolve) => client.on('end', resolve))
    client.on('error', () => {})
    const query = client.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(String)
    await ended
    await query
    client.release(true)
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await pool.end()
  })

  it('exists at /v2 only', async () => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/elsewhere`)
    await new Promise((resolve) => socket.addEventListener('error', resolve))
    expect(socket.readyState).toBe(WebSocket.CLOSED)
  })
})
