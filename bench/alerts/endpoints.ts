/** Who subscribes to what, and how they behave: 500 endpoints, a tenth failing, a twentieth hanging. */
import pg from 'pg'
import { newWebhookId, newWebhookSecret } from '../../shared/webhook.ts'

export const ENDPOINTS = 500
/** One and a half endpoints a symbol. */
export const SYMBOLS = 333

export function behaviourOf(endpoint: number): 'takes' | 'fails' | 'hangs' {
  if (endpoint % 20 === 7) return 'hangs'
  return endpoint % 10 === 3 ? 'fails' : 'takes'
}

export const symbolOf = (index: number) => `S${index % SYMBOLS}/USDT`

/** Those that must get an event of this symbol. */
export function takersOf(symbol_index: number): number[] {
  const takers: number[] = []
  for (let i = symbol_index; i < ENDPOINTS; i += SYMBOLS)
    if (behaviourOf(i) === 'takes') takers.push(i)
  return takers
}

export async function insertEndpoints(database_url: string, receivers_url: string): Promise<void> {
  const client = new pg.Client({ connectionString: database_url })
  await client.connect()
  for (let i = 0; i < ENDPOINTS; i++) {
    await client.query(
      `INSERT INTO webhook_endpoints (id, url, event_types, filters, secret) VALUES ($1, $2, $3, $4, $5)`,
      [
        newWebhookId(),
        `${receivers_url}/${i}`,
        JSON.stringify(['opportunity.detected']),
        JSON.stringify({ symbol: symbolOf(i) }),
        newWebhookSecret(),
      ],
    )
  }
  await client.end()
}
