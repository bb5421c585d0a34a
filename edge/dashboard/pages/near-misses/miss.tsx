/** One refusal: what it was, who refused it in which words, and the prices it was about. */

import { count, duration, elapsed, usd } from '../../../../shared/figures.ts'
import type { NearMiss } from '../../../../shared/near-miss.ts'
import { typeName } from '../../components/names.ts'
import { amount, exactPrice, percent } from '../../model/format.ts'
import { guardName } from '../../model/guards.ts'
import type { State } from '../../model/state.ts'
import { exchangeName, serverNow_ms } from '../../model/view.ts'

export function Miss({ miss, state }: { miss: NearMiss; state: State }) {
  const { symbol, buy_exchange, sell_exchange, guard, why, repeated, observed_at } = miss
  const ago_ms = serverNow_ms(state) - Date.parse(observed_at)
  return (
    <li class="miss" data-testid="miss">
      <div class="miss-head">
        <h4>
          <span class="symbol">{symbol}</span>{' '}
          <span class="miss-route">
            {buy_exchange === sell_exchange
              ? `on ${exchangeName(state, buy_exchange)}`
              : `${exchangeName(state, buy_exchange)} → ${exchangeName(state, sell_exchange)}`}
          </span>
        </h4>
        <span class="chip">{typeName(miss.type)}</span>
        <time class="faint" dateTime={observed_at}>
          {elapsed(ago_ms)} ago
        </time>
      </div>
      <p class="miss-why">
        <b>{guardName(guard)}</b> {why}
        {repeated > 0 && (
          <span class="unit">
            {' '}
            · and {count(repeated)} {repeated === 1 ? 'time' : 'times'} before
          </span>
        )}
      </p>
      <dl class="miss-figures">
        <Figure name="net">
          {miss.net_percent === null ? '–' : `${percent(miss.net_percent)}%`}
        </Figure>
        <Figure name="gross">
          {miss.gross_percent === null ? '–' : `${percent(miss.gross_percent)}%`}
        </Figure>
        <Figure name="size">{miss.volume_usd === null ? '–' : usd(miss.volume_usd)}</Figure>
      </dl>
      <details class="miss-legs">
        <summary>Prices</summary>
        <ul>
          {miss.legs.map((leg) => (
            <li key={`${leg.exchange} ${leg.market} ${leg.side}`}>
              {leg.side} <b>{leg.market}</b> on {exchangeName(state, leg.exchange)}
              {leg.price === null ? ': nobody quotes' : ` at ${exactPrice(leg.price)}`}
              {leg.size !== null && `, ${amount(leg.size)} there`}
              {leg.book_age_ms === null
                ? ', never confirmed'
                : `, ${duration(leg.book_age_ms)} old`}
            </li>
          ))}
        </ul>
      </details>
    </li>
  )
}

function Figure({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
