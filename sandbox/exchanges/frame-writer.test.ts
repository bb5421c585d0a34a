/** That a client of somebody else's making reads every frame as it was meant. */
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { FrameWriter } from './frame-writer.ts'
import { until } from './testing.ts'

/** A writer to a real client, and what that one receives. */
async function connected() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close())
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`)
  onTestFinished(() => client.terminate())
  const received: string[] = []
  client.on('message', (data) => received.push(data.toString()))
  const [, request] = await accepted
  return { writer: new FrameWriter(request.socket), client, received }
}

it('writes frames of every length and script, in their order', async () => {
  const { writer, received, client } = await connected()
  const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000, 300_000]
  const frames = [
    ...lengths.map((length) => 'x'.repeat(length)),
    ...['币安人生USDT', 'é'.repeat(63), '😀'.repeat(20_000)],
  ]
  for (const frame of frames) writer.text(frame)
  await until(() => received.length === frames.length)
  expect(received).toEqual(frames)
  writer.text('another turn')
  await until(() => received.at(-1) === 'another turn')
  expect(client.readyState).toBe(client.OPEN)
})

it('hands all frames of a turn to the stream as one piece, or at once when asked', async () => {
  const stream = new PassThrough()
  const pieces: Buffer[] = []
  stream.on('data', (piece) => pieces.push(piece))
  const writer = new FrameWriter(stream)
  for (let i = 0; i < 1_000; i++) writer.text('frame')
  expect(writer.waiting_bytes).toBe(7_000)
  await until(() => pieces.length > 0)
  expect(pieces.map(({ length }) => length)).toEqual([7_000])
  expect(writer.waiting_bytes).toBe(0)
  writer.text('last words')
  writer.flush()
  stream.end()
  await once(stream, 'end')
  expect(pieces.at(-1)?.subarray(2).toString()).toBe('last words')
})
