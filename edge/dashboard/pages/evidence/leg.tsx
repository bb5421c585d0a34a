/** One trade of a chain: what goes in, what comes out, and the levels of the book that it takes. */

import { count, duration } from '../../../../shared/figures.ts'
import type { Leg, TransferNetwork } from '../../../../shared/opportunity.ts'
import { amount, exactPrice, feePercent, moment, price } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import { exchangeName } from '../../model/view.ts'

/** A person reads a handful; the JSON has them all. */
const LEVELS_SHOWN = 6

export function LegCard({ leg, number, state }: { leg: Leg; number: number; state: State }) {
  const [base = '', quote = ''] = leg.symbol.split('/')
  const [given, received] = leg.side === 'buy' ? [quote, base] : [base, quote]
  return (
    <li class={`leg leg-${leg.side}`}>
      <h4>
        <span class={`side side-${leg.side}`}>
          {number}. {leg.side === 'buy' ? 'Buy' : 'Sell'}
        </span>{' '}
        {base} on {exchangeName(state, leg.exchange)} <span class="unit">{leg.market}</span>
      </h4>
      <p class="exchange-of">
        <b>{amount(leg.amount_in)}</b> {given} <span aria-hidden="true">→</span>
        <span class="hidden"> becomes </span> <b>{amount(leg.amount_out)}</b> {received}
      </p>
      <dl class="leg-facts">
        <dt>Average price</dt>
        <dd>{price(leg.average_price)}</dd>
        <dt>Worst price</dt>
        <dd>{exactPrice(leg.worst_price)}</dd>
        <dt>Order size</dt>
        <dd>
          {amount(leg.order_size)} {base}
        </dd>
        <dt>Taker fee</dt>
        <dd>
          {feePercent(leg.fee_percent)}% <span class="unit">{feeSource(leg)}</span>
        </dd>
        <dt>Book age</dt>
        <dd>{duration(leg.book_age_ms)}</dd>
        <dt>Exchange's time</dt>
        <dd>{leg.exchange_time === null ? 'not stated' : moment(leg.exchange_time)}</dd>
        <dt>Sequence</dt>
        <dd class="sequence">{leg.sequence ?? 'none on this exchange'}</dd>
        {leg.transfer_networks !== undefined && (
          <>
            <dt>Moves over</dt>
            <dd>{leg.transfer_networks.map(networkName).join(', ')}</dd>
          </>
        )}
      </dl>
      <Levels leg={leg} base={base} />
    </li>
  )
}

function Levels({ leg, base }: { leg: Leg; base: string }) {
  const hidden = leg.levels - Math.min(leg.fills.length, LEVELS_SHOWN)
  const largest = Math.max(...leg.fills.slice(0, LEVELS_SHOWN).map(([, size]) => Number(size)))
  return (
    <table class="levels">
      <caption>
        {count(leg.levels)} {leg.levels === 1 ? 'level' : 'levels'} taken
        {hidden > 0 ? `, the first ${LEVELS_SHOWN}` : ''}
      </caption>
      <thead class="hidden">
        <tr>
          <th scope="col">Price</th>
          <th scope="col">Size in {base}</th>
        </tr>
      </thead>
      <tbody>
        {leg.fills.slice(0, LEVELS_SHOWN).map(([level, size], index) => (
          <tr key={index}>
            <td>{exactPrice(level)}</td>
            <td>
              <svg class="depth" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect width={(Number(size) / largest) * 100} height="4" />
              </svg>
              {amount(size)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function feeSource(leg: Leg): string {
  return leg.fee_source === 'account' ? 'your account' : 'list price'
}

function networkName({ network, withdrawal_fee }: TransferNetwork): string {
  return withdrawal_fee === null ? network : `${network} (fee ${amount(withdrawal_fee)})`
}
