/**
 * What may be asked of a replay: exactly one of a message, a time, or all that was missed. It names
 * the field that is one too many, and knows nothing of what there is to replay.
 */
import { z } from '@hono/zod-openapi'
import { MESSAGE_ID, REPLAY_RANGE_MAX_MS, type WebhookCommand } from '../shared/webhook.ts'
import { Moment } from './parameters.ts'

export type Replayed = Extract<WebhookCommand, { kind: 'replay' }>['what']

const DAY_MS = 86_400_000
const ONE_OF = 'exactly one of message_id, from and to, or missed: true'

const Asked = z.strictObject({
  message_id: z
    .string('a webhook-id, such as 1700000000000-0')
    .regex(MESSAGE_ID, 'a webhook-id, such as 1700000000000-0')
    .optional()
    .describe('this message alone'),
  from: Moment.optional()
    .openapi({ type: 'string', format: 'date-time' })
    .describe('messages whose event happened at or after this moment; with `to`'),
  to: Moment.optional()
    .openapi({ type: 'string', format: 'date-time' })
    .describe('messages whose event happened before this moment; with `from`'),
  missed: z
    .literal(true, 'true, or not to be given')
    .optional()
    .describe('all that happened while the webhook was off and was not delivered since'),
})

export const Replay = Asked.superRefine((asked, context) => {
  const refuse = (field: string, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message })
  const { message_id, from, to, missed } = asked
  const ways = [
    ...(message_id === undefined ? [] : ['message_id']),
    ...(from === undefined && to === undefined ? [] : [from === undefined ? 'to' : 'from']),
    ...(missed === undefined ? [] : ['missed']),
  ]
  const [first = 'message_id', second] = ways
  if (ways.length !== 1) return refuse(second ?? first, ONE_OF)
  if (first === 'from' && to === undefined) return refuse('to', 'a moment, together with from')
  if (first === 'to') return refuse('from', 'a moment, together with to')
  if (from === undefined || to === undefined) return
  const range_ms = Date.parse(to) - Date.parse(from)
  if (range_ms <= 0) return refuse('to', 'a moment after from')
  if (range_ms > REPLAY_RANGE_MAX_MS) {
    refuse('to', `a moment at most ${REPLAY_RANGE_MAX_MS / DAY_MS} days after from`)
  }
}).transform(({ message_id, from, to }): Replayed => {
  if (message_id !== undefined) return { kind: 'message', message_id }
  if (from !== undefined && to !== undefined) return { kind: 'range', from, to }
  return { kind: 'missed' }
})
