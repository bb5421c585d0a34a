/** What an owner is told about an endpoint: that another one is off, or that this one works. */

import { duration } from '../../../shared/figures.ts'
import type { EndpointEvent } from '../../../shared/webhook.ts'
import type { Context, Fact, Message } from './message.ts'

export function aboutEndpoint(event: EndpointEvent, { dashboard_url, now_ms }: Context): Message {
  const { webhook_id, url_host } = event.data
  const facts: Fact[] = [{ label: 'Webhook', value: `${webhook_id} at ${url_host}` }]
  const link = dashboard_url === null ? null : { text: 'Dashboard', url: dashboard_url }
  if (event.type === 'endpoint.test') {
    return { headline: 'Test: alerts of Spreadwire arrive here', facts, tone: 'neutral', link }
  }
  const { reason, failing_since } = event.data
  const since = failing_since === null ? '' : ` for ${duration(now_ms - Date.parse(failing_since))}`
  const why = reason === 'gone' ? 'it answered 410 Gone' : `no delivery succeeded${since}`
  return {
    headline: `Webhook to ${url_host} was disabled`,
    facts: [
      ...facts,
      { label: 'Reason', value: why },
      { label: 'Next', value: 'what it misses is kept: enable it, then replay' },
    ],
    tone: 'bad',
    link,
  }
}
