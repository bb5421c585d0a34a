/** One socket, once it was admitted. */
import type { DefaultEventsMap, Socket } from 'socket.io'
import type { Wish } from './wish.ts'

export interface Caller {
  readonly kind: 'key' | 'anonymous'
  readonly id: string
  /** how many it may have open at once */
  readonly streams: number
}

export interface Admitted {
  caller: Caller
  wish: Wish
}

export type Connection = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Admitted>
