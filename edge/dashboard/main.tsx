/**
 * Wires the page together: one stream, three gentle polls, one store, one tree. What every page needs
 * is asked for here; what only one page shows is asked for by that page while it is open.
 */
import { render } from 'preact'
import { list } from '../../client/answers.ts'
import { openStream } from '../../client/stream.ts'
import { systemClock } from '../../shared/clock.ts'
import type { ExchangeStatus } from '../../shared/health.ts'
import type { Opportunity } from '../../shared/opportunity.ts'
import { App } from './app.tsx'
import { createNavigation } from './components/navigation.ts'
import { healthReport } from './model/answers.ts'
import { poll } from './model/poll.ts'
import { createStore } from './model/store.ts'

const TICK_MS = 1_000
const HEALTH_EVERY_MS = 5_000
/** Each answer is a point of the small charts of an exchange. */
const EXCHANGES_EVERY_MS = 3_000
/** The stream carries every change; this only heals what a stale cache may have hidden. */
const LIVE_SET_EVERY_MS = 30_000
/** The most that the API lists. Of so many, whoever is not among them may be live as well. */
const LIVE_SET_MAX = 1_000
/** A shared cache may serve a live set this old, so younger rows outlive their absence from it. */
const LIVE_SET_GRACE_MS = 10_000

const store = createStore(systemClock)
const failed = (of: 'live_set' | 'exchanges' | 'health') => (reason: string) =>
  store.dispatch({ type: 'failure', of, reason })

const askLiveSet = poll({
  urls: [`/v1/opportunities?limit=${LIVE_SET_MAX}`],
  every_ms: LIVE_SET_EVERY_MS,
  read: list<Opportunity>,
  onAnswer(opportunities) {
    const is_whole = opportunities.length < LIVE_SET_MAX
    const grace_ms = is_whole ? LIVE_SET_GRACE_MS : Number.POSITIVE_INFINITY
    store.dispatch({ type: 'live_set', opportunities, grace_ms })
  },
  onFailure: failed('live_set'),
})

poll({
  urls: ['/v1/exchanges'],
  every_ms: EXCHANGES_EVERY_MS,
  read: list<ExchangeStatus>,
  onAnswer: (exchanges) => store.dispatch({ type: 'exchanges', exchanges }),
  onFailure: failed('exchanges'),
})

const askHealth = poll({
  urls: ['/health'],
  every_ms: HEALTH_EVERY_MS,
  read: healthReport,
  onAnswer: (health) => store.dispatch({ type: 'health', health }),
  onFailure: failed('health'),
})

const stream = openStream({
  url: '/v1/stream',
  clock: systemClock,
  random: Math.random,
  fetch: (...request) => fetch(...request),
  onOpen() {
    store.dispatch({ type: 'stream_open' })
    // Only a live set that is read after the stream opened has no gap between the two.
    askLiveSet.now()
    askHealth.now()
  },
  onLost: (reason, retry_at_ms) => store.dispatch({ type: 'stream_lost', reason, retry_at_ms }),
  onEvent: (event) => store.dispatch({ type: 'event', event }),
  onReset: (opportunities) => store.dispatch({ type: 'live_set', opportunities, grace_ms: 0 }),
})

setInterval(() => store.dispatch({ type: 'tick' }), TICK_MS)
addEventListener('online', () => stream.retryNow())
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) stream.retryNow()
})

const root = document.getElementById('app')
if (root === null) throw new Error('the page has no #app')
render(
  <App store={store} navigation={createNavigation()} onRetry={() => stream.retryNow()} />,
  root,
)
