/**
 * A name server on this machine whose answers may differ each time they are asked for: DNS over UDP, A
 * and AAAA, nothing kept. Names that it does not know have no address.
 * https://www.rfc-editor.org/rfc/rfc1035#section-4
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import ipaddr from 'ipaddr.js'

/** The addresses of a name when it is asked for the nth time, from 0. */
export type Zone = Readonly<Record<string, (asked: number) => readonly string[]>>

export interface NameServer {
  /** host:port */
  readonly address: string
  /** how often each name was asked for */
  readonly asked: ReadonlyMap<string, number>
  close(): Promise<void>
}

const TYPES = new Map([
  [1, 'ipv4'],
  [28, 'ipv6'],
])
const HEADER_BYTES = 12
/** an answer, recursion is available, no error */
const FLAGS = 0x8180
const POINTER_TO_QUESTION = 0xc00c
const CLASS_IN = 1

export async function startNameServer(zone: Zone): Promise<NameServer> {
  const asked = new Map<string, number>()
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query)
    // both kinds of address are asked for at once: each counts for itself
    const key = `${name} ${type}`
    const times = asked.get(key) ?? 0
    asked.set(key, times + 1)
    asked.set(name, Math.max(asked.get(name) ?? 0, times + 1))
    const kind = TYPES.get(type)
    const addresses = (zone[name]?.(times) ?? [])
      .map((text) => ipaddr.parse(text))
      .filter((one) => one.kind() === kind)
    socket.send(answer(query.subarray(0, end), type, addresses), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    async close() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** `question` is the query up to the end of its question. */
function answer(
  question: Buffer,
  type: number,
  addresses: readonly { toByteArray(): number[] }[],
): Buffer {
  const head = Buffer.from(question)
  head.writeUInt16BE(FLAGS, 2)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt32BE(0, 8)
  const records = addresses.map((address) => {
    const data = address.toByteArray()
    const record = Buffer.alloc(12 + data.length)
    record.writeUInt16BE(POINTER_TO_QUESTION, 0)
    record.writeUInt16BE(type, 2)
    record.writeUInt16BE(CLASS_IN, 4)
    // for no time at all: bytes 6 to 9
    record.writeUInt16BE(data.length, 10)
    record.set(data, 12)
    return record
  })
  return Buffer.concat([head, ...records])
}
