/**
 * RESP2, the wire protocol of Redis, as it is: commands to bytes, bytes to replies. Replies keep the
 * server's own shape (HGETALL stays a flat array, strings stay bytes), which ready-made clients
 * change. It refuses RESP3 types: nothing here ever says HELLO 3.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

export type Argument = string | Buffer
export type Command = readonly Argument[]

interface StatusReply {
  readonly kind: 'status'
  readonly text: string
}

interface ErrorReply {
  readonly kind: 'error'
  /** as Redis words it, with its code first: "ERR …", "WRONGTYPE …" */
  readonly message: string
}

export type Reply = Buffer | number | null | StatusReply | ErrorReply | Reply[]

export function isError(reply: Reply | undefined): reply is ErrorReply {
  return isTagged(reply) && reply.kind === 'error'
}

export function isStatus(reply: Reply | undefined): reply is StatusReply {
  return isTagged(reply) && reply.kind === 'status'
}

function isTagged(reply: Reply | undefined): reply is StatusReply | ErrorReply {
  return typeof reply === 'object' && reply !== null && 'kind' in reply
}

/** All commands in one buffer, so that one write keeps them together on the wire. */
export function encodeCommands(commands: readonly Command[]): Buffer {
  const parts: Buffer[] = []
  for (const command of commands) {
    parts.push(Buffer.from(`*${command.length}\r\n`))
    for (const argument of command) {
      const bytes = typeof argument === 'string' ? Buffer.from(argument) : argument
      parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF)
    }
  }
  return Buffer.concat(parts)
}

const CRLF = Buffer.from('\r\n')

interface OpenArray {
  readonly items: Reply[]
  readonly length: number
}

/** Turns a byte stream, cut anywhere, into replies. Each byte is read once, however it was cut. */
export class ReplyParser {
  #chunks: Buffer[] = []
  #buffered_bytes = 0
  /** No reply can be complete before this many bytes are here. */
  #needed_bytes = 1
  /** The arrays that still lack items, outermost first. */
  readonly #open: OpenArray[] = []

  /** @throws Error when the bytes are not RESP2; the connection is then beyond use. */
  feed(chunk: Buffer): Reply[] {
    this.#chunks.push(chunk)
    this.#buffered_bytes += chunk.length
    if (this.#buffered_bytes < this.#needed_bytes) return []
    const buffer = Buffer.concat(this.#chunks)
    const replies: Reply[] = []
    let offset = 0
    while (offset < buffer.length) {
      const next = this.#read(buffer, offset, replies)
      if (next < 0) break
      offset = next
    }
    this.#chunks = [buffer.subarray(offset)]
    this.#buffered_bytes = buffer.length - offset
    return replies
  }

  /** Reads one value at `offset` and returns the offset after it, or -1 while it is incomplete. */
  #read(buffer: Buffer, offset: number, replies: Reply[]): number {
    const end_of_line = buffer.indexOf(CRLF, offset)
    if (end_of_line < 0) {
      this.#needed_bytes = buffer.length - offset + 1
      return -1
    }
    this.#needed_bytes = 1
    const type = String.fromCharCode(buffer[offset] ?? 0)
    const line = buffer.toString('utf8', offset + 1, end_of_line)
    const start = end_of_line + 2
    switch (type) {
      case '+':
        this.#add({ kind: 'status', text: line }, replies)
        return start
      case '-':
        this.#add({ kind: 'error', message: line }, replies)
        return start
      case ':':
        this.#add(integer(line), replies)
        return start
      case '$':
        return this.#readBulk(buffer, offset, start, integer(line), replies)
      case '*':
        this.#openArray(integer(line), replies)
        return start
      default:
        throw new Error(`not a RESP2 reply: type byte ${JSON.stringify(type)}`)
    }
  }

  #readBulk(
    buffer: Buffer,
    offset: number,
    start: number,
    length: number,
    replies: Reply[],
  ): number {
    if (length < 0) {
      this.#add(null, replies)
      return start
    }
    const end = start + length + 2
    if (buffer.length < end) {
      this.#needed_bytes = end - offset
      return -1
    }
    this.#add(buffer.subarray(start, end - 2), replies)
    return end
  }

  #openArray(length: number, replies: Reply[]): void {
    if (length < 0) this.#add(null, replies)
    else if (length === 0) this.#add([], replies)
    else this.#open.push({ items: [], length })
  }

  /** Puts a value where it belongs, and closes every array that it completes. */
  #add(value: Reply, replies: Reply[]): void {
    let complete = value
    for (;;) {
      const array = this.#open.at(-1)
      if (!array) break
      array.items.push(complete)
      if (array.items.length < array.length) return
      this.#open.pop()
      complete = array.items
    }
    replies.push(complete)
  }
}

function integer(line: string): number {
  if (!/^[+-]?\d+$/.test(line)) throw new Error(`not a RESP2 number: ${JSON.stringify(line)}`)
  return Number(line)
}
