/** Subscriptions: who is told about what, and what became of each attempt to tell them. */
import { PageHead } from '../../components/parts.tsx'
import type { State } from '../../model/state.ts'

export function AlertsPage(_: { state: State }) {
  return <PageHead title="Alerts">Soon.</PageHead>
}
