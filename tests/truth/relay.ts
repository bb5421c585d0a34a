/**
 * A network that can fail: passes bytes between the worker and one sandbox exchange, and on demand
 * holds everything back or loses whole WebSocket frames of the exchange. It changes no byte.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

const HOST = '127.0.0.1'
const END_OF_HEADER = '\r\n\r\n'
/** a heartbeat, an ack and a pong are shorter than any frame with a level of a book */
const SHORTEST_BOOK_FRAME = 120
const TEXT_FRAME = 0x81

export class Relay {
  private readonly server: Server
  private readonly target: URL
  private readonly pairs = new Set<{ readonly client: Socket; readonly exchange: Socket }>()
  private stalled = false
  private to_lose = 0

  constructor(target: string) {
    this.target = new URL(target)
    this.server = createServer((client) => this.join(client))
  }

  /** The same address with this relay's port. Once. */
  async listen(): Promise<string> {
    this.server.listen(0, HOST)
    await once(this.server, 'listening')
    const url = new URL(this.target)
    url.port = String((this.server.address() as AddressInfo).port)
    return url.href.replace(/\/$/, '')
  }

  /** From now on the exchange says nothing that arrives; it waits in buffers. */
  stall(): void {
    this.stalled = true
    for (const { exchange } of this.pairs) exchange.pause()
  }

  resume(): void {
    this.stalled = false
    for (const { exchange } of this.pairs) exchange.resume()
  }

  /** The next so many book frames are never delivered. */
  lose(frames: number): void {
    this.to_lose = frames
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    for (const { client, exchange } of this.pairs) {
      client.destroy()
      exchange.destroy()
    }
    await closed
  }

  private join(client: Socket): void {
    const exchange = connect(Number(this.target.port), this.target.hostname)
    const pair = { client, exchange }
    this.pairs.add(pair)
    const end = () => {
      this.pairs.delete(pair)
      client.destroy()
      exchange.destroy()
    }
    for (const socket of [client, exchange]) {
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    const pass = this.filter()
    client.on('data', (bytes) => exchange.write(bytes))
    exchange.on('data', (bytes) => {
      for (const part of pass(bytes)) client.write(part)
    })
    if (this.stalled) exchange.pause()
  }

  /** Cuts what the exchange says into frames once the connection is a WebSocket. */
  private filter(): (bytes: Buffer) => Buffer[] {
    let mode: 'header' | 'http' | 'frames' = 'header'
    let rest: Buffer = Buffer.alloc(0)
    return (bytes) => {
      if (mode === 'http') return [bytes]
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
      const out: Buffer[] = []
      if (mode === 'header') {
        const end = rest.indexOf(END_OF_HEADER)
        if (end < 0) return []
        mode = rest.toString('latin1', 0, 16).includes(' 101 ') ? 'frames' : 'http'
        const length = mode === 'http' ? rest.length : end + END_OF_HEADER.length
        out.push(rest.subarray(0, length))
        rest = rest.subarray(length)
      }
      for (let length = frameLength(rest); length <= rest.length; length = frameLength(rest)) {
        const frame = rest.subarray(0, length)
        rest = rest.subarray(length)
        if (!this.isLost(frame)) out.push(frame)
      }
      return out
    }
  }

  private isLost(frame: Buffer): boolean {
    if (this.to_lose === 0 || frame[0] !== TEXT_FRAME) return false
    if (frame.length < SHORTEST_BOOK_FRAME) return false
    this.to_lose--
    return true
  }
}

/** Of the frame that begins the bytes, unmasked as a server sends it; infinite until that is known. */
function frameLength(bytes: Buffer): number {
  if (bytes.length < 2) return Number.POSITIVE_INFINITY
  const short = bytes.readUInt8(1) & 0x7f
  if (short < 126) return 2 + short
  if (short === 126) return bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + bytes.readUInt16BE(2)
  return bytes.length < 10 ? Number.POSITIVE_INFINITY : 10 + Number(bytes.readBigUInt64BE(2))
}
