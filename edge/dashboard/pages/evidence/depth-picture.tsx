/**
 * The two books as the order would have met them: price over size, the levels bought below, the
 * levels sold above, and between them what is gross and what is left after the fees.
 */
import type { Opportunity } from '../../../../shared/opportunity.ts'
import type { Spread } from '../../../../shared/spread.ts'
import { Chart, Lines } from '../../components/chart.tsx'
import { corners, type Depth, depthOf } from '../../model/depth.ts'
import { amount, price } from '../../model/format.ts'
import { pathOf, plain, scale, ticks } from '../../model/scale.ts'
import type { State } from '../../model/state.ts'
import { assetPath, exchangeName } from '../../model/view.ts'

const HEIGHT = 220
const LEFT = 78
const RIGHT = 18
const TOP = 12
const BOTTOM = 26

interface Props {
  opportunity: Opportunity
  state: State
  /** best bid and ask now; null: not known, or over */
  now: Spread | null
}

export function DepthPicture({ opportunity, state, now }: Props) {
  const depth = depthOf(opportunity)
  if (depth === null) {
    return (
      <p class="note">
        No asset is bought and sold again in this chain, so its books share no price axis. The
        levels that each leg takes are below.
      </p>
    )
  }
  const { asset, asks, bids, size } = depth
  const [money = ''] = assetPath(opportunity)
  const [buy, sell] = [depth.buy, depth.sell].map((leg) => exchangeName(state, leg.exchange))
  const best = bestNow(now, depth)
  const prices = [depth.lowest, depth.highest, ...best.map(({ at }) => at)]
  const [low, high] = [Math.min(...prices), Math.max(...prices)]
  const margin = (high - low) * 0.06
  return (
    <figure>
      <Chart label={describe(depth, money, buy, sell)} height={HEIGHT}>
        {(width) => {
          const right = width - RIGHT
          const y = scale([low - margin, high + margin], [HEIGHT - BOTTOM, TOP])
          const x = scale([0, size], [LEFT, right])
          const line = (steps: Depth['asks'], key: 'price' | 'net') =>
            corners(steps, size, key).map((at) => ({ x: x(at.x), y: y(at.y) }))
          const area = (key: 'price' | 'net') =>
            `${pathOf([...line(bids, key), ...line(asks, key).toReversed()])}Z`
          return (
            <>
              <Lines
                values={ticks(low, high, 4)}
                y={y}
                from={LEFT}
                to={right}
                name={(value) => price(plain(value))}
              />
              <path class="area-gross" d={area('price')} />
              <path class="area-net" d={area('net')} />
              <path class="line-ask" d={pathOf(line(asks, 'price'))} />
              <path class="line-bid" d={pathOf(line(bids, 'price'))} />
              {best.map(({ at, side }) => (
                <path
                  key={side}
                  class={`line-now line-now-${side}`}
                  d={pathOf([
                    { x: LEFT, y: y(at) },
                    { x: right, y: y(at) },
                  ])}
                />
              ))}
              <text class="tick" x={LEFT} y={HEIGHT - 8}>
                0
              </text>
              <text class="tick tick-left" x={right} y={HEIGHT - 8}>
                {amount(plain(size))} {asset}
              </text>
            </>
          )
        }}
      </Chart>
      <figcaption class="legend">
        <span class="key key-bid">sold on {sell}</span>
        <span class="key key-ask">bought on {buy}</span>
        <span class="key key-net">left after fees</span>
        <span class="key key-gross">taken by fees</span>
        {best.length > 0 && <span class="key key-now">best price now</span>}
        <span class="legend-note">
          Price in {money} over size
          {depth.converted_by.length > 0 &&
            `, converted at the average of leg ${depth.converted_by.join(' and ')}`}
          . Only levels that the order takes are evidence; what lies behind them is not drawn.
        </span>
      </figcaption>
    </figure>
  )
}

function describe(depth: Depth, money: string, buy = '', sell = ''): string {
  const [ask, bid] = [depth.asks[0]?.price ?? 0, depth.bids[0]?.price ?? 0]
  return (
    `Up to ${amount(plain(depth.size))} ${depth.asset}: bought on ${buy} from ` +
    `${price(plain(ask))}, sold on ${sell} from ${price(plain(bid))} ${money}`
  )
}

/** The ends of the two books at this moment, where they are still quoted in the same money. */
function bestNow(now: Spread | null, { buy, sell, converted_by }: Depth) {
  if (converted_by.length > 0 || buy.base_units !== undefined || sell.base_units !== undefined) {
    return []
  }
  const quote = (leg: Depth['buy']) =>
    now?.quotes.find((one) => one.exchange === leg.exchange && one.market === leg.market)
  const ask = quote(buy)?.ask ?? null
  const bid = quote(sell)?.bid ?? null
  return [
    ...(ask === null ? [] : [{ side: 'ask', at: Number(ask.price) }]),
    ...(bid === null ? [] : [{ side: 'bid', at: Number(bid.price) }]),
  ]
}
