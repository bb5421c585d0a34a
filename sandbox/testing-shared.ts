/**
 * What the test files of one run share, each made when somebody first asks for it: one PostgreSQL with
 * a database for each who asks, and the bundled edge. It is lent over loopback by the process of the
 * run, because test files live in processes of their own; it all ends with that process, however that
 * ends. A file that stops or faults PostgreSQL must start its own.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'
import { type Bundle, bundleEdge } from './bundle.ts'
import { PROJECT_DIR, variable } from './environment.ts'
import { reasonOf } from './failure.ts'
import { createDatabase, dropDatabase, type Postgres, startPostgres } from './postgres.ts'

/** Where the process of the run lends; set by sandbox/testing-setup.ts. */
const ADDRESS = 'SPREADWIRE_TESTS_SHARED'
const MIGRATIONS = join(PROJECT_DIR, 'shared', 'database', 'migrations')

export type DatabaseKind = 'empty' | 'migrated'

export interface Database {
  readonly url: string
  /** Ends its sessions and forgets it. */
  drop(): Promise<void>
}

/**
 * A database of the caller's own: empty, or with the tables of the product. Outside a test run (in a
 * benchmark) there is no lender, and the server is the caller's own too.
 */
export async function borrowDatabase(kind: DatabaseKind): Promise<Database> {
  const address = variable(ADDRESS)
  if (address !== undefined) {
    const url = await ask<string>(address, kind)
    return { url, drop: () => ask(address, 'drop', url) }
  }
  const owner = new Owner(await newFolder())
  return { url: await owner.database(kind), drop: () => owner.close() }
}

/** The edge app, or what another entry point makes of it. @throws outside a test run */
export function borrowBundle(entry_file?: string): Promise<Bundle> {
  const address = variable(ADDRESS)
  if (address === undefined) throw new Error('the bundle is shared by the files of a test run')
  return ask(address, 'bundle', entry_file)
}

async function ask<T>(address: string, what: string, of?: string): Promise<T> {
  const url = new URL(what, address)
  if (of !== undefined) url.searchParams.set('of', of)
  const response = await fetch(url)
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as T
}

/** @returns what ends the lending, and everything that was lent */
export async function lend(): Promise<() => Promise<void>> {
  const owner = new Owner(await newFolder())
  const server = createServer((request, response) => {
    answer(owner, new URL(request.url ?? '/', 'http://lender')).then(
      (value) => response.end(JSON.stringify(value ?? null)),
      (error: unknown) => response.writeHead(500).end(reasonOf(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.env[ADDRESS] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return async () => {
    delete process.env[ADDRESS]
    await closed(server)
    await owner.close()
  }
}

const newFolder = () => mkdtemp(join(tmpdir(), 'spreadwire-tests-'))

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function answer(owner: Owner, { pathname, searchParams }: URL): Promise<unknown> {
  const of = searchParams.get('of')
  if (pathname === '/empty') return owner.database('empty')
  if (pathname === '/migrated') return owner.database('migrated')
  if (pathname === '/drop') return owner.drop(of ?? '')
  return owner.bundle(of ?? undefined)
}

class Owner {
  private readonly folder: string
  private postgres: Promise<Postgres> | undefined
  private template: Promise<string> | undefined
  private readonly bundles = new Map<string | undefined, Promise<Bundle>>()

  constructor(folder: string) {
    this.folder = folder
  }

  async database(kind: DatabaseKind): Promise<string> {
    const { url } = await this.server()
    if (kind === 'empty') return createDatabase(url)
    this.template ??= migrated(url)
    return createDatabase(url, await this.template)
  }

  async drop(url: string): Promise<void> {
    await dropDatabase((await this.server()).url, url)
  }

  bundle(entry_file?: string): Promise<Bundle> {
    const made = this.bundles.get(entry_file) ?? bundleEdge(this.folder, entry_file)
    this.bundles.set(entry_file, made)
    return made
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.bundles.values())
    await this.postgres?.then((server) => server.stop()).catch(() => {})
    await rm(this.folder, { recursive: true, force: true })
  }

  private server(): Promise<Postgres> {
    this.postgres ??= startPostgres({ data_dir: join(this.folder, 'postgres'), durable: false })
    return this.postgres
  }
}

/** @returns the url of a database that nobody uses, to make others of */
async function migrated(server_url: string): Promise<string> {
  const url = await createDatabase(server_url)
  const pool = new pg.Pool({ connectionString: url })
  try {
    await migrate(drizzle(pool), { migrationsFolder: MIGRATIONS })
  } finally {
    await pool.end()
  }
  return url
}
