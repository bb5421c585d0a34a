/**
 * A reader of the event stream as our users are, with the project's own client, that writes down what
 * it was given. It reconnects and resumes as the client does; it judges nothing.
 */
import { until } from '../../../bench/failover/rig.ts'
import { createClient } from '../../../client/client.ts'
import type { Receipt } from './receipts.ts'

export class Reader {
  readonly receipts: Receipt[] = []
  /** how many receipts there were when it was given the live set instead of what it had missed */
  readonly resets: number[] = []
  /** how often the link was lost */
  lost = 0
  /** why it gave up; null: it did not */
  refused: string | null = null
  private readonly leaving = new AbortController()
  private readonly reading: Promise<void>

  constructor(url: string) {
    this.reading = this.read(url).catch((error: Error) => {
      this.refused = error.message
    })
  }

  async leave(): Promise<void> {
    this.leaving.abort()
    await this.reading
  }

  /** Waits for the first event. @throws Error when there is none */
  begun(): Promise<void> {
    return until('the first event of the stream', async () => this.receipts.length > 0)
  }

  private async read(url: string): Promise<void> {
    const { signal } = this.leaving
    const onLost = () => {
      this.lost++
    }
    for await (const message of createClient({ url }).stream({}, { signal, onLost })) {
      if (message.type === 'reset') this.resets.push(this.receipts.length)
      else this.receipts.push({ id: message.id, at_ms: Date.now() })
    }
  }
}
