/**
 * Makes Lua scripts written for Upstash run on plain Redis. Upstash knows the script flag
 * `allow-key-locking` (lock only KEYS instead of the whole database), Redis refuses it as unknown.
 * The flag is dropped, and since that changes the script's SHA1, callers keep using the SHA1 of what
 * they wrote and Redis is asked by the other. It does not check that a script touches only its KEYS.
 * https://upstash.com/docs/redis/features/key-locking
 */
import { createHash } from 'node:crypto'
import type { Command, Reply } from './resp.ts'

const FLAG = 'allow-key-locking'
/** A forgotten script costs its caller one NOSCRIPT, which clients answer with EVAL. */
const MAX_SCRIPTS = 1_000

export class Scripts {
  /** SHA1 of the script as written → SHA1 of the script as Redis got it */
  readonly #stored = new Map<string, string>()

  /** The command to send; `restore` makes of Redis's reply the one that the caller expects. */
  translate(command: Command): { command: Command; restore: (reply: Reply) => Reply } {
    const name = String(command[0]).toUpperCase()
    if (name === 'EVAL' || name === 'EVAL_RO') {
      return { command: this.#rewrite(command, 1).command, restore: same }
    }
    if (name === 'EVALSHA' || name === 'EVALSHA_RO') {
      return { command: this.#lookUpFrom(command, 1, 2), restore: same }
    }
    const subcommand = name === 'SCRIPT' ? String(command[1]).toUpperCase() : undefined
    if (subcommand === 'EXISTS') return { command: this.#lookUpFrom(command, 2), restore: same }
    if (subcommand !== 'LOAD') return { command, restore: same }
    const { command: rewritten, sha1 } = this.#rewrite(command, 2)
    const restore = (reply: Reply) => (sha1 && Buffer.isBuffer(reply) ? Buffer.from(sha1) : reply)
    return { command: rewritten, restore }
  }

  #rewrite(command: Command, at: number): { command: Command; sha1?: string } {
    const script = command[at]
    if (script === undefined) return { command }
    const plain = withoutKeyLocking(String(script))
    if (plain === undefined) return { command }
    const sha1 = sha1Of(String(script))
    this.#stored.delete(sha1)
    this.#stored.set(sha1, sha1Of(plain))
    const oldest = this.#stored.keys().next()
    if (this.#stored.size > MAX_SCRIPTS && !oldest.done) this.#stored.delete(oldest.value)
    return { command: command.with(at, plain), sha1 }
  }

  #lookUpFrom(command: Command, start: number, end = command.length): Command {
    return command.map((part, at) =>
      at >= start && at < end ? (this.#stored.get(String(part).toLowerCase()) ?? part) : part,
    )
  }
}

function same(reply: Reply): Reply {
  return reply
}

/**
 * The script without the flag, or undefined when it does not have it. Other flags stay; without any
 * the line is left empty, so that line numbers in error messages stay right.
 */
function withoutKeyLocking(script: string): string | undefined {
  const end = script.indexOf('\n')
  const shebang = /^#!lua\s+(?:.*\s)?flags=(\S*)/.exec(end < 0 ? script : script.slice(0, end))
  const flags = shebang?.[1]?.split(',')
  if (!flags?.includes(FLAG)) return undefined
  const others = flags.filter((flag) => flag !== FLAG)
  const first_line = others.length > 0 ? `#!lua flags=${others.join(',')}` : ''
  return first_line + (end < 0 ? '' : script.slice(end))
}

function sha1Of(script: string): string {
  return createHash('sha1').update(script).digest('hex')
}
