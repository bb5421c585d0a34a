/**
 * `npm run keys`: makes, lists and revokes API keys, straight in the database. Without DATABASE_URL it
 * takes the database of the stack that `npm start` runs (DATA_DIR/worker.env). A key is printed once,
 * on standard output alone, and can never be shown again.
 */
import { desc, eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Client } from 'pg'
import { API_KEY_ID, mintKey, NewApiKey } from '../shared/api-key.ts'
import { api_keys } from '../shared/database/schema.ts'
import { hideSecretsOf } from '../shared/redact.ts'
import { readArguments } from './arguments.ts'
import { type ConfigProblem, describeProblem } from './config/problems.ts'
import { readDatabaseUrl } from './config.ts'
import { tellOperator } from './ops/log.ts'
import { dataDir, describeMissing, storeVariables } from './running.ts'

const USAGE = `usage: npm run keys -- create --name NAME --scopes read,webhooks,admin
                            [--requests_per_minute N] [--streams N]
       npm run keys -- list
       npm run keys -- revoke ID`
const OPTIONS = ['name', 'scopes', 'requests_per_minute', 'streams'] as const
const CONNECT_TIMEOUT_MS = 10_000

type Command =
  | { readonly kind: 'create'; readonly asked: NewApiKey }
  | { readonly kind: 'list' }
  | { readonly kind: 'revoke'; readonly id: string }

type Read = Command | readonly ConfigProblem[]

function readCommand(argv: readonly string[]): Read {
  const { values, rest, problems } = readArguments(argv, OPTIONS)
  const [kind, id, ...more] = rest
  const extra = kind === 'revoke' ? more : rest.slice(1)
  const wrong: ConfigProblem[] = [
    ...problems,
    ...extra.map((value) => ({ variable: 'argument', value, expected: 'nothing more' })),
  ]
  if (kind === 'create') {
    const { scopes, requests_per_minute, streams } = values
    const parsed = NewApiKey.safeParse({
      name: values.name,
      scopes: scopes?.split(',').map((scope) => scope.trim()),
      ...(requests_per_minute && { requests_per_minute: Number(requests_per_minute) }),
      ...(streams && { streams: Number(streams) }),
    })
    for (const { path, message } of parsed.error?.issues ?? []) {
      const option = String(path[0])
      wrong.push({ variable: `--${option}`, value: values[option], expected: message })
    }
    return parsed.success && wrong.length === 0 ? { kind, asked: parsed.data } : wrong
  }
  for (const [name, value] of Object.entries(values)) {
    wrong.push({ variable: `--${name}`, value, expected: 'only with create' })
  }
  if (kind === 'list') return wrong.length > 0 ? wrong : { kind }
  if (kind === 'revoke' && id !== undefined && API_KEY_ID.test(id)) {
    return wrong.length > 0 ? wrong : { kind, id }
  }
  if (kind === 'revoke') return [...wrong, { variable: 'ID', value: id, expected: 'key_… of list' }]
  return [...wrong, { variable: 'command', value: kind, expected: 'create, list or revoke' }]
}

/** The database of the environment, else of the stack that runs in DATA_DIR. */
async function databaseUrl(): Promise<string> {
  const data_dir = dataDir('keys', process.env)
  const settings = readDatabaseUrl(await storeVariables(['DATABASE_URL'], data_dir, process.env))
  if (settings.ok) return settings.database_url
  throw new Error(describeMissing(settings.problems, data_dir))
}

/** Lines for standard output. @throws Error with what the operator can act on */
async function run(command: Command, client: Client): Promise<string[]> {
  const database = drizzle(client)
  if (command.kind === 'create') {
    const { key, ...minted } = await mintKey()
    await database.insert(api_keys).values({ ...command.asked, ...minted })
    tellOperator(`made ${minted.id} "${command.asked.name}"; the key is shown this once:`)
    return [key]
  }
  if (command.kind === 'revoke') {
    const revoked_at = sql`coalesce(${api_keys.revoked_at}, now())`
    const found = await database
      .update(api_keys)
      .set({ revoked_at })
      .where(eq(api_keys.id, command.id))
      .returning({ name: api_keys.name })
    if (found[0] === undefined) throw new Error(`there is no key ${command.id}: see list`)
    tellOperator(`revoked ${command.id} "${found[0].name}"; it stops within 5 s everywhere`)
    return []
  }
  const all = await database.select().from(api_keys).orderBy(desc(api_keys.created_at))
  if (all.length === 0) tellOperator('there are no keys')
  return all.map(({ id, prefix, scopes, last_used_at, revoked_at, name }) => {
    const state = revoked_at === null ? 'active' : `revoked ${revoked_at}`
    return [id, `${prefix}…`, scopes.join(), state, `used ${last_used_at ?? 'never'}`, name].join(
      '  ',
    )
  })
}

async function main(command: Command): Promise<void> {
  const connectionString = await databaseUrl()
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'spreadwire-keys',
  })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw new Error(`PostgreSQL does not answer: ${reasonOf(error)}`)
  }
  try {
    for (const line of await run(command, client)) process.stdout.write(`${line}\n`)
  } finally {
    await client.end()
  }
}

/** Of a connection that was tried at several addresses, of a failed statement, or of our own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  if (error instanceof Error && error.cause instanceof Error) return reasonOf(error.cause)
  return error instanceof Error ? error.message : String(error)
}

hideSecretsOf(process.env)
const command = readCommand(process.argv.slice(2))
if (!('kind' in command)) {
  tellOperator([...command.map(describeProblem), USAGE].join('\n'))
  process.exit(1)
}
try {
  await main(command)
  process.exit(0)
} catch (error) {
  tellOperator(reasonOf(error))
  process.exit(1)
}
