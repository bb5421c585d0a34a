/** The page as a whole: what stands where, and nothing about how a part looks inside. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { ResumedNote, SimulatedBanner, TroubleBanner } from './components/banner.tsx'
import { Footer } from './components/footer.tsx'
import { Header } from './components/header.tsx'
import { type Navigation, NavigationContext, usePlace } from './components/navigation.ts'
import { Nothing } from './components/parts.tsx'
import { PAGES, type PageId } from './model/place.ts'
import type { State } from './model/state.ts'
import type { Store } from './model/store.ts'
import { isSimulated, liveCount, trouble } from './model/view.ts'
import { AlertsPage } from './pages/alerts/page.tsx'
import { EvidencePanel } from './pages/evidence/panel.tsx'
import { ExchangesPage } from './pages/exchanges/page.tsx'
import { HistoryPage } from './pages/history/page.tsx'
import { Announcer } from './pages/live/announcer.tsx'
import { LivePage } from './pages/live/page.tsx'
import { NearMissesPage } from './pages/near-misses/page.tsx'
import { SpreadsPage } from './pages/spreads/page.tsx'

const CONTENT: Record<PageId, (props: { state: State }) => preact.JSX.Element> = {
  live: LivePage,
  spreads: SpreadsPage,
  history: HistoryPage,
  exchanges: ExchangesPage,
  'near-misses': NearMissesPage,
  alerts: AlertsPage,
}

interface Props {
  store: Store
  navigation: Navigation
  onRetry: () => void
}

export function App({ store, navigation, onRetry }: Props) {
  return (
    <NavigationContext.Provider value={navigation}>
      <Page store={store} onRetry={onRetry} />
    </NavigationContext.Provider>
  )
}

function Page({ store, onRetry }: Omit<Props, 'navigation'>) {
  const state = useStore(store)
  const { page, params } = usePlace()
  const wrong = trouble(state)
  const live = liveCount(state)
  const opened = params.get('open')
  useArrival(page)

  useEffect(() => {
    const name = PAGES.find(({ id }) => id === page)?.name ?? 'Not found'
    const words = page === 'live' ? `${live > 0 ? `${live} live · ` : ''}` : `${name} · `
    document.title = `${words}Spreadwire`
  }, [page, live])

  const Content = page === null ? Nowhere : CONTENT[page]
  return (
    <div class={wrong === 'none' ? 'page' : 'page page-frozen'}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Header state={state} page={page} />
      <aside aria-label="What to know of these data">
        {isSimulated(state) && <SimulatedBanner />}
        <TroubleBanner state={state} trouble={wrong} onRetry={onRetry} />
        <ResumedNote state={state} />
      </aside>
      <div class={opened === null ? 'stage' : 'stage stage-open'}>
        <main id="content" tabIndex={-1}>
          <Content state={state} />
        </main>
        {opened !== null && <EvidencePanel key={opened} id={opened} state={state} />}
      </div>
      <Footer />
      <Announcer state={state} />
    </div>
  )
}

function Nowhere() {
  return (
    <Nothing title="There is no such page">
      <p>
        <a href="/">Back to the live opportunities</a>
      </p>
    </Nothing>
  )
}

/** Whoever goes to another page begins at its top, and a screen reader begins there too. */
function useArrival(page: PageId | null): void {
  const before = useRef(page)
  useEffect(() => {
    if (before.current === page) return
    before.current = page
    const title = document.getElementById('page-title') ?? document.getElementById('content')
    title?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [page])
}

function useStore(store: Store): State {
  const [state, setState] = useState(store.state())
  useEffect(() => store.subscribe(() => setState(store.state())), [store])
  return state
}
