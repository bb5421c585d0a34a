/**
 * A message for Discord's webhooks: the headline as content, which is what a notification shows, the
 * facts in an embed. Nobody is ever mentioned.
 * https://docs.discord.com/developers/resources/webhook#execute-webhook
 */
import type { Message, Request } from './message.ts'
import { fitting } from './text.ts'

const COLOURS: Readonly<Record<Message['tone'], number>> = {
  good: 0x2e9e5b,
  bad: 0xc0392b,
  neutral: 0x64748b,
}

/** https://docs.discord.com/developers/resources/message#embed-object-embed-limits */
const DESCRIPTION_MAX = 4_096

export function discord({ headline, facts, tone, link }: Message, url: string): Request {
  const lines = facts.map(
    ({ label, value }) => `**${escapeDiscord(label)}** ${escapeDiscord(value)}`,
  )
  const embed = {
    ...(link === null ? {} : { title: link.text, url: link.url }),
    description: fitting(lines, DESCRIPTION_MAX),
    color: COLOURS[tone],
  }
  const body = {
    content: `**${escapeDiscord(headline)}**`,
    embeds: [embed],
    allowed_mentions: { parse: [] },
  }
  return { url, body: JSON.stringify(body), content_type: 'application/json' }
}

/** A backslash takes the meaning from everything that Discord's markdown knows, links included. */
function escapeDiscord(text: string): string {
  return text.replace(/[\\*_~`|<>#[\]()@:-]/g, '\\$&')
}
