/** One exchange: its state, its books, how it speaks, what went wrong, and its fee. */
import type { ComponentChildren } from 'preact'
import { count, duration, elapsed } from '../../../../shared/figures.ts'
import type { ExchangeStatus } from '../../../../shared/health.ts'
import { stateName } from '../../components/names.ts'
import { Fact } from '../../components/parts.tsx'
import { feePercent, rate } from '../../model/format.ts'
import { sparkPath } from '../../model/samples.ts'
import type { Sample, State } from '../../model/state.ts'
import { serverNow_ms } from '../../model/view.ts'

interface Props {
  exchange: ExchangeStatus
  samples: readonly Sample[]
  dead: boolean
  state: State
}

export function ExchangeCard({ exchange, samples, dead, state }: Props) {
  const { words, tone } = dead ? { words: 'Not watched', tone: 'bad' } : stateName(exchange.state)
  // Checksums where the exchange sends them, else comparisons with its books by REST.
  const right = exchange.checksums_ok + (exchange.audits_ok ?? 0)
  const wrong = exchange.checksums_failed + (exchange.audits_failed ?? 0)
  return (
    <li class="card exchange-card" data-testid="exchange" data-id={exchange.id}>
      <div class="exchange-head">
        <h3>{exchange.name}</h3>
        <p class={`state state-${tone}`}>
          <span class="dot" aria-hidden="true" />
          {words}
          {exchange.simulated && <span class="chip">simulated</span>}
        </p>
      </div>
      {exchange.reason !== null && !dead && <p class="exchange-reason">{exchange.reason}</p>}
      <Books exchange={exchange} dead={dead} />
      <div class="sparks">
        <Spark
          name="Messages a second"
          values={samples.map((sample) => sample.messages_per_second)}
          now={dead ? 'silent' : rate(exchange.messages_per_second)}
        />
        <Spark
          name="Last message"
          values={samples.map((sample) => sample.age_ms)}
          now={lastHeard(exchange, dead)}
          tone="warn"
        />
        <Spark
          name="Books live"
          values={samples.map((sample) => sample.books_live)}
          now={count(dead ? 0 : exchange.books_live)}
        />
      </div>
      <dl class="facts">
        <Fact name="Connected for">{connectedFor(exchange, state, dead)}</Fact>
        <Fact name="Gaps">{count(exchange.gaps_total)}</Fact>
        <Fact name="Resyncs">{count(exchange.resyncs_total)}</Fact>
        <Fact name="Reconnects">{count(exchange.reconnects_total)}</Fact>
        <Fact name="Proofs right">{count(right)}</Fact>
        <Fact name="Proofs wrong">
          <span class={wrong > 0 ? 'bad' : undefined}>{count(wrong)}</span>
        </Fact>
        <Fact name="Clock offset">
          {exchange.clock_offset_ms === null
            ? 'not known'
            : `${exchange.clock_offset_ms > 0 ? '+' : ''}${Math.round(exchange.clock_offset_ms)} ms`}
        </Fact>
        <Fact name="Taker fee">{feePercent(exchange.taker_fee_percent)}%</Fact>
      </dl>
      <p class="exchange-foot">
        Fee as of {exchange.fee_as_of}, <FeeSource source={exchange.fee_source} />
      </p>
      {exchange.refused.length > 0 && (
        <details class="refused">
          <summary>
            {count(exchange.refused.length)} {exchange.refused.length === 1 ? 'market' : 'markets'}{' '}
            refused
          </summary>
          <ul>
            {exchange.refused.map(({ market, reason }) => (
              <li key={market}>
                <b>{market}</b> {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  )
}

function Books({ exchange, dead }: { exchange: ExchangeStatus; dead: boolean }) {
  const { books_live, books_stale, books_halted, books_total } = exchange
  const live = dead ? 0 : books_live
  const rest = Math.max(books_total - live - books_stale - books_halted, 0)
  const part = (books: number) => (books_total === 0 ? 0 : (books / books_total) * 100)
  return (
    <div class="coverage">
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="coverage-all" width="100" height="4" />
        <rect class="coverage-live" width={part(live)} height="4" />
        <rect class="coverage-stale" x={part(live)} width={part(books_stale)} height="4" />
        <rect
          class="coverage-halted"
          x={part(live + books_stale)}
          width={part(books_halted)}
          height="4"
        />
      </svg>
      <p>
        <b>{count(live)}</b> of {count(books_total)} books live
      </p>
      <p>
        {count(books_stale)} stale · {count(books_halted)} halted
        {rest > 0 && !dead && ` · ${count(rest)} on their way`}
      </p>
    </div>
  )
}

interface SparkProps {
  name: string
  values: readonly (number | null)[]
  now: ComponentChildren
  tone?: 'good' | 'warn'
}

const WIDTH = 120
const HEIGHT = 30

function Spark({ name, values, now, tone = 'good' }: SparkProps) {
  return (
    <div class="spark">
      <p class="spark-name">{name}</p>
      <p class="spark-now">{now}</p>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path class={`spark-line spark-${tone}`} d={sparkPath(values, WIDTH, HEIGHT)} />
      </svg>
    </div>
  )
}

function lastHeard({ last_message_age_ms }: ExchangeStatus, dead: boolean): string {
  if (dead) return '–'
  return last_message_age_ms === null ? 'never' : duration(last_message_age_ms)
}

function connectedFor({ connected_since }: ExchangeStatus, state: State, dead: boolean): string {
  if (dead || connected_since === null) return 'not connected'
  return elapsed(serverNow_ms(state) - Date.parse(connected_since))
}

/** A schedule has an address; an account's own rate has none. */
function FeeSource({ source }: { source: string }) {
  if (!source.startsWith('https://')) return <span class="unit">{source}</span>
  return (
    <a href={source} target="_blank" rel="noreferrer">
      source
    </a>
  )
}
