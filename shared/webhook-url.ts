/**
 * Whether an address fits a subscription: the wall of egress.ts, and for messages to people the
 * addresses that Slack, Discord and Telegram really have. It judges the text and dials nothing.
 */
import { type EgressRules, isLoopback, urlProblem } from './egress.ts'
import type { WebhookFormat } from './webhook.ts'

interface Service {
  readonly hosts: RegExp
  readonly path: RegExp
  /** what the query must say */
  readonly query?: { readonly name: string; readonly value: RegExp }
  readonly expected: string
}

const SERVICES: Readonly<Record<Exclude<WebhookFormat, 'standard'>, Service>> = {
  // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
  slack: {
    hosts: /^hooks\.slack(-gov)?\.com$/,
    path: /^\/(services|workflows)(\/[\w-]+){2,5}$/,
    expected: 'an incoming webhook of Slack, such as https://hooks.slack.com/services/T…/B…/…',
  },
  // https://docs.discord.com/developers/resources/webhook#execute-webhook
  discord: {
    hosts: /^((ptb|canary)\.)?discord(app)?\.com$/,
    path: /^\/api(\/v\d+)?\/webhooks\/\d+\/[\w-]+$/,
    expected: 'a webhook of Discord, such as https://discord.com/api/webhooks/<id>/<token>',
  },
  // https://core.telegram.org/bots/api#making-requests
  telegram: {
    hosts: /^api\.telegram\.org$/,
    path: /^\/bot\d+:[\w-]+\/sendMessage$/,
    query: { name: 'chat_id', value: /^(-?\d{1,20}|@\w{4,32})$/ },
    expected:
      'https://api.telegram.org/bot<token>/sendMessage?chat_id=<id>, where the id is a number or ' +
      '@ and the name of a channel',
  },
}

/** What is wrong with this address for this format, in words for whoever wrote it; null when nothing is. */
export function webhookUrlProblem(
  text: string,
  format: WebhookFormat,
  rules: EgressRules,
): string | null {
  const problem = urlProblem(text, rules)
  if (problem !== null || format === 'standard') return problem
  const url = new URL(text)
  if (rules.allow_local && isLocal(url)) return null
  const { hosts, path, query, expected } = SERVICES[format]
  if (!hosts.test(url.hostname) || !path.test(url.pathname)) return expected
  if (query === undefined) return null
  const values = url.searchParams.getAll(query.name)
  return values.length === 1 && query.value.test(values[0] ?? '') ? null : expected
}

/** A stand-in of the service on this machine has whatever address it likes. */
function isLocal({ hostname }: URL): boolean {
  return hostname === 'localhost' || isLoopback(hostname.replace(/^\[|\]$/g, ''))
}
