/**
 * A process of its own that serves the measured frames: `node sender.ts FILE`. Each WebSocket
 * connection names an exchange by its path; at the word `go` it gets all frames of that exchange as
 * fast as the socket takes them. Prints its port. Frames are framed beforehand, so that sending
 * costs next to nothing.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { readTapes } from './tape.ts'

/** RFC 6455, 1.3 */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const CHUNK_BYTES = 64 << 10

const [file = ''] = process.argv.slice(2)
const chunks = new Map(
  (await readTapes(file, '')).map(({ exchange, frames }) => [exchange.id, chunksOf(frames)]),
)

const server = createServer((_request, response) => response.writeHead(426).end())
server.on('upgrade', (request, socket: Duplex) => {
  const key = request.headers['sec-websocket-key'] ?? ''
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.on('error', () => socket.destroy())
  // the one word that a client ever says is "go"
  socket.once('data', () => send(socket, chunks.get((request.url ?? '').slice(1)) ?? []))
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
process.stdin.once('close', () => process.exit(0))
process.stdin.resume()

async function send(socket: Duplex, all: readonly Buffer[]): Promise<void> {
  for (const chunk of all) {
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve))
  }
}

function chunksOf(frames: readonly Buffer[]): Buffer[] {
  const all: Buffer[] = []
  let parts: Buffer[] = []
  let bytes = 0
  for (const frame of frames) {
    const framed = Buffer.concat([header(frame.length), frame])
    parts.push(framed)
    bytes += framed.length
    if (bytes < CHUNK_BYTES) continue
    all.push(Buffer.concat(parts))
    parts = []
    bytes = 0
  }
  return [...all, Buffer.concat(parts)]
}

/** Of an unmasked text frame. RFC 6455, 5.2 */
function header(length: number): Buffer {
  if (length < 126) return Buffer.of(0x81, length)
  if (length < 65_536) return Buffer.of(0x81, 126, length >> 8, length & 0xff)
  const long = Buffer.alloc(10)
  long[0] = 0x81
  long[1] = 127
  long.writeBigUInt64BE(BigInt(length), 2)
  return long
}
