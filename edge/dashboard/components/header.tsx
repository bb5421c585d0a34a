/** Who we are, and whether what you see is happening now. */
import { clockTime, elapsed } from '../model/format.ts'
import type { State } from '../model/state.ts'
import { isWorkerDead, serverNow_ms } from '../model/view.ts'
import { Mark } from './icons.tsx'

export function Header({ state }: { state: State }) {
  const { tone, words } = connectionWords(state)
  return (
    <header class="header">
      <a class="brand" href="/">
        <Mark />
        <h1>Spreadwire</h1>
      </a>
      <p class="tagline">Arbitrage that the books really hold, net of fees</p>
      <p class="clock">{clockTime(serverNow_ms(state))}</p>
      <p class={`pill pill-${tone}`} data-testid="connection">
        <span class="dot" aria-hidden="true" />
        {words}
      </p>
    </header>
  )
}

function connectionWords(state: State): { tone: string; words: string } {
  const { connection, now_ms } = state
  if (connection.phase === 'connecting') return { tone: 'waiting', words: 'Connecting' }
  if (connection.phase === 'lost') {
    return {
      tone: 'waiting',
      words: `Reconnecting · ${elapsed(now_ms - connection.since_ms)}`,
    }
  }
  if (isWorkerDead(state)) return { tone: 'bad', words: 'Worker not running' }
  return { tone: 'good', words: 'Live' }
}
