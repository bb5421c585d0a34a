/** The secret of a subscription, the one time that it can be seen. */
import { useState } from 'preact/hooks'

interface Props {
  secret: string
  onDone: () => void
}

export function Secret({ secret, onDone }: Props) {
  const [copied, setCopied] = useState('')

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(secret)
      setCopied('Copied')
    } catch {
      setCopied('This browser does not copy: select the text')
    }
  }

  return (
    <section class="card secret" aria-labelledby="secret-title" data-testid="secret">
      <h3 id="secret-title">The secret, shown this once</h3>
      <p>
        Every message is signed with it (<code>webhook-signature</code>). Whoever has it can imitate
        us: keep it as you keep a password.
      </p>
      <p class="secret-text">
        <code>{secret}</code>
      </p>
      <p class="actions">
        <button type="button" class="button button-main" onClick={() => void copy()}>
          Copy
        </button>
        <button type="button" class="button" onClick={onDone}>
          I have kept it
        </button>
        <span role="status">{copied}</span>
      </p>
    </section>
  )
}
