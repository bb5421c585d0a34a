/**
 * Writes text frames to a client: all of one turn of the loop leave as one piece, because a system
 * call and two buffers a frame cost more than most frames do. Control frames are not its business.
 * https://www.rfc-editor.org/rfc/rfc6455#section-5.2
 */
import type { Duplex } from 'node:stream'

const FIN_AND_TEXT = 0x81
const LENGTH_IN_2_BYTES = 126
const LENGTH_IN_8_BYTES = 127
const LONGEST_HEAD = 10
const FIRST_CAPACITY = 16 << 10

export class FrameWriter {
  private readonly stream: Duplex
  private buffer = Buffer.allocUnsafe(FIRST_CAPACITY)
  private length = 0

  constructor(stream: Duplex) {
    this.stream = stream
  }

  /** bytes that wait for the end of the turn */
  get waiting_bytes(): number {
    return this.length
  }

  text(frame: string): void {
    const bytes = Buffer.byteLength(frame)
    this.reserve(LONGEST_HEAD + bytes)
    if (this.length === 0) process.nextTick(() => this.flush())
    this.length = this.head(this.length, bytes)
    this.length += this.buffer.write(frame, this.length, bytes, 'utf8')
  }

  /** Whatever waits leaves now. */
  flush(): void {
    // the stream keeps what it cannot send at once: it gets bytes of its own
    if (this.length > 0 && this.stream.writable) {
      this.stream.write(Buffer.from(this.buffer.subarray(0, this.length)))
    }
    this.length = 0
  }

  /** "7 bits, 7+16 bits, or 7+64 bits"; a server does not mask. Returns where the payload begins. */
  private head(from: number, bytes: number): number {
    const { buffer } = this
    buffer[from] = FIN_AND_TEXT
    if (bytes < LENGTH_IN_2_BYTES) {
      buffer[from + 1] = bytes
      return from + 2
    }
    if (bytes < 1 << 16) {
      buffer[from + 1] = LENGTH_IN_2_BYTES
      return buffer.writeUInt16BE(bytes, from + 2)
    }
    buffer[from + 1] = LENGTH_IN_8_BYTES
    return buffer.writeBigUInt64BE(BigInt(bytes), from + 2)
  }

  private reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.length)
    this.buffer = larger
  }
}
