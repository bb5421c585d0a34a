/** One subscription: what it says, what can be done with it, and what became of its messages. */
import { useState } from 'preact/hooks'
import type {
  MadeWebhook,
  Replaying,
  ReplayRequest,
  Testing,
  Webhook,
} from '../../../../shared/webhook.ts'
import { useParams } from '../../components/navigation.ts'
import { Card, Fact } from '../../components/parts.tsx'
import { dayAndTime } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import { exchangeName } from '../../model/view.ts'
import { EVENTS, filterWords, hostOf, intervalWords } from '../../model/webhooks.ts'
import { ask, type Outcome, webhookPath } from './api.ts'
import { Attempts } from './attempts.tsx'
import { Confirm } from './confirm.tsx'

interface Props {
  api_key: string
  webhook: Webhook
  state: State
  onSecret: (secret: string) => void
  onChanged: () => void
  onDeleted: () => void
}

type Question = 'rotate' | 'delete' | null

export function Detail({ api_key, webhook, state, onSecret, onChanged, onDeleted }: Props) {
  const { href } = useParams()
  const [busy, setBusy] = useState(false)
  const [said, say] = useState<{ good: boolean; words: string } | null>(null)
  const [question, setQuestion] = useState<Question>(null)
  const [sent, setSent] = useState(0)
  const path = webhookPath(webhook.id)

  /** One thing at a time; what went wrong is said where it was asked for. */
  async function run<T>(work: Promise<Outcome<T>>, done: (value: T) => string): Promise<void> {
    setBusy(true)
    say(null)
    const outcome = await work
    setBusy(false)
    say(
      outcome.ok
        ? { good: true, words: done(outcome.value) }
        : { good: false, words: outcome.words },
    )
  }

  const test = () =>
    run(ask<Testing>(api_key, 'POST', `${path}/test`), ({ message_id }) => {
      setSent((count) => count + 1)
      return `A sample is on its way: ${message_id}`
    })
  const replay = (what: ReplayRequest) =>
    run(ask<Replaying>(api_key, 'POST', `${path}/replay`, what), (answer) => {
      setSent((count) => count + 1)
      const { message_count } = answer
      return message_count === 1
        ? '1 message is on its way again'
        : `${message_count} messages are on their way again`
    })
  const toggle = () =>
    run(ask<Webhook>(api_key, 'PATCH', path, { enabled: !webhook.enabled }), ({ enabled }) => {
      onChanged()
      return enabled ? 'It is on' : 'It is off'
    })
  const rotate = () =>
    run(ask<MadeWebhook>(api_key, 'POST', `${path}/rotate-secret`), (made) => {
      onSecret(made.secret)
      onChanged()
      return 'It has a new secret'
    })
  const remove = () =>
    run(ask<null>(api_key, 'DELETE', path), () => {
      onDeleted()
      return 'It is deleted'
    })

  return (
    <>
      <Card
        id="webhook"
        title={hostOf(webhook.url)}
        hint={<a href={href({ webhook: null })}>Close</a>}
      >
        <dl class="facts facts-wide">
          <Fact name="Told about">
            {webhook.event_types.map((type) => EVENTS[type] ?? type).join(', ')}
          </Fact>
          <Fact name="Only">{filterWords(webhook.filters, (id) => exchangeName(state, id))}</Fact>
          <Fact name="How often">{intervalWords(webhook.min_interval_ms)}</Fact>
          <Fact name="Made">{dayAndTime(webhook.created_at)}</Fact>
          {webhook.failing_since !== null && (
            <Fact name="Failing since">{dayAndTime(webhook.failing_since)}</Fact>
          )}
          {webhook.previous_secret_until !== null && (
            <Fact name="Old secret valid until">{dayAndTime(webhook.previous_secret_until)}</Fact>
          )}
        </dl>
        <p class="actions">
          <button
            type="button"
            class="button button-main"
            disabled={busy}
            onClick={() => void test()}
          >
            Send a test
          </button>
          <a class="button" href={href({ edit: '1' })}>
            Edit
          </a>
          <button type="button" class="button" disabled={busy} onClick={() => void toggle()}>
            {webhook.enabled ? 'Turn off' : 'Turn on'}
          </button>
          <button
            type="button"
            class="button"
            disabled={busy}
            onClick={() => setQuestion('rotate')}
          >
            Rotate secret
          </button>
          <button
            type="button"
            class="button button-danger"
            disabled={busy}
            onClick={() => setQuestion('delete')}
          >
            Delete
          </button>
        </p>
        <p role="status" class={`said ${said?.good === false ? 'bad' : 'good'}`} data-testid="said">
          {said?.words}
        </p>
      </Card>
      <Attempts
        api_key={api_key}
        webhook={webhook}
        state={state}
        sent={sent}
        busy={busy}
        onReplay={(what) => void replay(what)}
      />
      {question === 'rotate' && (
        <Confirm
          title="Give it a new secret?"
          words="The old one stays valid for 24 hours, in which every message is signed with both."
          action="Rotate"
          onYes={() => void rotate()}
          onClose={() => setQuestion(null)}
        />
      )}
      {question === 'delete' && (
        <Confirm
          title="Delete this subscription?"
          words="With it goes all that is known of its messages. Turning it off keeps that."
          action="Delete"
          onYes={() => void remove()}
          onClose={() => setQuestion(null)}
        />
      )}
    </>
  )
}
