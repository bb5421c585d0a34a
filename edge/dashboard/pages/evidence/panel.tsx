/**
 * The proof of one opportunity, beside the list on a desk and over it on a phone. Its address is
 * `?open=<id>` on any page, live or past. Escape closes it and gives the focus back to the row.
 */
import { useEffect, useRef } from 'preact/hooks'
import { list } from '../../../../client/answers.ts'
import type { Opportunity } from '../../../../shared/opportunity.ts'
import type { Spread } from '../../../../shared/spread.ts'
import { Icon } from '../../components/icons.tsx'
import { useNavigation } from '../../components/navigation.ts'
import { Failure, Loading } from '../../components/parts.tsx'
import { useResource } from '../../components/resource.ts'
import { oneOpportunity } from '../../model/answers.ts'
import { hrefOf } from '../../model/place.ts'
import type { State } from '../../model/state.ts'
import { Evidence } from './evidence.tsx'

/** Below this width it covers the page, as styles/evidence.css has it. */
const COVERS = matchMedia('(max-width: 760px)')
const NOW_EVERY_MS = 2_000

export function EvidencePanel({ id, state }: { id: string; state: State }) {
  const navigation = useNavigation()
  const dialog = useRef<HTMLDialogElement>(null)
  const found = useOpportunity(id, state)
  const { opportunity } = found
  const is_live = opportunity?.status === 'detected'
  const now = useResource<Spread[]>({
    url: is_live ? `/v1/spreads?symbol=${encodeURIComponent(opportunity.symbol)}` : null,
    every_ms: NOW_EVERY_MS,
    read: list<Spread>,
  })

  useEffect(() => {
    const { current } = dialog
    if (current === null) return
    const from = document.activeElement
    if (COVERS.matches) current.showModal()
    else current.show()
    current.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true })
    return () => {
      current.close()
      const row = document.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"] .row-link`)
      const back = row ?? (from instanceof HTMLElement && from.isConnected ? from : null)
      back?.focus({ preventScroll: true })
    }
  }, [id])

  const close = () => navigation.go(hrefOf(navigation.place(), { open: null }))
  return (
    <dialog
      ref={dialog}
      class="panel"
      aria-labelledby="panel-title"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.preventDefault()
        close()
      }}
      onCancel={(event) => {
        event.preventDefault()
        close()
      }}
    >
      <div class="panel-head">
        <h2 id="panel-title" tabIndex={-1}>
          {opportunity === null ? 'Evidence' : `Evidence: ${opportunity.symbol}`}
        </h2>
        <button type="button" class="icon-button" aria-label="Close the evidence" onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      {opportunity === null && found.failure === null && <Loading what="the evidence" lines={5} />}
      {opportunity === null && found.failure !== null && <Missing {...found} id={id} />}
      {opportunity !== null && (
        <Evidence opportunity={opportunity} state={state} now={now.value?.[0] ?? null} />
      )}
    </dialog>
  )
}

function Missing({
  refused,
  failure,
  id,
}: {
  refused: number | null
  failure: string | null
  id: string
}) {
  if (refused !== 404 && refused !== 400) {
    return <Failure what="The evidence" reason={failure ?? 'no answer'} refused={refused} />
  }
  return (
    <div class="empty">
      <p class="empty-title">There is no such opportunity</p>
      <p>
        <code>{id}</code> is not live, and the history does not hold it.
      </p>
    </div>
  )
}

/** What the stream says of it as long as it says something, else what the API knows. */
function useOpportunity(id: string, state: State) {
  const streamed =
    state.rows.get(id)?.opportunity ?? state.ended.find((one) => one.id === id) ?? null
  const last = useRef<Opportunity | null>(null)
  if (streamed !== null) last.current = streamed
  // Only after the first list do we know that the stream does not hold it.
  const is_asked = streamed === null && state.live_set.heard_ms !== null
  const asked = useResource({
    url: is_asked ? `/v1/opportunities/${encodeURIComponent(id)}` : null,
    every_ms: null,
    read: oneOpportunity,
  })
  return {
    opportunity: streamed ?? asked.value ?? last.current,
    failure: asked.failure,
    refused: asked.refused,
  }
}
