/**
 * Readers that open a stream and never read it again: their TCP window shuts, and whatever is sent to
 * them waits somewhere. Each says for itself what Cloudflare would say of its address.
 */
import { connect, type Socket } from 'node:net'

export class FrozenReader {
  /** the status of its answer */
  status = 0
  private readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
  }

  /** Resolves once the answer's head came; from then on nothing is read. */
  static open(port: number, address: string, query = ''): Promise<FrozenReader> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      const reader = new FrozenReader(socket)
      socket.on('error', reject)
      socket.on('connect', () =>
        socket.write(
          `GET /v1/stream${query} HTTP/1.1\r\nhost: 127.0.0.1\r\ncf-connecting-ip: ${address}\r\n\r\n`,
        ),
      )
      socket.once('data', (chunk) => {
        socket.pause()
        socket.removeAllListeners('error').on('error', () => {})
        reader.status = Number(chunk.toString('latin1', 9, 12))
        resolve(reader)
      })
    })
  }

  close(): void {
    this.socket.destroy()
  }
}

/** One address for each so many. */
export function addressOf(index: number, each: number): string {
  const number = Math.floor(index / each)
  return `198.18.${(number >> 8) & 255}.${number & 255}`
}
