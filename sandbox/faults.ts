/**
 * A TCP proxy that fails on demand, in toxiproxy's words: latency, down, timeout, reset_peer, slicer.
 * It stands before Redis or PostgreSQL and knows nothing of what passes; it changes no byte and no
 * order. One fault rules at a time, in both directions, for connections old and new.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Fault =
  /** every piece arrives so much later */
  | { readonly kind: 'latency'; readonly latency_ms: number }
  /** nobody listens, and what was connected is closed */
  | { readonly kind: 'down' }
  /** connections are taken and stay open, and nothing ever arrives */
  | { readonly kind: 'timeout' }
  /** connections are reset, new ones as soon as they are made */
  | { readonly kind: 'reset_peer' }
  /** what is sent arrives in pieces of so many bytes */
  | { readonly kind: 'slicer'; readonly bytes: number; readonly delay_ms: number }

export interface FaultProxy {
  /** the target's URL, by way of this proxy */
  readonly url: string
  /** From now on; null: all is well. What was swallowed by then stays lost, with its connections. */
  set(fault: Fault | null): Promise<void>
  /** New connections reach another server: its port on this machine. Old ones are closed. */
  retarget(port: number): void
  close(): Promise<void>
}

const HOST = '127.0.0.1'

/** `target` is a URL with host and port. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const url = new URL(target)
  const proxy = new FaultyRelay(Number(url.port))
  await proxy.listen(0)
  url.hostname = HOST
  url.port = String(proxy.port)
  return {
    url: url.href,
    set: (fault) => proxy.set(fault),
    retarget: (port) => proxy.retarget(port),
    close: () => proxy.close(),
  }
}

class FaultyRelay {
  port = 0
  private target: number
  private server: Server | null = null
  private fault: Fault | null = null
  private readonly sockets = new Set<Socket>()

  constructor(target: number) {
    this.target = target
  }

  async listen(port: number): Promise<void> {
    this.server = createServer((client) => this.join(client))
    this.server.listen(port, HOST)
    await once(this.server, 'listening')
    this.port = (this.server.address() as AddressInfo).port
  }

  async set(fault: Fault | null): Promise<void> {
    const before = this.fault
    this.fault = fault
    if (fault?.kind === 'down') return this.close()
    if (fault?.kind === 'reset_peer') for (const socket of this.sockets) socket.resetAndDestroy()
    // bytes are missing in these connections: nobody could read on
    if (before?.kind === 'timeout') this.cut()
    if (this.server === null) await this.listen(this.port)
  }

  retarget(port: number): void {
    this.target = port
    this.cut()
  }

  async close(): Promise<void> {
    const { server } = this
    this.server = null
    const closed = server === null ? null : once(server, 'close')
    server?.close()
    this.cut()
    await closed
  }

  private cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private join(client: Socket): void {
    if (this.fault?.kind === 'reset_peer') {
      client.resetAndDestroy()
      return
    }
    const server = connect(this.target, HOST)
    const end = () => {
      client.destroy()
      server.destroy()
    }
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(from)
      from.setNoDelay(true)
      from.on('error', end)
      from.on('close', () => {
        this.sockets.delete(from)
        end()
      })
      this.pipe(from, to)
    }
  }

  /** One piece after the other, so that a delay changes no order. */
  private pipe(from: Socket, to: Socket): void {
    let passing = Promise.resolve()
    from.on('data', (bytes) => {
      passing = passing.then(() => this.pass(bytes, to))
    })
  }

  private async pass(bytes: Buffer, to: Socket): Promise<void> {
    const { fault } = this
    if (fault?.kind === 'timeout' || to.destroyed) return
    if (fault?.kind === 'latency') await sleep(fault.latency_ms)
    if (fault?.kind !== 'slicer') {
      to.write(bytes)
      return
    }
    for (let at = 0; at < bytes.length && !to.destroyed; at += fault.bytes) {
      to.write(bytes.subarray(at, at + fault.bytes))
      await sleep(fault.delay_ms)
    }
  }
}
