/**
 * Slack, Discord and Telegram for tests, each on a socket of its own: they judge a request as the
 * vendor does, refuse with its words, limit with its fields on demand, and tell what a person would
 * read in the end. They are stricter than the vendors about fields that nobody has documented.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

export type VendorName = 'slack' | 'discord' | 'telegram'

interface Reply {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body: string
  /** what was posted, as it is read; absent when it was refused */
  readonly shown?: string
}

type Judge = (url: URL, body: unknown) => Reply

export interface Vendor {
  /** where a subscription of this vendor would send */
  readonly url: string
  /** what people have read so far */
  readonly shown: string[]
  /** how many of the next requests are too many */
  limit(requests: number): void
  close(): Promise<void>
}

const json = (status: number, value: unknown): Reply => ({ status, body: JSON.stringify(value) })

const SlackBody = z.strictObject({
  text: z.string().min(1).max(40_000),
  blocks: z
    .array(
      z.strictObject({
        type: z.literal('section'),
        text: z.strictObject({ type: z.literal('mrkdwn'), text: z.string().min(1).max(3_000) }),
      }),
    )
    .max(50),
  unfurl_links: z.boolean(),
  unfurl_media: z.boolean(),
})

function slack(url: URL, body: unknown): Reply {
  if (!url.pathname.startsWith('/services/')) return { status: 404, body: 'no_service' }
  if (typeof body !== 'object' || body === null) return { status: 400, body: 'invalid_payload' }
  if (!('text' in body) && !('blocks' in body)) return { status: 400, body: 'no_text' }
  const parsed = SlackBody.safeParse(body)
  if (!parsed.success) return { status: 400, body: 'invalid_blocks' }
  const { text, blocks } = parsed.data
  for (const written of [text, ...blocks.map((block) => block.text.text)]) {
    for (const [control] of written.matchAll(/<[^>]*>?/g)) {
      if (!/^<https?:[^<>|]+\|[^<>|]+>$/.test(control))
        return { status: 400, body: `would act on ${control}` }
    }
    if (/&(?!(amp|lt|gt);)/.test(written)) return { status: 400, body: 'a lonely &' }
  }
  const shown = blocks.map((block) => readSlack(block.text.text)).join('\n')
  return { status: 200, body: 'ok', shown }
}

function readSlack(mrkdwn: string): string {
  return mrkdwn
    .replace(/^\*([^*\n]*)\*/gm, '$1')
    .replace(/<([^|>]*)\|([^>]*)>/g, '$2 ($1)')
    .replace(/&(lt|gt|amp);/g, (_, name: string) => ({ lt: '<', gt: '>', amp: '&' })[name] ?? '')
}

const DiscordBody = z.strictObject({
  content: z.string().max(2_000),
  embeds: z
    .array(
      z.strictObject({
        title: z.string().max(256).optional(),
        url: z.url().optional(),
        description: z.string().max(4_096),
        color: z.int().min(0).max(0xffffff),
      }),
    )
    .max(10),
  allowed_mentions: z.strictObject({ parse: z.array(z.enum(['roles', 'users', 'everyone'])) }),
})

function discord(url: URL, body: unknown): Reply {
  if (!url.pathname.startsWith('/api/webhooks/')) {
    return json(404, { message: 'Unknown Webhook', code: 10015 })
  }
  const parsed = DiscordBody.safeParse(body)
  if (!parsed.success) {
    const errors = z.treeifyError(parsed.error)
    return json(400, { message: 'Invalid Form Body', code: 50035, errors })
  }
  const { content, embeds, allowed_mentions } = parsed.data
  const total = embeds.reduce(
    (sum, one) => sum + (one.title ?? '').length + one.description.length,
    0,
  )
  if (content === '' && total === 0) {
    return json(400, { message: 'Cannot send an empty message', code: 50006 })
  }
  if (total > 6_000) return json(400, { message: 'Invalid Form Body', code: 50035 })
  if (allowed_mentions.parse.length > 0)
    return json(400, { message: 'somebody would be mentioned' })
  const links = embeds.flatMap((one) =>
    one.url === undefined ? [] : [`\n${one.title} (${one.url})`],
  )
  const shown = [content, ...embeds.map((one) => one.description)].map(readDiscord).join('\n')
  return { status: 204, body: '', shown: shown + links.join('') }
}

/** Only bold at the start of a line is meant; whatever else has a meaning must be escaped. */
function readDiscord(markdown: string): string {
  return markdown
    .split('\n')
    .map((one) => {
      const [, bold = '', rest = ''] = /^\*\*((?:\\.|[^*\\])*)\*\*(.*)$/u.exec(one) ?? ['', '', one]
      for (const part of [bold, rest]) {
        const bare = part.replace(/\\[^0-9A-Za-z\s]/g, '')
        if (/[\\*_~`|<>#[\]@:]/.test(bare)) throw new Error(`has a meaning: ${one}`)
      }
      return (bold + rest).replace(/\\([^0-9A-Za-z\s])/g, '$1')
    })
    .join('\n')
}

const TelegramBody = z.strictObject({
  chat_id: z.string(),
  message_thread_id: z.int().optional(),
  text: z.string(),
  parse_mode: z.literal('HTML'),
  link_preview_options: z.strictObject({ is_disabled: z.boolean() }),
})

function telegram(url: URL, body: unknown): Reply {
  const refuse = (error_code: number, description: string) =>
    json(error_code, { ok: false, error_code, description })
  if (!/^\/bot\d+:[\w-]+\/sendMessage$/.test(url.pathname)) return refuse(404, 'Not Found')
  if (url.search !== '') return refuse(400, `Bad Request: ${url.search} is still in the URL`)
  const parsed = TelegramBody.safeParse(body)
  if (!parsed.success) return refuse(400, `Bad Request: ${parsed.error.message}`)
  const { chat_id, text } = parsed.data
  if (chat_id === '') return refuse(400, 'Bad Request: chat_id is empty')
  try {
    const shown = readTelegram(text)
    if (shown.trim() === '') return refuse(400, 'Bad Request: message text is empty')
    if (shown.length > 4_096) return refuse(400, 'Bad Request: message is too long')
    return { ...json(200, { ok: true, result: { message_id: 1, text: shown } }), shown }
  } catch (error) {
    return refuse(400, `Bad Request: can't parse entities: ${(error as Error).message}`)
  }
}

/** https://core.telegram.org/bots/api#html-style @throws in Telegram's words */
function readTelegram(html: string): string {
  let shown = ''
  const open: { name: string; href: string }[] = []
  for (const [token] of html.matchAll(/<[^>]*>?|&[^;\s]*;?|[^<&]+/g)) {
    if (token.startsWith('</')) {
      const tag = open.pop()
      if (tag === undefined || token !== `</${tag.name}>`) throw new Error('Unexpected end tag')
      if (tag.href !== '') shown += ` (${tag.href})`
    } else if (token.startsWith('<')) {
      const tag = /^<(b|a)(?: href="([^"<>]*)")?>$/.exec(token)
      if (tag === null) throw new Error(`Unsupported start tag "${token}"`)
      open.push({ name: tag[1] ?? '', href: unescapeHtml(tag[2] ?? '') })
    } else shown += token.startsWith('&') ? unescapeHtml(token) : token
  }
  if (open.length > 0)
    throw new Error(`Can't find end tag corresponding to start tag "${open[0]?.name}"`)
  return shown
}

function unescapeHtml(text: string): string {
  return text.replace(/&([^;\s]*);?/g, (entity) => {
    const known: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"' }
    const meant = known[entity]
    if (meant === undefined) throw new Error(`Unsupported entity ${entity}`)
    return meant
  })
}

const VENDORS: Record<VendorName, { path: string; judge: Judge; limited: Reply }> = {
  slack: {
    path: '/services/T0/B0/secret',
    judge: slack,
    limited: { status: 429, headers: { 'Retry-After': '30' }, body: 'rate_limited' },
  },
  discord: {
    path: '/api/webhooks/1/secret?thread_id=7',
    judge: discord,
    limited: {
      ...json(429, { message: 'You are being rate limited.', retry_after: 0.539, global: false }),
      headers: {
        'Retry-After': '1',
        'X-RateLimit-Limit': '5',
        'X-RateLimit-Remaining': '0',
        'X-RateLimit-Reset-After': '0.539',
        'X-RateLimit-Scope': 'user',
      },
    },
  },
  telegram: {
    path: '/bot123:se-cret/sendMessage?chat_id=-1001234&message_thread_id=9',
    judge: telegram,
    limited: json(429, {
      ok: false,
      error_code: 429,
      description: 'Too Many Requests: retry after 7',
      parameters: { retry_after: 7 },
    }),
  },
}

/** What the vendor says to this request, without a socket. */
export function judge(name: VendorName, url: string, body: string): Reply {
  return VENDORS[name].judge(new URL(url), JSON.parse(body))
}

export async function startVendor(name: VendorName): Promise<Vendor> {
  const vendor = VENDORS[name]
  const shown: string[] = []
  let limited = 0
  const server = createServer(async (request, response) => {
    const reply = limited > 0 ? vendor.limited : await answer(request, vendor.judge)
    limited = Math.max(0, limited - 1)
    if (reply.shown !== undefined) shown.push(reply.shown)
    response.writeHead(reply.status, reply.headers).end(reply.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${vendor.path}`,
    shown,
    limit: (requests) => {
      limited = requests
    },
    close: () => closed(server),
  }
}

async function answer(request: IncomingMessage, judged: Judge): Promise<Reply> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const is_json = /^application\/json\b/.test(request.headers['content-type'] ?? '')
  if (request.method !== 'POST' || !is_json) return { status: 400, body: 'invalid_payload' }
  const url = new URL(request.url ?? '/', 'http://vendor')
  return judged(url, JSON.parse(Buffer.concat(chunks).toString('utf8')))
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
