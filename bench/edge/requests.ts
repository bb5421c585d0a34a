/**
 * Requests per second over kept connections, with as little work of our own as possible: raw sockets
 * and a glance at each answer's head. It measures, it does not check bodies.
 */
import { connect } from 'node:net'

export interface Rate {
  readonly per_second: number
  readonly p99_ms: number
  readonly failed: number
}

const CONNECTIONS = 32
const HEAD_END = Buffer.from('\r\n\r\n')

export async function measure(url: string, path: string, seconds: number): Promise<Rate> {
  const { port } = new URL(url)
  const latencies_ms: number[] = []
  let failed = 0
  const ends_ms = performance.now() + seconds * 1_000
  const request = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\n\r\n`
  await Promise.all(
    Array.from({ length: CONNECTIONS }, () =>
      conversation(Number(port), request, ends_ms, (took_ms, ok) => {
        latencies_ms.push(took_ms)
        if (!ok) failed++
      }),
    ),
  )
  latencies_ms.sort((a, b) => a - b)
  return {
    per_second: latencies_ms.length / seconds,
    p99_ms: latencies_ms[Math.floor(latencies_ms.length * 0.99)] ?? Number.NaN,
    failed,
  }
}

/** One connection that asks again as soon as it is answered. */
function conversation(
  port: number,
  request: string,
  ends_ms: number,
  onAnswer: (took_ms: number, ok: boolean) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let asked_ms = 0
    let received = 0
    /** bytes of the whole answer; 0 until its head was read */
    let expected = 0
    let ok = false
    const ask = () => {
      asked_ms = performance.now()
      received = 0
      expected = 0
      socket.write(request)
    }
    socket.on('connect', ask)
    socket.on('error', reject)
    socket.on('close', () => resolve())
    socket.on('data', (chunk) => {
      if (expected === 0) {
        expected = lengthOf(chunk)
        ok = chunk.subarray(9, 12).toString() === '200'
      }
      received += chunk.length
      if (received < expected) return
      const now_ms = performance.now()
      onAnswer(now_ms - asked_ms, ok)
      if (now_ms < ends_ms) ask()
      else socket.destroy()
    })
  })
}

/**
 * Of the whole answer, from its first chunk, which always holds the head.
 * @throws Error when the answer does not say how long it is
 */
function lengthOf(chunk: Buffer): number {
  const head = chunk.indexOf(HEAD_END)
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(chunk.toString('latin1', 0, head)) ?? []
  if (length === undefined) throw new Error('an answer without content-length')
  return head + HEAD_END.length + Number(length)
}
