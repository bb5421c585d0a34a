/**
 * Runs what a REST request asks for on Redis: one command, a pipeline, or a transaction. It refuses
 * before it sends, so that nothing of a refused command or transaction reaches Redis.
 * https://upstash.com/docs/redis/features/restapi ("Pipelining", "Transactions", "HTTP Codes")
 */
import { type Command, isError, type Reply } from './resp.ts'
import type { RespClient } from './resp-client.ts'
import { refusal } from './upstash-command.ts'
import { answer } from './upstash-reply.ts'
import type { Scripts } from './upstash-scripts.ts'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Database {
  readonly client: RespClient
  readonly scripts: Scripts
}

export async function runCommand(
  { client, scripts }: Database,
  command: Command,
  base64: boolean,
): Promise<Answer> {
  const reason = refusal(command)
  if (reason) return refused(reason)
  const { command: sent, restore } = scripts.translate(command)
  const outcome = await client.send([sent])
  if ('unreachable' in outcome) return unavailable(outcome.unreachable)
  const reply = restore(outcome.replies[0] ?? null)
  return { status: isError(reply) ? 400 : 200, body: answer(reply, base64) }
}

/** Each command has its own answer; a refused one does not keep the others from running. */
export async function runPipeline(
  { client, scripts }: Database,
  commands: readonly Command[],
  base64: boolean,
): Promise<Answer> {
  const allowed = commands.filter((command) => !refusal(command))
  const translated = allowed.map((command) => scripts.translate(command))
  const outcome = await client.send(translated.map(({ command }) => command))
  if ('unreachable' in outcome) return unavailable(outcome.unreachable)
  const replies = translated.map(({ restore }, at) => restore(outcome.replies[at] ?? null)).values()
  const body = commands.map((command) => {
    const reason = refusal(command)
    return reason ? { error: reason } : answer(replies.next().value ?? null, base64)
  })
  return { status: 200, body }
}

/** All commands run with nothing between them, or, when one cannot be queued, none of them. */
export async function runTransaction(
  { client, scripts }: Database,
  commands: readonly Command[],
  base64: boolean,
): Promise<Answer> {
  const reason = commands.map(refusal).find((text) => text !== undefined)
  if (reason) return refused(reason)
  const translated = commands.map((command) => scripts.translate(command))
  const queued = translated.map(({ command }) => command)
  const outcome = await client.send([['MULTI'], ...queued, ['EXEC']])
  if ('unreachable' in outcome) return unavailable(outcome.unreachable)
  const executed = outcome.replies.at(-1)
  if (!Array.isArray(executed)) return refused(discardReason(outcome.replies))
  const body = translated.map(({ restore }, at) => answer(restore(executed[at] ?? null), base64))
  return { status: 200, body }
}

/** The command that could not be queued says more than EXEC, which only says that there was one. */
function discardReason(replies: readonly Reply[]): string {
  return replies.find(isError)?.message ?? 'EXECABORT Transaction discarded'
}

export function refused(error: string): Answer {
  return { status: 400, body: { error } }
}

export function unavailable(reason: string): Answer {
  return { status: 503, body: { error: `ERR Redis is not reachable: ${reason}` } }
}
