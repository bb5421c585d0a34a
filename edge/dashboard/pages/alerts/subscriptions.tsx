/** The subscriptions of a key, and beside them the one that is opened, changed or made. */
import { useEffect, useState } from 'preact/hooks'
import type { Webhook } from '../../../../shared/webhook.ts'
import { useParams } from '../../components/navigation.ts'
import { Answered, Card, Nothing, Staleness } from '../../components/parts.tsx'
import { useResource } from '../../components/resource.ts'
import type { State } from '../../model/state.ts'
import { exchangeName, serverNow_ms } from '../../model/view.ts'
import { FORMATS, filterWords, hostOf, stateOf } from '../../model/webhooks.ts'
import { bearer, webhookPage } from './api.ts'
import { Detail } from './detail.tsx'
import { Secret } from './secret.tsx'
import { WebhookEditor } from './webhook-editor.tsx'

const EVERY_MS = 10_000

interface Props {
  api_key: string
  state: State
  onLeave: () => void
  /** The key itself was refused. */
  onRefused: (why: string) => void
}

export function Subscriptions({ api_key, state, onLeave, onRefused }: Props) {
  const { params, href, change } = useParams()
  const resource = useResource({
    url: '/v1/webhooks?limit=1000',
    headers: bearer(api_key),
    every_ms: EVERY_MS,
    read: webhookPage,
  })
  const [secret, setSecret] = useState<{ of: string; secret: string } | null>(null)
  const { refused, failure, refresh } = resource
  useEffect(() => {
    if (refused === 401 || refused === 403) onRefused(failure ?? 'The key was refused')
  }, [refused, failure])

  const webhooks = resource.value?.data ?? []
  const opened = webhooks.find(({ id }) => id === params.get('webhook')) ?? null
  const is_new = params.get('webhook') === 'new'
  const is_edit = opened !== null && params.has('edit')

  return (
    <div class={opened !== null || is_new ? 'alerts alerts-open' : 'alerts'}>
      <Card
        id="subscriptions"
        title="Subscriptions"
        hint={
          <span class="callers">
            <Staleness resource={resource} now_ms={state.now_ms} />
            <a class="toggle" href={href({ webhook: 'new', edit: null })}>
              New
            </a>
            <button type="button" class="toggle" onClick={onLeave}>
              Forget the key
            </button>
          </span>
        }
      >
        <Answered resource={resource} what="the subscriptions" title="The subscriptions">
          {({ data }) => (
            <>
              {data.length === 0 && (
                <Nothing title="Nobody is told anything yet">
                  <p>
                    <a href={href({ webhook: 'new' })}>Make the first subscription</a>
                  </p>
                </Nothing>
              )}
              <ul class="subscriptions" data-testid="subscriptions">
                {data.map((webhook) => (
                  <Line key={webhook.id} webhook={webhook} state={state} />
                ))}
              </ul>
            </>
          )}
        </Answered>
      </Card>
      <div class="column">
        {secret !== null && secret.of === opened?.id && (
          <Secret secret={secret.secret} onDone={() => setSecret(null)} />
        )}
        {(is_new || is_edit) && (
          <WebhookEditor
            key={opened?.id ?? 'new'}
            api_key={api_key}
            webhook={is_edit ? opened : null}
            state={state}
            onMade={(made) => {
              setSecret({ of: made.id, secret: made.secret })
              refresh()
              change({ webhook: made.id, edit: null }, { replace: true })
            }}
            onChanged={() => {
              refresh()
              change({ edit: null }, { replace: true })
            }}
            onCancel={() => change(is_new ? { webhook: null } : { edit: null })}
          />
        )}
        {opened !== null && !is_edit && (
          <Detail
            key={opened.id}
            api_key={api_key}
            webhook={opened}
            state={state}
            onSecret={(rotated) => setSecret({ of: opened.id, secret: rotated })}
            onChanged={refresh}
            onDeleted={() => {
              refresh()
              change({ webhook: null, edit: null, result: null }, { replace: true })
            }}
          />
        )}
      </div>
    </div>
  )
}

function Line({ webhook, state }: { webhook: Webhook; state: State }) {
  const { params, href } = useParams()
  const { words, tone } = stateOf(webhook, serverNow_ms(state))
  return (
    <li class="row" data-id={webhook.id} data-open={params.get('webhook') === webhook.id}>
      <p class="subscription-head">
        <a class="row-link" href={href({ webhook: webhook.id, edit: null })}>
          <span class="symbol">{hostOf(webhook.url)}</span>
        </a>
        <span class="chip">{FORMATS[webhook.format] ?? webhook.format}</span>
        <span class={`state state-${tone}`}>
          <span class="dot" aria-hidden="true" />
          {words}
        </span>
      </p>
      <p class="subscription-filters">
        {filterWords(webhook.filters, (id) => exchangeName(state, id))}
      </p>
    </li>
  )
}
