/** Why we say that it could have been taken: every leg with its levels, fee and book age. */
import type { ComponentChildren } from 'preact'
import type { Opportunity } from '../../../shared/opportunity.ts'
import { duration, elapsed, percent, usd } from '../model/format.ts'
import type { State } from '../model/state.ts'
import { LegCard } from './leg.tsx'
import { expiryName, transferName } from './names.ts'

export function Evidence({ opportunity, state }: { opportunity: Opportunity; state: State }) {
  return (
    <div class="evidence" data-testid="evidence">
      <ol class="legs">
        {opportunity.legs.map((leg, index) => (
          <LegCard key={index} leg={leg} number={index + 1} state={state} />
        ))}
      </ol>
      <dl class="facts">
        <Fact name="Gross">{percent(opportunity.gross_percent)}%</Fact>
        <Fact name="Net of fees">{percent(opportunity.profit_percent)}%</Fact>
        <Fact name="Peak net">{percent(opportunity.peak_profit_percent)}%</Fact>
        <Fact name="Profit">
          {usd(opportunity.profit_usd)} on {usd(opportunity.volume_usd)}
        </Fact>
        <Fact name="Books apart in time">{duration(opportunity.skew_ms)}</Fact>
        <Fact name="Depth">{opportunity.depth_exhausted ? 'books used up' : 'more behind'}</Fact>
        <Fact name="Transfer">{transferName(opportunity.transfer)}</Fact>
        <Fact name="Detected">{moment(opportunity.detected_at)}</Fact>
        {opportunity.duration_ms !== null && (
          <Fact name="Ended">
            {expiryName(opportunity.expiry_reason)} after {lifetime(opportunity.duration_ms)}
          </Fact>
        )}
        {opportunity.markouts.map(({ after_ms, profit_percent }) => (
          <Fact key={after_ms} name={`Net after ${duration(after_ms)}`}>
            {profit_percent === null ? 'not known' : `${percent(profit_percent)}%`}
          </Fact>
        ))}
      </dl>
      <p class="evidence-foot">
        <code>{opportunity.id}</code>
        <a href={`/v1/opportunities/${encodeURIComponent(opportunity.id)}`}>All of it as JSON</a>
      </p>
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

function moment(timestamp: string): string {
  return `${timestamp.slice(11, 23)} UTC`
}

function lifetime(ms: number): string {
  return ms < 60_000 ? duration(ms) : elapsed(ms)
}
