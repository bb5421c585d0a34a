/** The state of an exchange in words, and what of its books can be used. */

import { count } from '../../../shared/figures.ts'
import type { ExchangeStatus } from '../../../shared/health.ts'
import type { Context, Fact, Message } from './message.ts'

const STATES: Readonly<Record<ExchangeStatus['state'], string>> = {
  connecting: 'is connecting',
  online: 'is online',
  maintenance: 'is in maintenance',
  blocked: 'refuses our address',
  down: 'is down',
}

export function aboutExchange(status: ExchangeStatus, { dashboard_url }: Context): Message {
  const said = `${status.name} ${STATES[status.state]}`
  return {
    headline: status.simulated ? `SIMULATED · ${said}` : said,
    facts: [
      ...(status.reason === null ? [] : [{ label: 'Reason', value: status.reason }]),
      { label: 'Books', value: booksOf(status) },
      ...unreliable(status),
    ],
    tone: status.state === 'online' ? 'good' : status.state === 'connecting' ? 'neutral' : 'bad',
    link: dashboard_url === null ? null : { text: 'Dashboard', url: dashboard_url },
  }
}

function booksOf({ books_live, books_stale, books_halted, books_total }: ExchangeStatus): string {
  const others = [
    ...(books_stale > 0 ? [`${count(books_stale)} stale`] : []),
    ...(books_halted > 0 ? [`${count(books_halted)} halted`] : []),
  ]
  return [`${count(books_live)} of ${count(books_total)} live`, ...others].join(', ')
}

/** Only when there is something to say. */
function unreliable({ gaps_total, reconnects_total }: ExchangeStatus): Fact[] {
  if (gaps_total === 0 && reconnects_total === 0) return []
  const value = `${count(reconnects_total)} reconnects, ${count(gaps_total)} gaps since the start`
  return [{ label: 'Line', value }]
}
