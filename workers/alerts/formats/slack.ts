/**
 * A message for Slack's incoming webhooks, in Block Kit. `text` is what a notification shows.
 * https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 * https://docs.slack.dev/messaging/formatting-message-text#escaping
 */
import type { Message, Request } from './message.ts'
import { fitting } from './text.ts'

/** https://docs.slack.dev/reference/block-kit/blocks/section-block */
const SECTION_MAX = 3_000

export function slack(message: Message, url: string): Request {
  const { headline, facts, link } = message
  const lines = [
    `*${bold(headline)}*`,
    ...facts.map(({ label, value }) => `*${escapeSlack(label)}* ${escapeSlack(value)}`),
  ]
  const body = {
    text: [headline, ...facts.slice(0, 2).map(({ label, value }) => `${label} ${value}`)]
      .map(escapeSlack)
      .join(' · '),
    blocks: [
      mrkdwn(fitting(lines, SECTION_MAX)),
      ...(link === null ? [] : [mrkdwn(`<${escapeSlack(link.url)}|${escapeSlack(link.text)}>`)]),
    ],
    unfurl_links: false,
    unfurl_media: false,
  }
  return { url, body: JSON.stringify(body), content_type: 'application/json' }
}

/** Without `<` no text can become a link, a mention or a channel. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** There is no escape for a star: inside bold text it is a look-alike. */
function bold(text: string): string {
  return escapeSlack(text).replaceAll('*', '∗')
}

function mrkdwn(text: string) {
  return { type: 'section', text: { type: 'mrkdwn', text } }
}
