/**
 * JSON lines to a stream that may be slower than the replay, such as a pipe into another program.
 * When that program has read enough and ends, so does the writing, without a complaint.
 */
import { once } from 'node:events'
import type { Writable } from 'node:stream'

export class JsonLines {
  /** nobody reads any more */
  closed = false
  private readonly stream: Writable

  constructor(stream: Writable) {
    this.stream = stream
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      this.closed = true
    })
  }

  write(value: unknown): void {
    if (!this.closed) this.stream.write(`${JSON.stringify(value)}\n`)
  }

  /** Resolves when what was written so far is no burden any more. */
  async drained(): Promise<void> {
    if (this.closed || !this.stream.writableNeedDrain) return
    await Promise.race([once(this.stream, 'drain'), once(this.stream, 'close')])
  }
}
