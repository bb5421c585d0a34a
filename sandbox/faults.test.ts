import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type FaultProxy, startFaultProxy } from './faults.ts'

let echo: Server
let proxy: FaultProxy
const open: Socket[] = []

async function listen(answer: (bytes: Buffer) => string | Buffer): Promise<Server> {
  const server = createServer((socket) => {
    open.push(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => socket.write(answer(bytes)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
const portOf = (server: Server) => (server.address() as AddressInfo).port

beforeEach(async () => {
  echo = await listen((bytes) => bytes)
  proxy = await startFaultProxy(`redis://user:secret@localhost:${portOf(echo)}/1`)
})
afterEach(async () => {
  await proxy.close()
  for (const socket of open.splice(0)) socket.destroy()
  echo.close()
})

function client() {
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1')
  open.push(socket)
  const pieces: Buffer[] = []
  const ended: string[] = []
  socket.on('data', (bytes) => pieces.push(bytes))
  socket.on('error', (error: NodeJS.ErrnoException) => ended.push(error.code ?? ''))
  socket.on('close', () => ended.push('closed'))
  return {
    socket,
    pieces,
    ended,
    text: () => Buffer.concat(pieces).toString(),
    says: (text: string) => vi.waitUntil(() => Buffer.concat(pieces).toString() === text),
  }
}

describe('the fault proxy', () => {
  it('passes everything while all is well, under the URL of its target', async () => {
    expect(proxy.url).toMatch(/^redis:\/\/user:secret@127\.0\.0\.1:\d+\/1$/)
    const { socket, says } = client()
    const text = 'x'.repeat(1_000_000)
    socket.write(text)
    await says(text)
  })

  it('delays, and keeps the order', async () => {
    await proxy.set({ kind: 'latency', latency_ms: 20 })
    const { socket, says } = client()
    const sent_ms = performance.now()
    for (const letter of 'abcdef') socket.write(letter)
    await says('abcdef')
    expect(performance.now() - sent_ms).toBeGreaterThanOrEqual(40)
  })

  it('closes what is open and refuses what is new while it is down, then listens again', async () => {
    const before = client()
    before.socket.write('a')
    await before.says('a')
    await proxy.set({ kind: 'down' })
    await vi.waitUntil(() => before.ended.includes('closed'))
    const refused = client()
    await vi.waitUntil(() => refused.ended.includes('ECONNREFUSED'))
    await proxy.set(null)
    const after = client()
    after.socket.write('b')
    await after.says('b')
  })

  it('swallows everything and keeps connections open, old and new', async () => {
    const before = client()
    before.socket.write('a')
    await before.says('a')
    await proxy.set({ kind: 'timeout' })
    const during = client()
    during.socket.write('b')
    before.socket.write('c')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([before.text(), during.text(), before.ended, during.ended]).toEqual(['a', '', [], []])
    await proxy.set(null)
    await vi.waitUntil(() => before.ended.includes('closed') && during.ended.includes('closed'))
  })

  it('resets what is open and what is new', async () => {
    const before = client()
    before.socket.write('a')
    await before.says('a')
    await proxy.set({ kind: 'reset_peer' })
    await vi.waitUntil(() => before.ended.includes('ECONNRESET'))
    const during = client()
    await vi.waitUntil(() => during.ended.includes('ECONNRESET'))
  })

  it('cuts into pieces', async () => {
    await proxy.set({ kind: 'slicer', bytes: 3, delay_ms: 5 })
    const { socket, says, pieces } = client()
    socket.write('0123456789')
    await says('0123456789')
    expect(pieces.length).toBeGreaterThan(1)
  })

  it('leads to another server from now on', async () => {
    const other = await listen(() => 'other')
    const before = client()
    before.socket.write('a')
    await before.says('a')
    proxy.retarget(portOf(other))
    await vi.waitUntil(() => before.ended.includes('closed'))
    const after = client()
    after.socket.write('b')
    await after.says('other')
    other.close()
  })
})
