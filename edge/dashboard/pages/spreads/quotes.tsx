/** What each exchange quotes, with its size, its fee and how old the book is. */

import { elapsed } from '../../../../shared/figures.ts'
import type { Spread } from '../../../../shared/spread.ts'
import { amount, exactPrice, feePercent } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import { exchangeName, serverNow_ms } from '../../model/view.ts'

export function Quotes({ spread, state }: { spread: Spread; state: State }) {
  return (
    <table class="grid-table" data-testid="quotes">
      <thead>
        <tr>
          <th scope="col">Exchange</th>
          <th scope="col" class="number">
            Bid
          </th>
          <th scope="col" class="number wide">
            Size
          </th>
          <th scope="col" class="number">
            Ask
          </th>
          <th scope="col" class="number wide">
            Size
          </th>
          <th scope="col" class="number wide">
            Taker fee
          </th>
          <th scope="col" class="number">
            Last change
          </th>
        </tr>
      </thead>
      <tbody>
        {spread.quotes.map((quote) => (
          <tr key={`${quote.exchange} ${quote.market}`}>
            <th scope="row">
              {exchangeName(state, quote.exchange)} <span class="unit">{quote.market}</span>
              {quote.state !== 'live' && <span class="chip chip-warn">{quote.state}</span>}
            </th>
            <td class="number good">{quote.bid === null ? '–' : exactPrice(quote.bid.price)}</td>
            <td class="number wide">{quote.bid === null ? '–' : amount(quote.bid.size)}</td>
            <td class="number accent">{quote.ask === null ? '–' : exactPrice(quote.ask.price)}</td>
            <td class="number wide">{quote.ask === null ? '–' : amount(quote.ask.size)}</td>
            <td class="number wide">
              {quote.taker_fee_percent === null
                ? 'not known'
                : `${feePercent(quote.taker_fee_percent)}%`}
            </td>
            <td class="number">
              {quote.updated_at === null
                ? 'never'
                : `${elapsed(serverNow_ms(state) - Date.parse(quote.updated_at))} ago`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
