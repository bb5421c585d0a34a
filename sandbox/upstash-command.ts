/**
 * From a REST request to a Redis command, by Upstash's rules. It refuses what cannot be asked over
 * stateless HTTP on a shared connection: commands that block, that change the connection, or that
 * administer the server. Commands it does not know go to Redis, which answers for itself.
 * https://upstash.com/docs/redis/features/restapi
 */
import type { Argument, Command } from './resp.ts'

/** Refusals are values: the text goes to the caller as Upstash's `{"error": …}`. */
type Parsed<T> = { value: T } | { refused: string }

/** They change the state of the connection, or have an endpoint of their own. */
const CONNECTION_COMMANDS = new Set([
  ...['AUTH', 'CLIENT', 'HELLO', 'QUIT', 'RESET', 'SELECT', 'ASKING', 'READONLY', 'READWRITE'],
  ...['MULTI', 'EXEC', 'DISCARD', 'WATCH', 'UNWATCH', 'MONITOR'],
  ...['SUBSCRIBE', 'UNSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE', 'SSUBSCRIBE', 'SUNSUBSCRIBE'],
])

/** They would hold up everybody else on the shared connection. */
const BLOCKING_COMMANDS = new Set([
  ...['BLPOP', 'BRPOP', 'BRPOPLPUSH', 'BLMOVE', 'BLMPOP', 'BZPOPMIN', 'BZPOPMAX', 'BZMPOP'],
  ...['WAIT', 'WAITAOF'],
])

/** A hosted database does not offer them. */
const SERVER_COMMANDS = new Set([
  ...['BGREWRITEAOF', 'BGSAVE', 'CLUSTER', 'CONFIG', 'DEBUG', 'FAILOVER', 'LATENCY', 'MODULE'],
  ...['PSYNC', 'REPLCONF', 'REPLICAOF', 'ROLE', 'SAVE', 'SHUTDOWN', 'SLAVEOF', 'SLOWLOG', 'SYNC'],
])

/** The whole command as a JSON array in the body. */
export function commandFromBody(body: Buffer): Parsed<Command> {
  const json = parseArray(body)
  return 'refused' in json ? json : commandFromJson(json.value)
}

/** Several commands as an array of arrays. A malformed one refuses all of them. */
export function commandsFromBody(body: Buffer): Parsed<Command[]> {
  const json = parseArray(body)
  if ('refused' in json) return json
  if (json.value.length === 0) return { refused: 'ERR empty pipeline request' }
  const commands: Command[] = []
  for (const row of json.value) {
    const parsed = Array.isArray(row) ? commandFromJson(row) : NOT_AN_ARRAY
    if ('refused' in parsed) return parsed
    commands.push(parsed.value)
  }
  return { value: commands }
}

/** `/set/key?EX=100` with a body: the body comes after the path, the query's pairs after the body. */
export function commandFromPath(
  segments: readonly string[],
  body: Buffer,
  query: URLSearchParams,
): Command {
  const command: Argument[] = [...segments]
  if (body.length > 0) command.push(body)
  for (const [name, value] of query) {
    if (name === '_token') continue
    command.push(name)
    if (value) command.push(value)
  }
  return command
}

/** Why this command cannot be sent, or undefined. */
export function refusal(command: Command): string | undefined {
  const name = String(command[0]).toUpperCase()
  if (SERVER_COMMANDS.has(name)) {
    return `ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`
  }
  if (CONNECTION_COMMANDS.has(name) || BLOCKING_COMMANDS.has(name) || blocksOnStream(name, command))
    return `ERR Command "${name}" is not allowed in REST or it has a special context path`
  return undefined
}

/** BLOCK is an option only before STREAMS, and in XREADGROUP only after GROUP, group and consumer. */
function blocksOnStream(name: string, command: Command): boolean {
  if (name !== 'XREAD' && name !== 'XREADGROUP') return false
  const options = command.slice(name === 'XREAD' ? 1 : 4).map((part) => String(part).toUpperCase())
  const block = options.indexOf('BLOCK')
  return block >= 0 && block < options.indexOf('STREAMS')
}

const NOT_AN_ARRAY = { refused: 'expected JSON array' }

function parseArray(body: Buffer): Parsed<unknown[]> {
  if (body.length === 0) return { refused: 'EOF' }
  let json: unknown
  try {
    json = JSON.parse(body.toString())
  } catch {
    return { refused: 'ERR invalid JSON' }
  }
  return Array.isArray(json) ? { value: json } : NOT_AN_ARRAY
}

function commandFromJson(json: readonly unknown[]): Parsed<Command> {
  if (json.length === 0) return { refused: 'ERR empty command' }
  const command: Argument[] = []
  for (const argument of json) {
    if (argument === null) return { refused: 'ERR null args are not supported' }
    if (typeof argument === 'object') {
      const delimiter = Array.isArray(argument) ? '[' : '{'
      return { refused: `ERR unsupported arg type: "${delimiter}": json.Delim` }
    }
    command.push(String(argument))
  }
  return { value: command }
}
