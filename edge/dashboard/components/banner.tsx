/** What a reader must know before believing any figure below. */
import { elapsed } from '../../../shared/figures.ts'
import { clockTime } from '../model/format.ts'
import type { State } from '../model/state.ts'
import { ALARM_AFTER_MS, serverNow_ms, type Trouble } from '../model/view.ts'

export function SimulatedBanner() {
  return (
    <p class="banner banner-simulated" data-testid="simulated">
      <strong>Simulated data</strong>
      <span>
        These prices come from a sandbox, not from real exchanges. Nothing here can be traded.
      </span>
    </p>
  )
}

interface TroubleProps {
  state: State
  trouble: Trouble
  onRetry: () => void
}

/** Said for so long after a break, so that whoever looked away learns that nothing is missing. */
const RESUMED_SHOWN_MS = 6_000

/** A break too short to be alarmed about is too short to speak of afterwards. */
export function ResumedNote({ state }: { state: State }) {
  const { connection, now_ms } = state
  const resumed = connection.phase === 'live' ? connection.resumed : null
  const is_news =
    resumed !== null &&
    resumed.away_ms >= ALARM_AFTER_MS &&
    now_ms - resumed.at_ms < RESUMED_SHOWN_MS
  return (
    <div role="status">
      {is_news && (
        <p class="banner banner-resumed" data-testid="resumed">
          <strong>Connected again after {elapsed(resumed.away_ms)}.</strong>
          <span>What happened meanwhile is in.</span>
        </p>
      )}
    </div>
  )
}

/** The region is always there: screen readers announce only what appears inside of one they know. */
export function TroubleBanner({ state, trouble, onRetry }: TroubleProps) {
  return (
    <div role="alert">
      {trouble !== 'none' && (
        <div class="banner banner-trouble" data-testid="trouble">
          <Words state={state} trouble={trouble} />
          {trouble === 'stream_lost' && <NextTry state={state} />}
          {trouble === 'stream_lost' && (
            <button type="button" class="button" onClick={onRetry}>
              Retry now
            </button>
          )}
        </div>
      )}
    </div>
  )
}

function Words({ state, trouble }: { state: State; trouble: Trouble }) {
  if (trouble === 'worker_dead') {
    return (
      <p>
        <strong>The detection worker is not running.</strong> {silence(state)} No order book is
        being watched, and nothing below is known to be true any more.
      </p>
    )
  }
  if (trouble === 'stream_lost' && state.connection.phase === 'lost') {
    const lost_ms = state.connection.since_ms + serverNow_ms(state) - state.now_ms
    return (
      <p>
        <strong>Connection lost at {clockTime(lost_ms)}.</strong> What you see is the last known
        state. Reconnecting by itself: {state.connection.reason}.
      </p>
    )
  }
  return (
    <p>
      <strong>The system's health is unknown.</strong> Asking for it fails: {state.health.failure}.
    </p>
  )
}

/** Hidden from screen readers: an alert that counts down would be read out every second. */
function NextTry({ state }: { state: State }) {
  const { connection, now_ms } = state
  if (connection.phase !== 'lost') return null
  const wait_ms = connection.retry_at_ms - now_ms
  return (
    <span aria-hidden="true">
      {wait_ms > 0 ? `next try in ${elapsed(wait_ms + 999)}` : 'trying now'}
    </span>
  )
}

function silence(state: State): string {
  const age_ms = state.health.value?.worker.heartbeat_age_ms ?? null
  return age_ms === null
    ? 'It has given no sign of life lately.'
    : `Its last sign of life was ${elapsed(Math.floor(age_ms / 5_000) * 5_000)} ago.`
}
