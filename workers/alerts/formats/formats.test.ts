import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Event } from '../../../shared/event.ts'
import type { Leg, Opportunity } from '../../../shared/opportunity.ts'
import { EndpointEvent } from '../../../shared/webhook.ts'
import { exchangeStatus, opportunity } from '../../publish/testing.ts'
import { render, retryAfterMs } from './index.ts'
import { judge, startVendor, type Vendor, type VendorName } from './testing-vendors.ts'

const VENDORS = ['slack', 'discord', 'telegram'] as const
const URLS: Record<VendorName, string> = {
  slack: 'https://hooks.slack.com/services/T0/B0/secret',
  discord: 'https://discord.com/api/webhooks/1/secret',
  telegram: 'https://api.telegram.org/bot123:se-cret/sendMessage?chat_id=-1001234',
}
const DETECTED_MS = Date.parse('2026-01-01T00:00:00.000Z')
const context = { dashboard_url: 'https://spreadwire.example/', now_ms: DETECTED_MS + 840 }
type State = 'detected' | 'updated' | 'expired' | 'measured'

const [buy, sell] = opportunity('x').legs as [Leg, Leg]
const real: Partial<Opportunity> = {
  simulated: false,
  transfer: 'open',
  buy_exchange: 'kraken',
  sell_exchange: 'binance',
  buy_price: '63388.104300000000000001',
  sell_price: '63801.449999999999999999',
  profit_percent: '0.5519',
  peak_profit_percent: '0.8129',
  profit_usd: '5.519',
  volume_usd: '999.42',
  base_size: '0.015766720000000001',
  legs: [
    { ...buy, exchange: 'kraken', symbol: 'BTC/USD' },
    { ...sell, exchange: 'binance', symbol: 'BTC/USDT' },
  ],
}
const over: Partial<Opportunity> = {
  ...real,
  status: 'expired',
  expired_at: '2026-01-01T00:00:03.400Z',
  duration_ms: 3_400,
  expiry_reason: 'closed',
  markouts: [
    { after_ms: 100, profit_percent: '0.4120' },
    { after_ms: 250, profit_percent: null },
    { after_ms: 1_000, profit_percent: '-0.0301' },
  ],
}
const cycle: Partial<Opportunity> = {
  ...real,
  type: 'triangular',
  symbol: 'BTC/USDT',
  buy_exchange: 'bybit',
  sell_exchange: 'bybit',
  legs: [
    { ...buy, exchange: 'bybit', symbol: 'BTC/USDT', average_price: '63388.1' },
    { ...buy, exchange: 'bybit', symbol: 'ETH/BTC', average_price: '0.0412345678' },
    { ...sell, exchange: 'bybit', symbol: 'ETH/USDT', average_price: '2650.123999' },
  ],
}

function event(state: State, changes: Partial<Opportunity>): Event {
  const timestamp = new Date(DETECTED_MS).toISOString()
  const data = opportunity('x', changes)
  return Event.parse({ id: '1767225600000-0', type: `opportunity.${state}`, timestamp, data })
}
function status(changes: object): Event {
  const { type, timestamp, data } = exchangeStatus('kraken', true)
  return Event.parse({ id: '1-0', type, timestamp, data: { ...data, ...changes } })
}
function endpoint(type: EndpointEvent['type'], changes: object = {}): EndpointEvent {
  const webhook_id = `wh_${'a'.repeat(22)}`
  const data = { webhook_id, url_host: 'example.com', reason: 'failing', failing_since: null }
  const timestamp = new Date(DETECTED_MS).toISOString()
  const id = `msg_${'b'.repeat(22)}`
  return EndpointEvent.parse({ id, type, timestamp, data: { ...data, ...changes } })
}

/** What a person reads, by what the vendor makes of the request. */
function read(vendor: VendorName, one: Event | EndpointEvent, around = context): string {
  const { url, body } = render(vendor, one, { ...around, url: URLS[vendor] })
  const { status: answered, body: words, shown } = judge(vendor, url, body)
  expect(answered, words).toBeLessThan(300)
  return shown ?? ''
}

describe('what is read', () => {
  it.each(VENDORS)('is the same in every vendor: %s', (vendor) => {
    expect(read(vendor, event('detected', real))).toBe(
      [
        'BTC/USDT +0.551 % net',
        'Buy Kraken at 63,388.11 USD',
        'Sell Binance at 63,801.44 USDT',
        'Size 0.01576672 BTC ($999.42)',
        'Profit $5.51',
        'Transfer open',
        'Age found 840 ms ago',
        'Evidence (https://spreadwire.example/?open=opp_x)',
      ].join('\n'),
    )
  })

  it('names the route of a cycle', () => {
    expect(read('slack', event('detected', cycle))).toBe(
      [
        'USDT → BTC → ETH → USDT +0.551 % net',
        '1. buy BTC/USDT on Bybit at 63,388.10',
        '2. buy ETH/BTC on Bybit at 0.0412346',
        '3. sell ETH/USDT on Bybit at 2,650.123',
        'Size 0.01576672 BTC ($999.42)',
        'Profit $5.51',
        'Transfer open',
        'Age found 840 ms ago',
        'Evidence (https://spreadwire.example/?open=opp_x)',
      ].join('\n'),
    )
  })

  it('says what became of it', () => {
    const updated = read('telegram', event('updated', real)).split('\n')
    expect(updated[0]).toBe('BTC/USDT now +0.551 % net')
    expect(updated).toContain('Peak +0.812 % net')
    const expired = read('telegram', event('expired', over)).split('\n')
    expect(expired[0]).toBe('BTC/USDT over after 3.4 s, was +0.812 % net at best')
    expect(expired).toContain('Last +0.551 % net')
    expect(expired).toContain('Ended the gap closed after 3.4 s')
    expect(expired).toContain('Left +0.412 % after 100 ms, -0.031 % after 1.0 s')
    expect(expired.join()).not.toContain('ago')
    const measured = read('telegram', event('measured', over)).split('\n')
    expect(measured[0]).toBe('BTC/USDT measured, was +0.812 % net at best')
  })

  it.each(VENDORS)('is marked when it is simulated: %s', (vendor) => {
    const [first, second] = read(vendor, event('detected', { ...real, simulated: true })).split(
      '\n',
    )
    expect(first).toBe('SIMULATED · BTC/USDT +0.551 % net')
    expect(second).toBe('Simulated sandbox prices, not a real market')
    const { body } = render('slack', event('detected', { ...real, simulated: true }), {
      ...context,
      url: URLS.slack,
    })
    expect(JSON.parse(body).text).toMatch(/^SIMULATED · /)
  })

  it('says in words what an exchange is', () => {
    const down = status({
      name: 'Kraken',
      simulated: false,
      state: 'maintenance',
      reason: 'system upgrade until 12:00',
      books_live: 0,
      books_total: 1_200,
      books_stale: 1_200,
      reconnects_total: 3,
    })
    expect(read('discord', down)).toBe(
      [
        'Kraken is in maintenance',
        'Reason system upgrade until 12:00',
        'Books 0 of 1,200 live, 1,200 stale',
        'Line 3 reconnects, 0 gaps since the start',
        'Dashboard (https://spreadwire.example/)',
      ].join('\n'),
    )
  })

  it('says that an endpoint works, or why another is off', () => {
    expect(read('slack', endpoint('endpoint.test')).split('\n')[0]).toBe(
      'Test: alerts of Spreadwire arrive here',
    )
    const failing_since = new Date(context.now_ms - 5 * 86_400_000).toISOString()
    const failing = read('slack', endpoint('endpoint.disabled', { failing_since }))
    expect(failing).toContain('Webhook to example.com was disabled')
    expect(failing).toContain('no delivery succeeded for 5 d 00 h')
    const gone = read('slack', endpoint('endpoint.disabled', { reason: 'gone' }))
    expect(gone).toContain('it answered 410 Gone')
  })

  it('has no link where the dashboard is not known', () => {
    for (const vendor of VENDORS) {
      const shown = read(vendor, event('detected', real), {
        ...context,
        dashboard_url: null as never,
      })
      expect(shown).not.toContain('http')
    }
  })

  it('is never younger than now, whatever the clocks say', () => {
    const early = { ...context, now_ms: DETECTED_MS - 60_000 }
    expect(read('slack', event('detected', real), early)).toContain('found 0 ms ago')
  })
})

describe('what is sent', () => {
  it('moves the chat of Telegram from the query into the body', () => {
    const asked = `${URLS.telegram}&message_thread_id=12&x=1#y`
    const { url, body } = render('telegram', event('detected', real), { ...context, url: asked })
    expect(url).toBe('https://api.telegram.org/bot123:se-cret/sendMessage')
    expect(JSON.parse(body)).toMatchObject({ chat_id: '-1001234', message_thread_id: 12 })
  })

  it('keeps what the others want in their URL', () => {
    for (const vendor of ['slack', 'discord'] as const) {
      const asked = `${URLS[vendor]}?thread_id=7`
      expect(render(vendor, event('detected', real), { ...context, url: asked }).url).toBe(asked)
    }
  })

  const nasty = fc.constantFrom(
    ...['<', '>', '&', '"', '&lt;', '</b>', '<!channel>', '<@U1>', '@everyone', '<@1>', '||', '**'],
    ...[
      '_',
      '~',
      '`',
      '\\',
      '[a](http://x.y)',
      'https://x.y',
      ':smile:',
      '# ',
      '> ',
      '- ',
      '\u0000',
    ],
    ...['\n', '\u2028', '\ud800', '😀', '币安人生', '\u202e'],
  )
  const text = fc
    .array(fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 60 })
    .map((parts) => parts.join(''))

  /** One clean line, cut where it is too long: the obvious way. */
  function expected(raw: string, maximum: number): string {
    let clean = ''
    for (const character of raw.toWellFormed())
      clean += /[\p{Cc}\s]/u.test(character) ? ' ' : character
    clean = clean.replace(/ +/g, ' ').trim()
    if (clean.length <= maximum) return clean
    let cut = ''
    for (const character of clean) {
      if (cut.length + character.length > maximum - 1) break
      cut += character
    }
    return `${cut}…`
  }

  it.each(VENDORS)('is read as it was meant, whatever it holds: %s', (vendor) => {
    fc.assert(
      fc.property(text, (reason) => {
        const shown = read(vendor, status({ simulated: false, reason: `. ${reason} .` }))
        const line = shown.split('\n').find((one) => one.startsWith('Reason '))
        expect(line).toBe(`Reason ${expected(`. ${reason} .`, 200)}`)
      }),
      { numRuns: 300 },
    )
  })

  it.each(VENDORS)('is accepted with any names and however much of it: %s', (vendor) => {
    fc.assert(
      fc.property(text, text, fc.nat({ max: 40 }), (name, asset, legs) => {
        read(vendor, status({ name, reason: name.repeat(20), state: 'down' }))
        const symbol = `${asset}/${name}`
        const many = Array.from({ length: legs + 2 }, () => ({ ...buy, symbol, exchange: name }))
        read(vendor, event('detected', { ...real, symbol, buy_exchange: name, legs: many }))
        read(vendor, event('expired', { ...cycle, ...over, type: 'multi_leg', legs: many }))
        read(vendor, endpoint('endpoint.disabled', { url_host: name }))
      }),
      { numRuns: 100 },
    )
  })
})

describe('the vendors of these tests', () => {
  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } })
  const slack = (blocks: object[], text = 'x') => ({
    ...{ text, blocks, unfurl_links: false, unfurl_media: false },
  })
  const discord = (content: string, description: string) => ({
    content,
    embeds: [{ description, color: 0 }],
    allowed_mentions: { parse: [] },
  })
  const telegram = (text: string, chat_id = '1') => ({
    ...{ chat_id, text, parse_mode: 'HTML', link_preview_options: { is_disabled: true } },
  })
  it.each([
    ['slack', {}, 400, 'no_text'],
    ['slack', slack([section('x'.repeat(3_001))]), 400, 'invalid_blocks'],
    ['slack', slack(Array.from({ length: 51 }, () => section('x'))), 400, 'invalid_blocks'],
    ['slack', { ...slack([]), colour: 'red' }, 400, 'invalid_blocks'],
    ['slack', slack([section('<!channel> x')]), 400, 'would act on <!channel>'],
    ['discord', discord('x'.repeat(2_001), ''), 400, 'Must be|Too big|50035'],
    ['discord', discord('x', 'x'.repeat(4_097)), 400, '50035'],
    ['discord', discord('', ''), 400, '50006'],
    ['discord', { ...discord('x', ''), file: 1 }, 400, '50035'],
    ['telegram', telegram('x', ''), 400, 'chat_id is empty'],
    ['telegram', telegram(''), 400, 'message text is empty'],
    ['telegram', telegram('x'.repeat(4_097)), 400, 'message is too long'],
    ['telegram', telegram('a <p>b</p>'), 400, "can't parse entities: Unsupported start tag"],
    ['telegram', telegram('a <b>b'), 400, "can't parse entities: Can't find end tag"],
    ['telegram', telegram('a & b'), 400, "can't parse entities: Unsupported entity"],
    ['telegram', { ...telegram('x'), color: 1 }, 400, 'Unrecognized key'],
  ] as const)('refuse what they refuse: %s %o', (name, body, status, words) => {
    const url = new URL(URLS[name])
    url.search = ''
    const reply = judge(name, url.href, JSON.stringify(body))
    expect(reply.status).toBe(status)
    expect(reply.body).toMatch(new RegExp(words))
    expect(reply.shown).toBeUndefined()
  })
})

describe('a vendor that is asked too often', () => {
  const vendors = {} as Record<VendorName, Vendor>
  beforeAll(async () => {
    for (const name of VENDORS) vendors[name] = await startVendor(name)
  })
  afterAll(async () => {
    for (const vendor of Object.values(vendors)) await vendor.close()
  })

  it.each([
    ['slack', 30_000],
    ['discord', 539],
    ['telegram', 7_000],
  ] as const)('says how long to wait, and takes it then: %s', async (name, wait_ms) => {
    const vendor = vendors[name]
    const { url, body, content_type } = render(name, event('detected', real), {
      ...context,
      url: vendor.url,
    })
    const post = () =>
      fetch(url, { method: 'POST', body, headers: { 'content-type': content_type } })
    vendor.limit(1)
    const limited = await post()
    const headers = Object.fromEntries(limited.headers)
    expect(limited.status).toBe(429)
    expect(retryAfterMs(name, limited.status, headers, await limited.text())).toBe(wait_ms)
    const taken = await post()
    expect(taken.ok).toBe(true)
    expect(retryAfterMs(name, taken.status, Object.fromEntries(taken.headers), '')).toBeNull()
    expect(vendor.shown).toHaveLength(1)
    expect(vendor.shown[0]).toContain('BTC/USDT +0.551 % net')
  })

  it('may be Cloudflare before Discord, which only knows the header', () => {
    expect(retryAfterMs('discord', 429, { 'retry-after': '12' }, '<html>1015</html>')).toBe(12_000)
    expect(retryAfterMs('discord', 429, { 'x-ratelimit-reset-after': '1.5' }, '')).toBe(1_500)
    const global = JSON.stringify({ message: '', retry_after: 64.57, global: true })
    expect(retryAfterMs('discord', 429, { 'x-ratelimit-global': 'true' }, global)).toBe(64_570)
  })

  it('may say it as a date, by its own clock', () => {
    const headers = {
      date: 'Thu, 01 Jan 2026 00:00:00 GMT',
      'retry-after': ['Thu, 01 Jan 2026 00:02:00 GMT'],
    }
    expect(retryAfterMs('standard', 503, headers, '')).toBe(120_000)
    const past = { ...headers, 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }
    expect(retryAfterMs('standard', 503, past, '')).toBe(0)
  })

  it.each([
    [undefined, null],
    ['', null],
    ['soon', null],
    ['-5', null],
    ['1e9', null],
    ['NaN', null],
    ['0', 0],
    ['99999999999', 86_400_000],
  ])('says %s', (value, wait_ms) => {
    for (const format of ['standard', 'slack', 'discord', 'telegram'] as const) {
      expect(retryAfterMs(format, 429, { 'retry-after': value }, 'nonsense')).toBe(wait_ms)
    }
  })
})
