/** Why we say that it could have been taken: pictures first, then every leg with its levels. */

import { duration, elapsed, usd } from '../../../../shared/figures.ts'
import type { Opportunity } from '../../../../shared/opportunity.ts'
import type { Spread } from '../../../../shared/spread.ts'
import { expiryName, transferName, typeName } from '../../components/names.ts'
import { Fact } from '../../components/parts.tsx'
import { Route } from '../../components/route.tsx'
import { moment, percent } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import { ageOf_ms, exchangesOf } from '../../model/view.ts'
import { DepthPicture } from './depth-picture.tsx'
import { LegCard } from './leg.tsx'
import { Markouts } from './markouts.tsx'
import { ProfitCurve } from './profit-curve.tsx'

interface Props {
  opportunity: Opportunity
  state: State
  /** best bid and ask now; null: not known, or over */
  now: Spread | null
}

export function Evidence({ opportunity, state, now }: Props) {
  return (
    <div class="evidence" data-testid="evidence">
      <div class="verdict">
        <p class="verdict-net">
          <b>{percent(opportunity.profit_percent)}%</b> net
        </p>
        <p class="verdict-money">
          {usd(opportunity.profit_usd)} on {usd(opportunity.volume_usd)}
        </p>
        <p class="verdict-route">
          <Route opportunity={opportunity} exchanges={exchangesOf(state)} />
        </p>
        <p class="verdict-life">{life(opportunity, state)}</p>
      </div>
      <section aria-labelledby="depth-title">
        <h3 id="depth-title">The books, as the order meets them</h3>
        <DepthPicture opportunity={opportunity} state={state} now={now} />
      </section>
      <section aria-labelledby="curve-title">
        <h3 id="curve-title">Net profit against size</h3>
        <ProfitCurve opportunity={opportunity} />
      </section>
      <section aria-labelledby="markouts-title">
        <h3 id="markouts-title">What was left for whoever came later</h3>
        <Markouts opportunity={opportunity} />
      </section>
      <section aria-labelledby="legs-title">
        <h3 id="legs-title">Legs</h3>
        <ol class="legs">
          {opportunity.legs.map((leg, index) => (
            <LegCard key={index} leg={leg} number={index + 1} state={state} />
          ))}
        </ol>
      </section>
      <section aria-labelledby="facts-title">
        <h3 id="facts-title">Figures</h3>
        <dl class="facts">
          <Fact name="Type">{typeName(opportunity.type)}</Fact>
          <Fact name="Gross">{percent(opportunity.gross_percent)}%</Fact>
          <Fact name="Peak net">{percent(opportunity.peak_profit_percent)}%</Fact>
          <Fact name="Books apart in time">{duration(opportunity.skew_ms)}</Fact>
          <Fact name="Depth">{opportunity.depth_exhausted ? 'books used up' : 'more behind'}</Fact>
          <Fact name="Transfer">{transferName(opportunity.transfer)}</Fact>
          <Fact name="Detected">{moment(opportunity.detected_at)}</Fact>
          <Fact name="Last change">{moment(opportunity.updated_at)}</Fact>
        </dl>
      </section>
      <p class="evidence-foot">
        <code>{opportunity.id}</code>
        <a href={`/v1/opportunities/${encodeURIComponent(opportunity.id)}`}>All of it as JSON</a>
      </p>
    </div>
  )
}

function life(opportunity: Opportunity, state: State): string {
  const { duration_ms, expiry_reason } = opportunity
  if (duration_ms === null) return `Live for ${elapsed(ageOf_ms(opportunity, state))}`
  const lived = duration_ms < 60_000 ? duration(duration_ms) : elapsed(duration_ms)
  return `Ended: ${expiryName(expiry_reason)} after ${lived}`
}
