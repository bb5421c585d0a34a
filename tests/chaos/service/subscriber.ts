/**
 * A subscriber by webhook to the beginnings and ends of opportunities, as our users are: it verifies each
 * message with the project's own client, takes it, and writes down what it got. It refuses only what was
 * not signed.
 */
import { createServer, type Server } from 'node:http'
import type { Pool } from 'pg'
import { verifyWebhook } from '../../../client/webhook.ts'
import type { EventType } from '../../../shared/event.ts'
import { newWebhookId, newWebhookSecret } from '../../../shared/webhook.ts'
import type { Receipt } from './receipts.ts'
import { closed, listening } from './servers.ts'

/** what is never shed, however much there is */
const WANTED: ReadonlySet<EventType> = new Set(['opportunity.detected', 'opportunity.expired'])

export class Subscriber {
  /** of its subscription */
  readonly id = newWebhookId()
  readonly receipts: Receipt[] = []
  /** messages that were not ours, in words */
  readonly refused: string[] = []
  private readonly secret = newWebhookSecret()
  private readonly server: Server

  private constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', async () => {
        const { headers } = request
        const body = Buffer.concat(chunks).toString()
        try {
          const { id } = await verifyWebhook({ headers, body, secret: this.secret })
          if (id !== headers['webhook-id'])
            throw new Error(`${id} came as ${headers['webhook-id']}`)
          this.receipts.push({ id, at_ms: Date.now() })
          response.end()
        } catch (error) {
          this.refused.push((error as Error).message)
          response.writeHead(400).end()
        }
      })
    })
  }

  /** Its row is there before any worker is. */
  static async start(pool: Pool): Promise<Subscriber> {
    const subscriber = new Subscriber()
    const url = await listening(subscriber.server)
    await pool.query(
      'INSERT INTO webhook_endpoints (id, url, event_types, filters, secret) VALUES ($1, $2, $3, $4, $5)',
      [subscriber.id, `${url}/all`, JSON.stringify([...WANTED]), '{}', subscriber.secret],
    )
    return subscriber
  }

  wants({ type }: { readonly type: EventType }): boolean {
    return WANTED.has(type)
  }

  stop(): Promise<void> {
    return closed(this.server)
  }
}
