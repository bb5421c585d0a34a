/** Webhooks by typed calls. A secret is in the answer that makes it, and nowhere else. */
import type { AttemptsQuery as AttemptFilters } from '../edge/parameters.ts'
import type {
  WebhookChange as Change,
  NewWebhook as Made,
  MadeWebhook,
  Replaying,
  ReplayRequest,
  Testing,
  Webhook,
  WebhookAttempt,
} from '../shared/webhook.ts'
import { type Asking, orNothing, pages, type Requester, request } from './request.ts'

/** Only `url` must be given. */
export type NewWebhook = Pick<Made, 'url'> & Partial<Made>
/** Only what is given changes. */
export type WebhookChange = { readonly [K in keyof Change]?: Change[K] | undefined }
export type AttemptsQuery = {
  readonly [K in 'result' | 'message_id' | 'limit']?: AttemptFilters[K] | undefined
}

export interface Webhooks {
  /** Those of the key, newest first; the operator's token sees everybody's. */
  list(): AsyncGenerator<Webhook, void>
  /** Null: there is none, or it is somebody else's. */
  get(id: string): Promise<Webhook | null>
  create(asked: NewWebhook): Promise<MadeWebhook>
  change(id: string, change: WebhookChange): Promise<Webhook>
  /** With all that is known of its deliveries. False: there was none. */
  delete(id: string): Promise<boolean>
  /** Sends a sample now; `attempts({ message_id })` says what became of it. */
  test(id: string): Promise<Testing>
  /** The secret until now goes on signing, beside the new one, for 24 hours. */
  rotateSecret(id: string): Promise<MadeWebhook>
  /** What became of its messages, newest first, as many pages as are read. */
  attempts(id: string, query?: AttemptsQuery): AsyncGenerator<WebhookAttempt, void>
  /** Sends messages again, with the ids they had. */
  replay(id: string, what: ReplayRequest): Promise<Replaying>
}

const PATH = '/v1/webhooks'

export function webhooks(requester: Requester): Webhooks {
  const one = (id: string, action = '') => `${PATH}/${encodeURIComponent(id)}${action}`
  async function ask<T>(path: string, asking: Asking): Promise<T> {
    return (await request(requester, path, asking)).json() as Promise<T>
  }
  return {
    list: () => pages(requester, PATH, {}),
    get: (id) => orNothing(ask<Webhook>(one(id), {})),
    create: (body) => ask(PATH, { method: 'POST', body }),
    change: (id, body) => ask(one(id), { method: 'PATCH', body }),
    delete: async (id) =>
      (await orNothing(request(requester, one(id), { method: 'DELETE' }))) !== null,
    test: (id) => ask(one(id, '/test'), { method: 'POST' }),
    rotateSecret: (id) => ask(one(id, '/rotate-secret'), { method: 'POST' }),
    attempts: (id, query) => pages(requester, one(id, '/attempts'), query),
    replay: (id, body) => ask(one(id, '/replay'), { method: 'POST', body }),
  }
}
