/**
 * A message for Telegram's Bot API, in its HTML. The subscription's URL is that of sendMessage with
 * the chat in its query, `…/bot<token>/sendMessage?chat_id=…`; what is sent has it in the body.
 * https://core.telegram.org/bots/api#sendmessage
 * https://core.telegram.org/bots/api#html-style
 */
import type { Message, Request } from './message.ts'
import { fitting } from './text.ts'

/** Counted by Telegram after its markup is taken away: less is never too much. */
const TEXT_MAX = 4_096

export function telegram({ headline, facts, link }: Message, url: string): Request {
  const address = new URL(url)
  const { searchParams } = address
  const thread = searchParams.get('message_thread_id') ?? ''
  const lines = [
    `<b>${escapeTelegram(headline)}</b>`,
    ...facts.map(({ label, value }) => `<b>${escapeTelegram(label)}</b> ${escapeTelegram(value)}`),
  ]
  const end =
    link === null ? '' : `\n<a href="${escapeTelegram(link.url)}">${escapeTelegram(link.text)}</a>`
  const body = {
    chat_id: searchParams.get('chat_id') ?? '',
    ...(/^\d{1,15}$/.test(thread) ? { message_thread_id: Number(thread) } : {}),
    text: fitting(lines, TEXT_MAX - end.length) + end,
    parse_mode: 'HTML',
    link_preview_options: { is_disabled: true },
  }
  address.search = ''
  address.hash = ''
  return { url: address.href, body: JSON.stringify(body), content_type: 'application/json' }
}

/** All that Telegram's HTML gives a meaning to, in text and in attributes. */
function escapeTelegram(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
