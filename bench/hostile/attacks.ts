/** What is sent, and what must come of it: statuses with their numbers, or `cut` for a connection that ended. */
import { connect, type Socket } from 'node:net'

interface Target {
  readonly port: number
  readonly admin_token: string
}

interface Attack {
  readonly what: string
  readonly attack: (target: Target) => Promise<string>
  /** of all answers */
  readonly expected: RegExp
}

const WAIT_MS = 15_000
const SLOW_MS = 10_000
const SLOW_CONNECTIONS = 1_000
const ABORTED = 5_000
const ABORTED_AT_ONCE = 100
const PIPELINED = 200

const head = (method: string, path: string, ...headers: readonly string[]) =>
  [`${method} ${path} HTTP/1.1`, 'host: 127.0.0.1', ...headers, '', ''].join('\r\n')
const posting = (token: string, length: number) =>
  head(
    'POST',
    '/v1/webhooks',
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    `content-length: ${length}`,
  )

export const ATTACKS: readonly Attack[] = [
  {
    what: 'a body of 100 MB, announced',
    attack: ({ port, admin_token }) => {
      const chunk = Buffer.alloc(1 << 20, 0x20)
      return one(port, [posting(admin_token, 100 << 20), ...Array(100).fill(chunk)])
    },
    expected: /^413/,
  },
  {
    what: 'a body of 100 MB, in chunks',
    attack: ({ port, admin_token }) => {
      const start = posting(admin_token, 0).replace(
        'content-length: 0',
        'transfer-encoding: chunked',
      )
      const chunk = Buffer.concat([
        Buffer.from('100000\r\n'),
        Buffer.alloc(1 << 20, 0x20),
        Buffer.from('\r\n'),
      ])
      return one(port, [start, ...Array(100).fill(chunk), '0\r\n\r\n'])
    },
    expected: /^413/,
  },
  {
    what: 'a body of deep JSON',
    attack: ({ port, admin_token }) => {
      const body = `${'['.repeat(30_000)}${']'.repeat(30_000)}`
      return one(port, [posting(admin_token, body.length), body])
    },
    expected: /^400/,
  },
  {
    what: 'a header of 1 MB',
    attack: ({ port }) => one(port, [head('GET', '/health', `x-long: ${'x'.repeat(1 << 20)}`)]),
    expected: /^(4\d\d|cut)/,
  },
  {
    what: 'a URL of 64 kB',
    attack: ({ port }) =>
      one(port, [head('GET', `/v1/opportunities?symbol=${'x'.repeat(65_536)}`)]),
    expected: /^4\d\d/,
  },
  {
    what: '10,000 query parameters',
    attack: ({ port }) => {
      const query = Array.from({ length: 10_000 }, (_, i) => `${i.toString(36)}=`).join('&')
      return one(port, [head('GET', `/v1/opportunities?${query}`)])
    },
    expected: /^4\d\d/,
  },
  {
    what: 'the same parameter 7,000 times',
    attack: ({ port }) =>
      one(port, [head('GET', `/v1/opportunities?${Array(7_000).fill('limit=1').join('&')}`)]),
    expected: /^(200|4\d\d)/,
  },
  {
    what: `${PIPELINED} requests in one breath`,
    attack: async ({ port }) => {
      const requests = head('GET', '/v1/exchanges').repeat(PIPELINED)
      const text = await conversation(port, [requests], (said) => count(said) >= PIPELINED)
      return `${count(text)} answers`
    },
    expected: new RegExp(`^${PIPELINED} answers`),
  },
  {
    what: `${SLOW_CONNECTIONS} heads, a byte a second`,
    attack: ({ port }) => slowly(port, 'GET /v1/opportunities HTTP/1.1\r\nhost: '),
    expected: /connections held/,
  },
  {
    what: `${SLOW_CONNECTIONS} bodies, a byte a second`,
    attack: ({ port, admin_token }) => slowly(port, posting(admin_token, 60_000)),
    expected: /connections held/,
  },
  {
    what: `${ABORTED} requests given up`,
    attack: async ({ port }) => {
      for (let i = 0; i < ABORTED; i += ABORTED_AT_ONCE) {
        await Promise.all(Array.from({ length: ABORTED_AT_ONCE }, () => givenUp(port)))
      }
      return one(port, [head('GET', '/v1/opportunities')])
    },
    expected: /^200/,
  },
]

const count = (text: string) => text.split('HTTP/1.1 ').length - 1

/** The status of the only answer, or `cut`, with the first words of its body. */
async function one(port: number, pieces: readonly (string | Buffer)[]): Promise<string> {
  const said = await conversation(port, pieces, (text) => text.includes('\r\n\r\n'))
  const status = /^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 'cut'
  const detail = /"detail":"([^"]{0,60})/.exec(said)?.[1]
  return detail === undefined ? status : `${status} ${detail}`
}

/** What was answered until it is enough, the connection ended or time is up. */
function conversation(
  port: number,
  pieces: readonly (string | Buffer)[],
  isEnough: (said: string) => boolean,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let said = ''
    const end = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(said)
    }
    const timer = setTimeout(end, WAIT_MS)
    socket.on('error', end).on('close', end)
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1')
      // what follows the head comes with it, or a moment later
      if (isEnough(said)) setTimeout(end, 100)
    })
    void send(socket, pieces)
  })
}

async function send(socket: Socket, pieces: readonly (string | Buffer)[]): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return
    if (!socket.write(piece)) {
      await new Promise<void>((resolve) => {
        socket.once('drain', resolve).once('close', () => resolve())
      })
    }
  }
}

/** Many connections that never finish what they say. */
async function slowly(port: number, start: string): Promise<string> {
  const sockets = Array.from({ length: SLOW_CONNECTIONS }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(start)
    return socket
  })
  const timer = setInterval(() => {
    for (const socket of sockets) if (!socket.destroyed) socket.write('x')
  }, 1_000)
  await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
  clearInterval(timer)
  const held = sockets.filter(({ destroyed }) => !destroyed).length
  for (const socket of sockets) socket.destroy()
  return `${held} connections held`
}

/** Leaves as soon as the request is on its way. */
function givenUp(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {}).on('close', () => resolve())
    socket.on('connect', () => {
      socket.write(head('GET', '/v1/history?limit=20'), () => socket.resetAndDestroy())
    })
  })
}
