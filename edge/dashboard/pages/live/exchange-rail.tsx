/** Each exchange in two lines: whether it speaks, and how much of it may be priced. */

import { count, elapsed } from '../../../../shared/figures.ts'
import type { ExchangeStatus } from '../../../../shared/health.ts'
import { stateName } from '../../components/names.ts'
import { Card } from '../../components/parts.tsx'
import { rate } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import { isWorkerDead, STALE_AFTER_MS } from '../../model/view.ts'

export function ExchangeRail({ state }: { state: State }) {
  const { value, heard_ms, failure } = state.exchanges
  const silent_ms = state.now_ms - (heard_ms ?? state.now_ms)
  const dead = isWorkerDead(state)
  const hint =
    silent_ms >= STALE_AFTER_MS ? (
      `as of ${elapsed(silent_ms)} ago`
    ) : (
      <a href="/exchanges">All figures</a>
    )
  return (
    <Card id="exchange-rail" title="Exchanges" hint={hint}>
      {value === null && failure === null && <p class="note">Asking…</p>}
      {value === null && failure !== null && <p class="note">Not available: {failure}.</p>}
      {value !== null && value.size === 0 && <p class="note">No exchange has reported yet.</p>}
      <ul>
        {[...(value?.values() ?? [])].map((exchange) => (
          <Line key={exchange.id} exchange={exchange} dead={dead} />
        ))}
      </ul>
    </Card>
  )
}

function Line({ exchange, dead }: { exchange: ExchangeStatus; dead: boolean }) {
  const { words, tone } = dead ? { words: 'Not watched', tone: 'bad' } : stateName(exchange.state)
  const { books_total, messages_per_second } = exchange
  const live = dead ? 0 : exchange.books_live
  return (
    <li class="exchange" data-testid="exchange" data-id={exchange.id}>
      <div class="exchange-head">
        <h4>{exchange.name}</h4>
        <p class={`state state-${tone}`}>
          <span class="dot" aria-hidden="true" />
          {words}
        </p>
      </div>
      <div class="coverage">
        <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
          <rect class="coverage-all" width="100" height="4" />
          <rect
            class="coverage-live"
            width={books_total === 0 ? 0 : (live / books_total) * 100}
            height="4"
          />
        </svg>
        <p>
          <b>{count(live)}</b> of {count(books_total)} books live
        </p>
        <p>{dead ? 'silent' : `${rate(messages_per_second)} messages/s`}</p>
      </div>
      {exchange.reason !== null && !dead && <p class="exchange-reason">{exchange.reason}</p>}
    </li>
  )
}
