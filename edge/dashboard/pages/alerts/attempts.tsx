/** Every attempt to deliver, newest first, and the way to have a message sent again. */
import { useEffect } from 'preact/hooks'
import { duration } from '../../../../shared/figures.ts'
import type { ReplayRequest, Webhook, WebhookAttempt } from '../../../../shared/webhook.ts'
import { SelectFilter } from '../../components/filters.tsx'
import { useParams } from '../../components/navigation.ts'
import { Answered, Card, Nothing, Staleness } from '../../components/parts.tsx'
import { useResource } from '../../components/resource.ts'
import { dayAndTime } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import { RESULTS } from '../../model/webhooks.ts'
import { attemptPage, bearer, webhookPath } from './api.ts'

const EVERY_MS = 3_000
const SHOWN = 100

interface Props {
  api_key: string
  webhook: Webhook
  state: State
  /** grows whenever something was sent: then it is looked at again at once */
  sent: number
  busy: boolean
  onReplay: (what: ReplayRequest) => void
}

export function Attempts({ api_key, webhook, state, sent, busy, onReplay }: Props) {
  const { params } = useParams()
  const query = new URLSearchParams({ limit: String(SHOWN) })
  const result = params.get('result')
  if (result !== null) query.set('result', result)
  const resource = useResource({
    url: `${webhookPath(webhook.id)}/attempts?${query}`,
    headers: bearer(api_key),
    every_ms: EVERY_MS,
    read: attemptPage,
  })
  const { refresh } = resource
  useEffect(() => {
    if (sent > 0) refresh()
  }, [sent, refresh])

  return (
    <Card
      id="attempts"
      title="Attempts"
      hint={<Staleness resource={resource} now_ms={state.now_ms} />}
    >
      <search class="filters filters-inside" aria-label="Filters of the attempts">
        <SelectFilter
          name="result"
          label="Result"
          any="any"
          options={Object.entries(RESULTS).map(([id, { words }]) => [id, words] as const)}
        />
        <button
          type="button"
          class="toggle"
          disabled={busy || !webhook.enabled}
          onClick={() => onReplay({ missed: true })}
        >
          Replay all missed
        </button>
      </search>
      <Answered resource={resource} what="the attempts" title="The attempts">
        {({ data }) =>
          data.length === 0 ? (
            <Nothing
              title={result === null ? 'Nothing was sent yet' : 'No attempt ended like that'}
            >
              {result === null && <p>A test shows whether messages arrive.</p>}
            </Nothing>
          ) : (
            <ul class="attempts" data-testid="attempts">
              {data.map((attempt) => (
                <Attempt
                  key={`${attempt.message_id} ${attempt.attempt} ${attempt.attempted_at}`}
                  attempt={attempt}
                  can_replay={webhook.enabled && !busy}
                  onReplay={() => onReplay({ message_id: attempt.message_id })}
                />
              ))}
            </ul>
          )
        }
      </Answered>
    </Card>
  )
}

interface AttemptProps {
  attempt: WebhookAttempt
  can_replay: boolean
  onReplay: () => void
}

function Attempt({ attempt, can_replay, onReplay }: AttemptProps) {
  const { words, tone } = RESULTS[attempt.result] ?? { words: attempt.result, tone: 'waiting' }
  const { response_status, duration_ms, error, response_excerpt } = attempt
  return (
    <li class="attempt" data-testid="attempt">
      <p class={`state state-${tone}`}>
        <span class="dot" aria-hidden="true" />
        {words}
      </p>
      <p class="attempt-what">
        <b>{attempt.event_type}</b> <code>{attempt.message_id}</code>
        {attempt.attempt > 1 && ` · attempt ${attempt.attempt}`}
      </p>
      <p class="attempt-when">
        <time dateTime={attempt.attempted_at}>{dayAndTime(attempt.attempted_at)}</time>
        {duration_ms !== null && ` · ${duration(duration_ms)}`}
      </p>
      <button
        type="button"
        class="toggle"
        disabled={!can_replay}
        aria-label={`Replay ${attempt.message_id}`}
        onClick={onReplay}
      >
        Replay
      </button>
      {(response_status !== null || error !== null) && (
        <p class="attempt-answer">
          {response_status !== null && <b>HTTP {response_status}</b>} {error}{' '}
          {response_excerpt !== null && response_excerpt !== '' && <code>{response_excerpt}</code>}
        </p>
      )}
    </li>
  )
}
