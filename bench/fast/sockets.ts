/**
 * Receiving included: the processor time of this process for frames that arrive over loopback
 * sockets in bursts, once with the worker's own sockets and pipeline, once with `ws` as it comes and
 * `JSON.parse`.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import WebSocket from 'ws'
import { systemClock } from '../../shared/clock.ts'
import { Socket } from '../../workers/feed/socket.ts'
import { collectGarbage, median } from './race.ts'
import { Rig } from './rig.ts'
import type { Tape } from './tape.ts'

const ROUNDS = 9
const WARM_UP_ROUNDS = 2

export interface SocketFigures {
  /** processor time a frame, ns */
  readonly json_ns: number
  readonly ours_ns: number
}

interface Connection {
  /** asks for the frames */
  go(): void
  end(): void
}

type Connect = (url: string, tape: number, onOpen: () => void, onFrame: () => void) => Connection

/** `file` is what the tapes were read from. */
export async function raceSockets(file: string, tapes: readonly Tape[]): Promise<SocketFigures> {
  const sender = new Sender(file)
  try {
    const origin = await sender.origin()
    const [json, ours]: [number[], number[]] = [[], []]
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      const json_ns = await receive(origin, tapes, connectJson)
      const ours_ns = await receive(origin, tapes, connectOurs(tapes))
      if (round < 0) continue
      json.push(json_ns)
      ours.push(ours_ns)
    }
    return { json_ns: median(json), ours_ns: median(ours) }
  } finally {
    await sender.stop()
  }
}

/** Takes all frames of all tapes, each on its own connection. Processor time a frame, ns. */
async function receive(origin: string, tapes: readonly Tape[], connect: Connect): Promise<number> {
  const expected = tapes.reduce((sum, { frames }) => sum + frames.length, 0)
  let [opened, received] = [0, 0]
  const open = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  const connections = tapes.map(({ exchange }, tape) =>
    connect(
      `${origin}/${exchange.id}`,
      tape,
      () => ++opened === tapes.length && open.resolve(),
      () => ++received === expected && done.resolve(),
    ),
  )
  await open.promise
  collectGarbage()
  const before = process.cpuUsage()
  for (const connection of connections) connection.go()
  await done.promise
  const { user, system } = process.cpuUsage(before)
  for (const connection of connections) connection.end()
  return ((user + system) * 1_000) / expected
}

const connectJson: Connect = (url, _tape, onOpen, onFrame) => {
  const socket = new WebSocket(url)
  socket.on('open', onOpen)
  socket.on('message', (data) => {
    JSON.parse(data.toString())
    onFrame()
  })
  return { go: () => socket.send('go'), end: () => socket.terminate() }
}

/** The worker's sockets into a pipeline whose books are built. */
function connectOurs(tapes: readonly Tape[]): Connect {
  const rig = new Rig(tapes, false)
  const began_ms = systemClock.monotonic_ms()
  return (url, tape, onOpen, onFrame) => {
    const { exchange } = tapes[tape] as Tape
    const events = {
      open: onOpen,
      frame: (data: Buffer, received_ms: number) => {
        rig.frame(tape, data, received_ms - began_ms)
        onFrame()
      },
      heard: () => {},
      end: () => {},
    }
    const socket = new Socket(url, exchange, systemClock, events, undefined)
    return { go: () => socket.send('go'), end: () => socket.terminate('the bench is done') }
  }
}

class Sender {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>

  constructor(file: string) {
    this.child = spawn(process.execPath, [join(import.meta.dirname, 'sender.ts'), file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  }

  async origin(): Promise<string> {
    for await (const port of createInterface({ input: this.child.stdout })) {
      return `ws://127.0.0.1:${port}`
    }
    throw new Error('the sender ended')
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit')
    this.child.stdin.end()
    await exit
  }
}
