/** Readers of the event stream on raw sockets: when each saw which event, and how often. */
import { connect, type Socket } from 'node:net'

export class StreamReader {
  /** sequence numbers of the events, in the order in which they came */
  readonly seen: number[] = []
  last_event_id = ''
  private socket: Socket | null = null
  private rest = ''
  private pending_id = ''
  private readonly port: number
  private readonly onEvent: (sequence: number) => void

  constructor(port: number, onEvent: (sequence: number) => void) {
    this.port = port
    this.onEvent = onEvent
  }

  /** Resolves when the stream has begun; a place that was reached before is gone on from. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1')
      this.socket = socket
      this.rest = ''
      this.pending_id = ''
      const resume = this.last_event_id === '' ? '' : `last-event-id: ${this.last_event_id}\r\n`
      socket.on('error', reject)
      socket.on('connect', () =>
        socket.write(`GET /v1/stream HTTP/1.1\r\nhost: 127.0.0.1\r\n${resume}\r\n`),
      )
      // a reader that fell behind is let go: it comes back with the place it has
      socket.on('close', () => {
        if (this.socket === socket) this.open().catch(() => {})
      })
      socket.setEncoding('latin1')
      socket.on('data', (chunk) => {
        if (this.socket !== socket) return
        this.take(String(chunk))
        if (this.last_event_id !== '') resolve()
      })
    })
  }

  close(): void {
    this.socket?.removeAllListeners('error').on('error', () => {})
    this.socket?.destroy()
    this.socket = null
  }

  /** Chunk sizes of the transfer stand on lines of their own, which no line of ours looks like. */
  private take(chunk: string): void {
    const lines = (this.rest + chunk).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('id: ')) this.pending_id = line.slice(4).trim()
      // as for an EventSource, an id counts only once its frame is whole
      if (line.trim() === '' && this.pending_id !== '') this.last_event_id = this.pending_id
      if (!line.startsWith('data: ')) continue
      const [, sequence] = /"id":"opp_bench(\d+)"/.exec(line) ?? []
      if (sequence === undefined) continue
      this.seen.push(Number(sequence))
      this.onEvent(Number(sequence))
    }
  }
}
