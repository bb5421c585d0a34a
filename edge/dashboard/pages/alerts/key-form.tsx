/** Asks for the key. It says what the key must be able to do and where it stays. */
import { Card } from '../../components/parts.tsx'

interface Props {
  refusal: string | null
  onKey: (key: string) => void
}

export function KeyForm({ refusal, onKey }: Props) {
  return (
    <Card id="key" title="Your key" class="narrow-card">
      <form
        class="form"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault()
          const typed = new FormData(event.currentTarget).get('key')
          const key = typeof typed === 'string' ? typed.trim() : ''
          if (key !== '') onKey(key)
        }}
      >
        <p class="form-note">
          Subscriptions belong to an API key with the scope <code>webhooks</code>. It stays in this
          tab until you close it, and goes nowhere but to this server.
        </p>
        <label class="field">
          <span>API key</span>
          <input
            name="key"
            type="password"
            required
            placeholder="arb_…"
            autocomplete="off"
            spellcheck={false}
            aria-describedby={refusal === null ? undefined : 'key-refusal'}
            aria-invalid={refusal !== null}
          />
        </label>
        <div role="alert">
          {refusal !== null && (
            <p class="field-wrong" id="key-refusal">
              {refusal}
            </p>
          )}
        </div>
        <p>
          <button type="submit" class="button button-main">
            Use this key
          </button>
        </p>
        <p class="form-note">
          None yet? The operator makes one:{' '}
          <code>npm run keys -- create --name alerts --scopes webhooks</code>
        </p>
      </form>
    </Card>
  )
}
