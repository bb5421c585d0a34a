/**
 * A stand-in for /v1/webhooks in the browser's tests: the real contract for what is asked, an own
 * memory, and attempts as a test scripts them. It delivers nothing.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { z } from 'zod'
import {
  NewWebhook,
  newWebhookId,
  newWebhookSecret,
  type Webhook,
  type WebhookAttempt,
  WebhookChange,
} from '../../../shared/webhook.ts'
import { ago } from './examples.ts'

interface Answer {
  readonly status: number
  readonly body: unknown
}

export class ScriptedWebhooks {
  readonly key = 'arb_the-key-of-the-tests'
  webhooks: Webhook[] = []
  /** newest first, whichever webhook is asked about */
  attempts: WebhookAttempt[] = []
  /** `POST /v1/webhooks/…/replay` and what it asked for */
  readonly replays: unknown[] = []

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = this.judge(request, await bodyOf(request))
    const type = status < 400 ? 'application/json' : 'application/problem+json'
    response.writeHead(status, { 'content-type': type })
    response.end(body === null ? '' : JSON.stringify(body))
  }

  private judge(request: IncomingMessage, body: unknown): Answer {
    const url = new URL(request.url ?? '/', 'http://edge')
    if (request.headers.authorization !== `Bearer ${this.key}`) {
      return problem(401, 'A valid API key is needed', 'this key is not known')
    }
    const [, , , id, action] = url.pathname.split('/')
    if (request.method === 'POST' && request.headers['idempotency-key'] === undefined) {
      return problem(400, 'No Idempotency-Key', 'the dashboard sends one')
    }
    if (id === undefined) return request.method === 'POST' ? this.create(body) : this.list()
    const webhook = this.webhooks.find((one) => one.id === id)
    if (webhook === undefined) return problem(404, 'There is nothing here', `no ${id}`)
    if (action === undefined) return this.change(request.method ?? 'GET', webhook, body)
    return this.act(action, webhook, body, url.searchParams.get('result'))
  }

  private list(): Answer {
    return { status: 200, body: { data: this.webhooks, next_cursor: null } }
  }

  private create(body: unknown): Answer {
    const asked = NewWebhook.safeParse(body)
    if (!asked.success) return invalid(asked.error)
    if (!asked.data.url.startsWith('https://')) {
      const errors = [{ field: 'url', value: '', expected: 'a URL that begins with https://' }]
      return problem(400, 'The request is not valid', 'url', errors)
    }
    const made: Webhook = {
      id: newWebhookId(),
      ...asked.data,
      disabled_reason: null,
      failing_since: null,
      previous_secret_until: null,
      created_at: ago(0),
      updated_at: ago(0),
    }
    this.webhooks = [made, ...this.webhooks]
    return { status: 201, body: { ...made, secret: newWebhookSecret() } }
  }

  private change(method: string, webhook: Webhook, body: unknown): Answer {
    if (method === 'GET') return { status: 200, body: webhook }
    const others = this.webhooks.filter((one) => one !== webhook)
    if (method === 'DELETE') {
      this.webhooks = others
      return { status: 204, body: null }
    }
    const asked = WebhookChange.safeParse(body)
    if (!asked.success) return invalid(asked.error)
    const given = Object.entries(asked.data).filter(([, value]) => value !== undefined)
    const { enabled } = asked.data
    const disabled_reason = enabled === false ? 'owner' : null
    const changed = { ...webhook, ...Object.fromEntries(given), disabled_reason } as Webhook
    this.webhooks = [changed, ...others]
    return { status: 200, body: changed }
  }

  private act(action: string, webhook: Webhook, body: unknown, result: string | null): Answer {
    if (action === 'attempts') {
      const data = this.attempts.filter((one) => result === null || one.result === result)
      return { status: 200, body: { data, next_cursor: null } }
    }
    if (action === 'test') {
      const message_id = '1790000000000-0'
      const sent = attempt({ message_id, event_type: webhook.event_types[0] ?? 'endpoint.test' })
      this.attempts = [sent, ...this.attempts]
      return { status: 202, body: { message_id } }
    }
    if (action === 'replay') {
      this.replays.push(body)
      return { status: 202, body: { replay_id: 'rpl_1', message_count: 1 } }
    }
    return { status: 200, body: { ...webhook, secret: newWebhookSecret() } }
  }
}

export function attempt(changes: Partial<WebhookAttempt> = {}): WebhookAttempt {
  return {
    message_id: '1780000000000-0',
    event_type: 'opportunity.detected',
    attempt: 1,
    result: 'success',
    response_status: 200,
    response_excerpt: 'ok',
    error: null,
    duration_ms: 42,
    attempted_at: ago(0),
    ...changes,
  }
}

function invalid({ issues }: z.ZodError): Answer {
  const errors = issues.map(({ path, message }) => {
    return { field: path.join('.'), value: null, expected: message }
  })
  return problem(400, 'The request is not valid', 'see errors', errors)
}

function problem(status: number, title: string, detail: string, errors?: unknown[]): Answer {
  return { status, body: { type: '/problems/x', title, status, detail, instance: '/', errors } }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? null : JSON.parse(text)
}
