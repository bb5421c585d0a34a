/**
 * The position of a reader in a list, newest first. Opaque to clients and versioned, so that its
 * inside can change. A position and not an offset: rows written between two pages neither repeat nor
 * hide others.
 */
import { z } from 'zod'
import { Timestamp } from '../shared/opportunity.ts'
import { WEBHOOK_ID } from '../shared/webhook.ts'
import { OPPORTUNITY_ID } from './parameters.ts'

/** After the one that was detected then and has this id. */
export interface Position {
  readonly detected_at: string
  readonly id: string
}

interface Cursor<T> {
  encode(position: T): string
  /** null when the text is not a cursor of this list */
  decode(text: string): T | null
}

const VERSION = z.literal(1)

export const historyCursor: Cursor<Position> = cursor(
  z.tuple([VERSION, Timestamp, z.string().regex(OPPORTUNITY_ID)]),
  ({ detected_at, id }) => [1, detected_at, id],
  ([, detected_at, id]) => ({ detected_at, id }),
)

/** After the webhook that was made then and has this id. */
export interface WebhookPosition {
  readonly created_at: string
  readonly id: string
}

export const webhookCursor: Cursor<WebhookPosition> = cursor(
  z.tuple([VERSION, Timestamp, z.string().regex(WEBHOOK_ID)]),
  ({ created_at, id }) => [1, created_at, id],
  ([, created_at, id]) => ({ created_at, id }),
)

/** After the attempt with this number. */
export const attemptCursor: Cursor<string> = cursor(
  z.tuple([VERSION, z.string().regex(/^\d{1,18}$/)]),
  (id) => [1, id],
  ([, id]) => id,
)

function cursor<T, Content extends z.ZodType>(
  content: Content,
  contentOf: (position: T) => z.output<Content>,
  positionOf: (content: z.output<Content>) => T,
): Cursor<T> {
  return {
    encode(position) {
      const text = btoa(JSON.stringify(contentOf(position)))
      return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
    },
    decode(text) {
      try {
        const json = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
        return positionOf(content.parse(JSON.parse(json)))
      } catch {
        return null
      }
    },
  }
}
