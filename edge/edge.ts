/** What every request of the app carries: the deployment's bindings and the two stores. */
import type { Log } from '../shared/log.ts'
import type { Bindings, Settings } from './environment.ts'
import type { History } from './store/history.ts'
import type { Live } from './store/live.ts'

export interface Edge {
  Bindings: Bindings
  Variables: { settings: Settings; live: Live; history: History; log: Log }
}
