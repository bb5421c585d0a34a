/** What gets through the wall, and what never does: a secret on loopback must see no connection. */
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { type Answer, createEgress, type Egress } from './egress.ts'

const TIMEOUT_MS = 600
const closing: (() => Promise<unknown>)[] = []

/** Of everything that connects to the secret, on IPv4 and IPv6. */
let connections = 0
let secret_port: number

beforeAll(async () => {
  const onConnection = (socket: Socket) => {
    connections++
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret')
  }
  const v4 = await listen(createTcpServer(onConnection), '127.0.0.1', 0)
  secret_port = (v4.address() as AddressInfo).port
  await listen(createTcpServer(onConnection), '::1', secret_port).catch(() => {})
})
beforeEach(() => {
  connections = 0
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
})

async function listen(server: Server, host: string, port: number): Promise<Server> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  closing.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return server
}

function newEgress(changes: Partial<Parameters<typeof createEgress>[0]> = {}): Egress {
  const egress = createEgress({
    allow_local: false,
    clock: systemClock,
    timeout_ms: TIMEOUT_MS,
    ...changes,
  })
  closing.push(() => egress.close())
  return egress
}

const post = (egress: Egress, url: string): Promise<Answer> =>
  egress.post({ url, headers: { 'content-type': 'application/json' }, body: '{}' })

const PRIVATE = [
  '127.0.0.1',
  '127.1',
  '0x7f.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0177.0.0.1',
  '127.0.0.1.',
  '①②⑦.0.0.1',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[fd00::1]',
  '[fe80::1]',
  '[ff02::1]',
  '[100::1]',
  '[2001:db8::1]',
  '[5f00::1]',
  '0.0.0.0',
  '0',
  '10.0.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.0.2.1',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  'localhost',
  'localhost.',
  'LOCALHOST',
  'api.localhost',
  'worker.railway.internal',
  'redis.railway.internal.',
  'printer.local',
  'intranet',
]

describe('the wall', () => {
  it.each(PRIVATE)('lets nothing out to %s', async (host) => {
    const egress = newEgress({ resolve: async () => ['127.0.0.1'] })
    for (const url of [
      `https://${host}/`,
      `https://${host}:${secret_port}/`,
      `http://${host}:${secret_port}/`,
    ]) {
      expect(await post(egress, url)).toMatchObject({ kind: 'refused' })
    }
    expect(connections).toBe(0)
  })

  it.each([
    ['http://example.com/', /https/],
    ['https://example.com:22/', /443 or 8443/],
    ['https://user:word@example.com/', /without a user name/],
    ['ftp://example.com/', /https/],
    ['nonsense', /absolute URL/],
  ])('refuses %s in words', async (url, words) => {
    const answer = await post(newEgress(), url)
    expect(answer).toMatchObject({ kind: 'refused', error: expect.stringMatching(words) })
  })

  it.each([
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '10.1.2.3',
    'fd12::1',
    '169.254.169.254',
    'fe80::1%eth0',
  ])('dials no name that resolves to %s, alone or behind a public address', async (address) => {
    for (const addresses of [[address], ['93.184.216.34', address]]) {
      const egress = newEgress({ resolve: async () => addresses })
      const answer = await post(egress, 'https://rebound.example.com/')
      expect(answer).toMatchObject({
        kind: 'refused',
        error: 'the name resolves to an address that is not public',
      })
    }
    expect(connections).toBe(0)
  })

  it('dials the address that it judged, and asks no second time', async () => {
    // the first answer is public (and nobody listens there for us), the next would be loopback
    const answers = [['192.88.98.1'], ['127.0.0.1']]
    const resolve = vi.fn(async () => answers.shift() ?? ['127.0.0.1'])
    const egress = newEgress({ resolve, timeout_ms: 300 })
    const first = await post(egress, 'https://rebound.example.com:8443/')
    expect(first.kind).toMatch(/timeout|unreachable/)
    expect(resolve).toHaveBeenCalledTimes(1)
    // the next dial asks again and hears the lie
    expect((await post(egress, 'https://rebound.example.com:8443/')).kind).toBe('refused')
    expect(connections).toBe(0)
  })

  it('opens for this machine in development, and for no other private address', async () => {
    const server = await receiver((_request, response) => response.end('here'))
    const egress = newEgress({ allow_local: true })
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await post(egress, `http://${host}:${server}/`)).toMatchObject({
        kind: 'answered',
        status: 200,
        body: 'here',
      })
    }
    for (const url of [
      'http://10.0.0.1/',
      'http://169.254.169.254/',
      'http://a.railway.internal/',
    ]) {
      expect((await post(egress, url)).kind).toBe('refused')
    }
    const bound = newEgress({ allow_local: true, resolve: async () => ['192.168.1.1'] })
    expect((await post(bound, 'http://example.com/')).kind).toBe('refused')
  })
})

async function receiver(listener: RequestListener): Promise<number> {
  const server = await listen(createHttpServer(listener), '127.0.0.1', 0)
  return (server.address() as AddressInfo).port
}
async function rawServer(onConnection: (socket: Socket) => void): Promise<number> {
  const server = await listen(createTcpServer(onConnection), '127.0.0.1', 0)
  return (server.address() as AddressInfo).port
}

describe('an answer', () => {
  let egress: Egress
  beforeAll(() => {
    egress = newEgress({ allow_local: true })
  })

  it('that redirects is an answer, and the secret behind it stays alone', async () => {
    const location = `http://127.0.0.1:${secret_port}/`
    const port = await receiver((_request, response) => response.writeHead(302, { location }).end())
    expect(await post(egress, `http://127.0.0.1:${port}/`)).toMatchObject({ status: 302 })
    expect(connections).toBe(0)
  })

  it.each([
    ['of 100 MB', 100_000_000],
    ['without an end', Number.POSITIVE_INFINITY],
  ])('%s is read to 20 kB and cut', async (_, total) => {
    let written = 0
    const port = await receiver((_request, response) => {
      response.writeHead(200)
      const chunk = Buffer.alloc(65_536, 'x')
      const write = () => {
        while (written < total && !response.destroyed) {
          written += chunk.length
          if (!response.write(chunk)) return void response.once('drain', write)
        }
      }
      write()
    })
    const answer = await post(egress, `http://127.0.0.1:${port}/`)
    expect(answer).toMatchObject({ kind: 'answered', status: 200, body: 'x'.repeat(20_000) })
    expect(written).toBeLessThan(20_000_000)
  })

  it('that trickles in after its status has said what it had to say', async () => {
    const port = await receiver((_request, response) => {
      response.writeHead(200)
      response.write('on its')
      closing.push(async () => response.destroy())
    })
    expect(await post(egress, `http://127.0.0.1:${port}/`)).toMatchObject({
      kind: 'answered',
      status: 200,
      body: 'on its',
    })
  })

  it.each([
    ['never comes', () => {}],
    [
      'comes byte by byte',
      (socket: Socket) => {
        const timer = setInterval(() => socket.write('H'), 50)
        socket.on('close', () => clearInterval(timer))
      },
    ],
    [
      'comes header by header',
      (socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\n')
        const timer = setInterval(() => socket.write('x-more: x\r\n'), 50)
        socket.on('close', () => clearInterval(timer))
      },
    ],
  ])('that %s is a timeout', async (_, behave) => {
    const port = await rawServer(behave)
    const answer = await post(egress, `http://127.0.0.1:${port}/`)
    // what is no HTTP may be noticed before the time is up
    expect(answer.kind).toMatch(/timeout|unreachable/)
    expect(answer).not.toHaveProperty('status')
  })

  it.each([
    ['a reset', (socket: Socket) => void socket.resetAndDestroy(), /closed without an answer/],
    ['an end without words', (socket: Socket) => void socket.end(), /closed without an answer/],
    ['something else than HTTP', (socket: Socket) => void socket.end('220 ready\r\n'), /not HTTP/],
  ])('of %s is told in words', async (_, behave, words) => {
    const port = await rawServer(behave)
    expect(await post(egress, `http://127.0.0.1:${port}/`)).toMatchObject({
      kind: 'unreachable',
      error: expect.stringMatching(words),
    })
  })

  it('of nobody is told in words', async () => {
    expect(await post(egress, 'http://127.0.0.1:1/')).toMatchObject({
      kind: 'unreachable',
      error: 'nobody listens at the address (ECONNREFUSED)',
    })
    const nameless = newEgress({ resolve: async () => [] })
    expect(await post(nameless, 'https://nowhere.example.com/')).toMatchObject({
      kind: 'unreachable',
      error: 'the name does not resolve (ENOTFOUND)',
    })
  })

  it('comes over a kept connection', async () => {
    const ports = new Set<number | undefined>()
    const port = await receiver((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('ok')
    })
    for (let i = 0; i < 5; i++) await post(egress, `http://127.0.0.1:${port}/`)
    // the next request may come before the last connection is known to be free again
    expect(ports.size).toBeLessThan(5)
  })
})
