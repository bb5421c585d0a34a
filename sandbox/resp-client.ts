/**
 * A Redis client that all callers share: one connection, pipelining, replies as they are on the wire.
 * It connects when it is first needed and again after a loss, fails at once while Redis is away, and
 * never repeats a command by itself, for a command without an answer may have taken effect.
 */
import { reasonOf } from './failure.ts'
import type { Command, Reply } from './resp.ts'
import { type Connection, openConnection } from './resp-connection.ts'

/** Longer than any sane script runs; after this a connection counts as dead. */
const REPLY_TIMEOUT_MS = 10_000

/** `replies` has one entry per command; `unreachable` says why there are none. */
export type Outcome = { replies: Reply[] } | { unreachable: string }

interface Batch {
  readonly size: number
  readonly replies: Reply[]
  readonly settle: (outcome: Outcome) => void
}

interface Link {
  readonly connection: Connection
  /** Batches on the wire, oldest first: Redis answers in the order of arrival. */
  readonly waiting: Batch[]
  /** why the connection is gone, once it is */
  ended?: string
}

export class RespClient {
  readonly #redis_url: string
  #link: Promise<Link> | undefined
  #closed = false

  constructor(redis_url: string) {
    this.#redis_url = redis_url
  }

  /** Sends the commands next to each other: no other caller's command can come between them. */
  async send(commands: readonly Command[]): Promise<Outcome> {
    if (commands.length === 0) return { replies: [] }
    if (this.#closed) return { unreachable: 'the client is closed' }
    this.#link ??= this.#open()
    let link: Link
    try {
      link = await this.#link
    } catch (error) {
      return { unreachable: reasonOf(error) }
    }
    if (link.ended !== undefined) return { unreachable: link.ended }
    return await exchange(link, commands)
  }

  async #open(): Promise<Link> {
    const waiting: Batch[] = []
    let link: Link | undefined
    try {
      const connection = await openConnection(this.#redis_url, {
        onReply: (reply) => take(waiting, reply),
        onEnd: (reason) => {
          this.#link = undefined
          if (link) link.ended = reason
          for (const batch of waiting.splice(0)) batch.settle({ unreachable: reason })
        },
      })
      link = { connection, waiting }
      return link
    } catch (error) {
      this.#link = undefined
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const link = await this.#link?.catch(() => undefined)
    link?.connection.destroy()
  }
}

function exchange(link: Link, commands: readonly Command[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      link.connection.destroy(new Error(`no reply within ${REPLY_TIMEOUT_MS} ms`))
    }, REPLY_TIMEOUT_MS)
    const settle = (outcome: Outcome) => {
      clearTimeout(timer)
      resolve(outcome)
    }
    link.waiting.push({ size: commands.length, replies: [], settle })
    link.connection.write(commands)
  })
}

function take(waiting: Batch[], reply: Reply): void {
  const batch = waiting[0]
  if (!batch) throw new Error('Redis sent a reply that nobody asked for')
  batch.replies.push(reply)
  if (batch.replies.length < batch.size) return
  waiting.shift()
  batch.settle({ replies: batch.replies })
}
