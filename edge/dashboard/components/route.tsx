/** Where to buy and where to sell; for a cycle, the assets it passes through. */
import type { Opportunity } from '../../../shared/opportunity.ts'
import type { State } from '../model/state.ts'
import { assetPath, exchangeName } from '../model/view.ts'
import { Arrow } from './icons.tsx'

export function Route({ opportunity, state }: { opportunity: Opportunity; state: State }) {
  const { buy_exchange, sell_exchange, type } = opportunity
  const buy = exchangeName(state, buy_exchange)
  if (type !== 'cross_exchange') {
    const where = buy_exchange === sell_exchange ? buy : 'several exchanges'
    return (
      <span class="route">
        {assetPath(opportunity).join(' → ')} <span class="unit">on {where}</span>
      </span>
    )
  }
  return (
    <span class="route">
      <span class="buy">
        <span class="hidden">buy on </span>
        {buy}
      </span>
      <Arrow />
      <span class="sell">
        <span class="hidden">sell on </span>
        {exchangeName(state, sell_exchange)}
      </span>
    </span>
  )
}
