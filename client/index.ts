/** The TypeScript client: `import { createClient } from 'spreadwire/client'`. */
export type { Event, EventType } from '../shared/event.ts'
export type { EdgeHealth, ExchangeStatus } from '../shared/health.ts'
export type { NearMiss } from '../shared/near-miss.ts'
export type { Leg, Markout, Opportunity } from '../shared/opportunity.ts'
export type { Problem } from '../shared/problem.ts'
export type { Route, Spread } from '../shared/spread.ts'
export type { StatsAnswer, StatsRow } from '../shared/stats.ts'
export type { WatchedMarket } from '../shared/watched.ts'
export type {
  EndpointEvent,
  MadeWebhook,
  Replaying,
  ReplayRequest,
  Webhook,
  WebhookAttempt,
} from '../shared/webhook.ts'
export {
  type Client,
  type ClientOptions,
  createClient,
  type HistoryQuery,
  type LiveQuery,
  type NearMissQuery,
  type StatsQuery,
  type StreamChoice,
  type StreamQuery,
} from './client.ts'
export type { Message } from './events.ts'
export { Refused } from './refused.ts'
export { type Received, verifyWebhook, WebhookRefused } from './webhook.ts'
export type { AttemptsQuery, NewWebhook, WebhookChange, Webhooks } from './webhooks.ts'
