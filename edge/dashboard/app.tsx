/** The page as a whole: what stands where, and nothing about how a part looks inside. */
import { useEffect, useState } from 'preact/hooks'
import { Announcer } from './components/announcer.tsx'
import { SimulatedBanner, TroubleBanner } from './components/banner.tsx'
import { Ended } from './components/ended.tsx'
import { Exchanges } from './components/exchanges.tsx'
import { Footer } from './components/footer.tsx'
import { Header } from './components/header.tsx'
import { Opportunities } from './components/opportunities.tsx'
import { Summary } from './components/summary.tsx'
import type { State } from './model/state.ts'
import type { Store } from './model/store.ts'
import { isSimulated, totals, trouble } from './model/view.ts'

export function App({ store, onRetry }: { store: Store; onRetry: () => void }) {
  const state = useStore(store)
  const figures = totals(state)
  const wrong = trouble(state)
  const toggle = (id: string) => store.dispatch({ type: 'toggle', id })

  useEffect(() => {
    document.title = figures.live > 0 ? `${figures.live} live · Spreadwire` : 'Spreadwire'
  }, [figures.live])

  return (
    <div class={wrong === 'none' ? 'page' : 'page page-frozen'}>
      <a class="skip" href="#opportunities">
        Skip to the opportunities
      </a>
      <Header state={state} />
      {isSimulated(state) && <SimulatedBanner />}
      <TroubleBanner state={state} trouble={wrong} onRetry={onRetry} />
      <main>
        <Summary totals={figures} loaded={state.exchanges.heard_ms !== null} />
        <div class="columns">
          <div class="column">
            <Opportunities state={state} totals={figures} onToggle={toggle} />
            <Ended state={state} onToggle={toggle} />
          </div>
          <Exchanges state={state} />
        </div>
      </main>
      <Footer />
      <Announcer state={state} />
    </div>
  )
}

function useStore(store: Store): State {
  const [state, setState] = useState(store.state())
  useEffect(() => store.subscribe(() => setState(store.state())), [store])
  return state
}
