import { connect } from 'node:net'
import { expect, it, vi } from 'vitest'
import { Operations } from './operations.ts'
import type { ExchangeServer, Observer, Session } from './server.ts'
import { Client, get, serve, until } from './testing.ts'

/** Repeats what it hears; `flood` makes it talk without end. */
function echo(over: Partial<ExchangeServer> = {}, closed = () => {}): ExchangeServer {
  return {
    id: 'kraken',
    websocket_path: '/v2',
    production: { websocket_origin: 'wss://ws.kraken.com', rest_origin: 'https://api.kraken.com' },
    operations: new Operations(),
    connects: { count: 100, window_ms: 60_000 },
    accepts: ({ pathname }) => pathname === '/v2',
    connect: (connection): Session => {
      let timer: NodeJS.Timeout | undefined
      return {
        message: (text) => {
          if (text === 'flood') timer = setInterval(() => connection.send('x'.repeat(1 << 20)), 2)
          else connection.send(text)
        },
        control: () => {},
        closed: () => {
          clearInterval(timer)
          closed()
        },
      }
    },
    request: () => ({ status: 200, body: '{"ok":true}' }),
    close: () => {},
    ...over,
  }
}

it('marks every answer as simulated, refusals too', async () => {
  const { websocket_url, rest_url } = await serve(
    echo({ connects: { count: 1, window_ms: 60_000 } }),
  )
  expect((await get(rest_url)).headers.get('x-spreadwire-sandbox')).toBe('1')
  const client = await Client.connect(websocket_url)
  expect(client.headers['x-spreadwire-sandbox']).toBe('1')
  expect(client.headers['sec-websocket-extensions']).toBeUndefined()
  await expect(Client.connect(websocket_url)).rejects.toThrow('429')
  await expect(Client.connect(`${websocket_url}/nope`)).rejects.toThrow('404')
  const post = await fetch(rest_url, { method: 'POST' })
  expect(post.status).toBe(405)
})

it('cuts off a client that does not read', async () => {
  const closed = vi.fn()
  const { websocket_url } = await serve(echo({}, closed), { slow_client_bytes: 1 << 20 })
  const [slow, other] = [await Client.connect(websocket_url), await Client.connect(websocket_url)]
  slow.socket.pause()
  slow.send('flood')
  await until(() => closed.mock.calls.length === 1)
  other.send('hello')
  await until(() => other.frames.includes('hello'))
})

it('survives bytes that are no HTTP and frames that are no frames', async () => {
  const { websocket_url, rest_url } = await serve(echo())
  const port = Number(new URL(rest_url).port)
  for (const bytes of ['\x00\x01\x02\r\n\r\n', 'GET // HTTP/1.1\r\nHost: x\r\n\r\n']) {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
  }
  const raw = connect(port, '127.0.0.1')
  raw.on('error', () => {})
  raw.write(
    'GET /v2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await new Promise((resolve) => raw.once('data', resolve))
  raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
  await new Promise((resolve) => raw.once('close', resolve))
  const client = await Client.connect(websocket_url)
  client.send('still here')
  await until(() => client.frames.includes('still here'))
})

it('shows an observer both directions under production addresses', async () => {
  const seen: Parameters<Observer>[0][] = []
  const { websocket_url, rest_url } = await serve(echo(), { observe: (line) => seen.push(line) })
  const client = await Client.connect(websocket_url)
  client.send('hello')
  await until(() => client.frames.length === 1)
  await get(`${rest_url}/0/public/Time?x=1`)
  const url = 'wss://ws.kraken.com/v2'
  expect(seen).toEqual([
    { url, dir: 'open', raw: '', connection: 1 },
    { url, dir: 'out', raw: 'hello', connection: 1 },
    { url, dir: 'in', raw: 'hello', connection: 1 },
    { url: 'https://api.kraken.com/0/public/Time?x=1', dir: 'http', raw: '{"ok":true}' },
  ])
})
