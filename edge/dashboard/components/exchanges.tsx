/** Every exchange as the worker sees it: whether it speaks, how much of it may be priced. */
import type { ComponentChildren } from 'preact'
import type { ExchangeStatus } from '../../../shared/health.ts'
import { count, duration, elapsed, feePercent, rate } from '../model/format.ts'
import type { State } from '../model/state.ts'
import { isWorkerDead, STALE_AFTER_MS } from '../model/view.ts'
import { stateName } from './names.ts'

export function Exchanges({ state }: { state: State }) {
  const { value, heard_ms, failure } = state.exchanges
  const silent_ms = state.now_ms - (heard_ms ?? state.now_ms)
  const dead = isWorkerDead(state)
  return (
    <section class="card exchanges" aria-labelledby="exchanges-title">
      <div class="card-head">
        <h2 id="exchanges-title">Exchanges</h2>
        {silent_ms >= STALE_AFTER_MS && <p class="hint">as of {elapsed(silent_ms)} ago</p>}
      </div>
      {value === null && failure === null && <p class="note">Asking…</p>}
      {value === null && failure !== null && <p class="note">Not available: {failure}.</p>}
      {value !== null && value.size === 0 && <p class="note">No exchange has reported yet.</p>}
      <ul class="exchange-list">
        {[...(value?.values() ?? [])].map((exchange) => (
          <ExchangeCard key={exchange.id} exchange={exchange} dead={dead} />
        ))}
      </ul>
    </section>
  )
}

function ExchangeCard({ exchange, dead }: { exchange: ExchangeStatus; dead: boolean }) {
  const { words, tone } = dead ? { words: 'Not watched', tone: 'bad' } : stateName(exchange.state)
  return (
    <li class="exchange" data-testid="exchange" data-id={exchange.id}>
      <div class="exchange-head">
        <h3>{exchange.name}</h3>
        <p class={`state state-${tone}`}>
          <span class="dot" aria-hidden="true" />
          {words}
        </p>
      </div>
      <Coverage exchange={exchange} dead={dead} />
      {exchange.reason !== null && !dead && <p class="exchange-reason">{exchange.reason}</p>}
      <dl class="exchange-facts">
        <Fact name="Last heard">{lastHeard(exchange, dead)}</Fact>
        <Fact name="Gaps">{count(exchange.gaps_total)}</Fact>
        <Fact name="Reconnects">{count(exchange.reconnects_total)}</Fact>
        <Fact name="Taker fee">{feePercent(exchange.taker_fee_percent)}%</Fact>
      </dl>
    </li>
  )
}

function Coverage({ exchange, dead }: { exchange: ExchangeStatus; dead: boolean }) {
  const { books_total, messages_per_second } = exchange
  const live = dead ? 0 : exchange.books_live
  return (
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
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function lastHeard({ last_message_age_ms }: ExchangeStatus, dead: boolean): string {
  if (dead) return '–'
  return last_message_age_ms === null ? 'never' : duration(last_message_age_ms)
}
