/**
 * The page of the queues for the operator's eyes (queue-board.ts), which begins with the first visit:
 * until then the worker neither loads it nor connects for it. Whether the visitor may see it is not
 * decided here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Redis } from 'ioredis'
import type { Log } from '../../shared/log.ts'
import type { Listener } from './queue-board.ts'

export interface QueuePageOptions {
  /** makes a `patient` connection */
  readonly connect: () => Redis
  readonly log: Log
}

export const QUEUES_PATH = '/queues'

export class QueuePage {
  private readonly options: QueuePageOptions
  private redis: Redis | null = null
  private listener: Promise<Listener> | null = null

  constructor(options: QueuePageOptions) {
    this.options = options
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.listener ??= this.begin()
    const listener = await this.listener
    await listener(request, response)
  }

  close(): void {
    this.redis?.disconnect()
  }

  private async begin(): Promise<Listener> {
    const redis = this.options.connect()
    this.redis = redis
    const { createQueueBoard } = await import('./queue-board.ts')
    return createQueueBoard(redis, QUEUES_PATH, this.options.log)
  }
}
