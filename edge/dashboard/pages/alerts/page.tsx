/**
 * Who is told about what, and what became of each attempt to tell them. It needs a key with the scope
 * `webhooks`, which is asked for once and kept in this tab only.
 */
import { useState } from 'preact/hooks'
import { PageHead } from '../../components/parts.tsx'
import type { State } from '../../model/state.ts'
import { KeyForm } from './key-form.tsx'
import { readKey, writeKey } from './session.ts'
import { Subscriptions } from './subscriptions.tsx'

export function AlertsPage({ state }: { state: State }) {
  const [key, setKey] = useState(readKey)
  const [refusal, setRefusal] = useState<string | null>(null)

  function take(next: string | null, why: string | null = null): void {
    writeKey(next)
    setKey(next)
    setRefusal(why)
  }

  return (
    <>
      <PageHead title="Alerts">
        Subscriptions are told within a second, signed, and tried again for ten. Every attempt is
        kept, and what was missed can be sent again.
      </PageHead>
      {key === null ? (
        <KeyForm refusal={refusal} onKey={take} />
      ) : (
        <Subscriptions
          key={key}
          api_key={key}
          state={state}
          onLeave={() => take(null)}
          onRefused={(why) => take(null, why)}
        />
      )}
    </>
  )
}
