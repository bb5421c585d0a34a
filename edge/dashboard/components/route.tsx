/** Where to buy and where to sell; for a cycle, the assets it passes through. */
import type { Opportunity } from '../../../shared/opportunity.ts'
import { price as formatPrice } from '../model/format.ts'
import type { Exchanges } from '../model/state.ts'
import { assetPath, nameIn } from '../model/view.ts'
import { Arrow } from './icons.tsx'

interface Props {
  opportunity: Opportunity
  exchanges: Exchanges
  /** with the average price below each exchange */
  priced?: boolean
}

export function Route({ opportunity, exchanges, priced = false }: Props) {
  const { buy_exchange, sell_exchange, type } = opportunity
  const buy = nameIn(exchanges, buy_exchange)
  if (type !== 'cross_exchange') {
    const where = buy_exchange === sell_exchange ? buy : 'several exchanges'
    return (
      <span class="route">
        {assetPath(opportunity).join(' → ')} <span class="unit">on {where}</span>
      </span>
    )
  }
  return (
    <span class={priced ? 'route route-priced' : 'route'}>
      <Side name={buy} verb="buy on" price={priced ? opportunity.buy_price : null} />
      <Arrow />
      <Side
        name={nameIn(exchanges, sell_exchange)}
        verb="sell on"
        price={priced ? opportunity.sell_price : null}
      />
    </span>
  )
}

function Side({ name, verb, price }: { name: string; verb: string; price: string | null }) {
  return (
    <span>
      <span class="hidden">{verb} </span>
      {name}
      {price !== null && (
        <span class="under">
          <span class="hidden"> at </span>
          {formatPrice(price)}
        </span>
      )}
    </span>
  )
}
