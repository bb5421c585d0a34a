/**
 * The position of a reader in a list, newest first. Opaque to clients and versioned, so that its
 * inside can change. A position and not an offset: rows written between two pages neither repeat nor
 * hide others.
 */
import { z } from 'zod'
import { Timestamp } from '../shared/opportunity.ts'
import { WEBHOOK_ID } from '../shared/webhook.ts'
import { FIRST_MOMENT_MS, OPPORTUNITY_ID } from './parameters.ts'

interface Cursor<T> {
  encode(position: T): string
  /** null when the text is no cursor of this list */
  decode(text: string): T | null
}

const VERSION = 1
const written = (...content: readonly string[]) => {
  const text = btoa(JSON.stringify([VERSION, ...content]))
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

function read<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/'))))
  } catch {
    return null
  }
}

/** One that PostgreSQL has too. */
const Moment = Timestamp.refine((text) => Date.parse(text) >= FIRST_MOMENT_MS)

/** After the opportunity that was detected then and has this id. */
export interface Position {
  readonly detected_at: string
  readonly id: string
}

const HistoryContent = z
  .tuple([z.literal(VERSION), Moment, z.string().regex(OPPORTUNITY_ID)])
  .transform(([, detected_at, id]) => ({ detected_at, id }))

export const historyCursor: Cursor<Position> = {
  encode: ({ detected_at, id }) => written(detected_at, id),
  decode: (text) => read(HistoryContent, text),
}

/** After the webhook that was made then and has this id. */
export interface WebhookPosition {
  readonly created_at: string
  readonly id: string
}

const WebhookContent = z
  .tuple([z.literal(VERSION), Moment, z.string().regex(WEBHOOK_ID)])
  .transform(([, created_at, id]) => ({ created_at, id }))

export const webhookCursor: Cursor<WebhookPosition> = {
  encode: ({ created_at, id }) => written(created_at, id),
  decode: (text) => read(WebhookContent, text),
}

const AttemptContent = z
  .tuple([z.literal(VERSION), z.string().regex(/^\d{1,18}$/)])
  .transform(([, id]) => id)

/** After the attempt with this number. */
export const attemptCursor: Cursor<string> = {
  encode: (id) => written(id),
  decode: (text) => read(AttemptContent, text),
}
