/** The TypeScript client: `import { createClient } from 'spreadwire/client'`. */
export type { Event, EventType } from '../shared/event.ts'
export type { EdgeHealth, ExchangeStatus } from '../shared/health.ts'
export type { Leg, Markout, Opportunity } from '../shared/opportunity.ts'
export type { Problem } from '../shared/problem.ts'
export {
  type Client,
  type ClientOptions,
  createClient,
  type HistoryQuery,
  type LiveQuery,
  type StreamChoice,
  type StreamQuery,
} from './client.ts'
export type { Message } from './events.ts'
export { Refused } from './refused.ts'
export { verifyWebhook, type Webhook, WebhookRefused } from './webhook.ts'
