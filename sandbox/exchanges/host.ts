/**
 * An exchange that is open for clients: its server on its ports, its other door beside it, and what
 * both have sent. It knows no market.
 */
import type { Operations } from './operations.ts'
import { type ExchangeServer, type Listening, listen, type Observer } from './server.ts'

/** What the first line on standard output tells of an exchange. */
interface Addresses {
  readonly websocket_url: string
  readonly rest_url: string
  /** where the same books are served in another protocol */
  readonly alternative_websocket_url?: string
}

export interface Host {
  readonly id: string
  readonly addresses: Addresses
  readonly operations: Operations
  /** handed to sockets since the beginning */
  readonly frames_sent: number
  close(): Promise<void>
}

export async function openHost(server: ExchangeServer, observe?: Observer): Promise<Host> {
  let frames_sent = 0
  const count: Observer = (seen) => {
    if (seen.dir === 'in') frames_sent++
    observe?.(seen)
  }
  const listening: Listening[] = []
  const open = async (door: ExchangeServer) => {
    const opened = await listen(door, { observe: count })
    listening.push(opened)
    return opened
  }
  const { websocket_url, rest_url } = await open(server)
  const other = server.alternative && (await open(server.alternative))
  const alternative = other && { alternative_websocket_url: other.websocket_url }
  return {
    id: server.id,
    addresses: { websocket_url, rest_url, ...alternative },
    operations: server.operations,
    get frames_sent() {
      return frames_sent
    },
    close: async () => {
      await Promise.all(listening.map(({ close }) => close()))
    },
  }
}
