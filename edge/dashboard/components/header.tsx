/** Who we are, where everything is, and whether what you see is happening now. */
import { elapsed } from '../../../shared/figures.ts'
import { clockTime } from '../model/format.ts'
import { PAGES, type PageId } from '../model/place.ts'
import type { State } from '../model/state.ts'
import { isWorkerDead, serverNow_ms } from '../model/view.ts'
import { Icon, Mark } from './icons.tsx'

export function Header({ state, page }: { state: State; page: PageId | null }) {
  const { tone, words } = connectionWords(state)
  return (
    <header class="header">
      <div class="header-line">
        <a class="brand" href="/">
          <Mark />
          <h1>Spreadwire</h1>
        </a>
        <nav class="tabs" aria-label="Pages">
          {PAGES.map(({ id, path, name }) => (
            <a key={id} class="tab" href={path} aria-current={id === page ? 'page' : undefined}>
              <Icon name={id} />
              <span>{name}</span>
            </a>
          ))}
        </nav>
        <p class="clock">{clockTime(serverNow_ms(state))}</p>
        <p class={`pill pill-${tone}`} data-testid="connection">
          <span class="dot" aria-hidden="true" />
          {words}
        </p>
      </div>
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
