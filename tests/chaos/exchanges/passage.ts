/**
 * One connection of the worker and the one that stands for it at the exchange: in order, later when
 * told so, and nothing at all once it is swallowed. It knows no frame.
 */
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'

export class Passage {
  readonly client: WebSocket
  readonly stream: Socket
  swallowed = false
  private readonly upstream: WebSocket
  private readonly waiting: (() => void)[] = []

  constructor(client: WebSocket, upstream: WebSocket, stream: Socket, ended: () => void) {
    this.client = client
    this.upstream = upstream
    this.stream = stream
    client.on('error', () => {})
    client.on('close', () => {
      ended()
      upstream.terminate()
    })
    upstream.on('close', (code, reason) => this.tell(0, () => closeAs(client, code, reason)))
  }

  ask(send: () => void): void {
    if (!this.swallowed && this.upstream.readyState === WebSocket.OPEN) send()
  }

  /** In order: what is not delayed does not overtake what is. */
  tell(delay_ms: number, send: () => void): void {
    if (this.swallowed) return
    if (delay_ms === 0 && this.waiting.length === 0) {
      if (this.client.readyState === WebSocket.OPEN) send()
      return
    }
    this.waiting.push(send)
    setTimeout(() => this.next(send), delay_ms)
  }

  flush(): void {
    for (const send of this.waiting.splice(0)) {
      if (!this.swallowed && this.client.readyState === WebSocket.OPEN) send()
    }
  }

  end(): void {
    this.client.terminate()
    this.upstream.terminate()
  }

  /** What was pushed before it goes first; what was flushed meanwhile is gone. */
  private next(send: () => void): void {
    const count = this.waiting.indexOf(send) + 1
    for (const due of this.waiting.splice(0, count)) {
      if (!this.swallowed && this.client.readyState === WebSocket.OPEN) due()
    }
  }
}

/** Codes that only an end can see for itself are no codes to say. */
function closeAs(client: WebSocket, code: number, reason: Buffer): void {
  if (code === 1005 || code === 1006) client.terminate()
  else client.close(code, reason)
}
