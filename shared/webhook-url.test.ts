import { describe, expect, it } from 'vitest'
import { WEBHOOK_FORMATS, type WebhookFormat } from './webhook.ts'
import { webhookUrlProblem } from './webhook-url.ts'

const SLACK = 'https://hooks.slack.com/services/T0123456789/B1001010101/7IsoQTrixdUtE971O1xQTm4T'
const DISCORD =
  'https://discord.com/api/webhooks/223704706495545344/3d89bb7572e0fb30d8128367b3b1b44'
const TELEGRAM = 'https://api.telegram.org/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/sendMessage'

const RIGHT: Readonly<Record<WebhookFormat, readonly string[]>> = {
  standard: ['https://example.com', 'https://example.com:8443/hooks?a=b', SLACK],
  slack: [
    SLACK,
    SLACK.replace('slack.com', 'slack-gov.com'),
    'https://hooks.slack.com/workflows/T0123456789/A0123456789/123456789012345678/AbCdEfGhIjKl',
  ],
  discord: [
    DISCORD,
    DISCORD.replace('discord', 'discordapp'),
    DISCORD.replace('discord', 'ptb.discord'),
    DISCORD.replace('discord', 'canary.discord'),
    DISCORD.replace('/api', '/api/v10'),
    `${DISCORD}?thread_id=1234&wait=true`,
  ],
  telegram: [
    `${TELEGRAM}?chat_id=123456789`,
    `${TELEGRAM}?chat_id=-1001234567890&message_thread_id=7`,
    `${TELEGRAM}?chat_id=@spreadwire`,
    `${TELEGRAM}?chat_id=%40spreadwire`,
  ],
}

const WRONG: Readonly<Record<WebhookFormat, readonly string[]>> = {
  standard: ['http://example.com', 'https://example.com:80', 'ftp://example.com', 'https://127.1'],
  slack: [
    'https://hooks.slack.com/',
    'https://hooks.slack.com/services/T0123456789',
    SLACK.replace('hooks.', ''),
    SLACK.replace('slack.com', 'slack.com.example.com'),
    SLACK.replace('hooks.slack.com', 'hooks-slack.com'),
    SLACK.replace('https://', 'https://example.com/'),
    DISCORD,
  ],
  discord: [
    'https://discord.com/channels/1/2',
    `${DISCORD}/slack`,
    `${DISCORD}/github`,
    DISCORD.replace('discord', 'evil-discord'),
    DISCORD.replace('223704706495545344', 'x'),
    SLACK,
  ],
  telegram: [
    TELEGRAM,
    `${TELEGRAM}?chat_id=`,
    `${TELEGRAM}?chat_id=me`,
    `${TELEGRAM}?chat_id=1&chat_id=2`,
    `${TELEGRAM}?chat=1`,
    `${TELEGRAM.replace('sendMessage', 'getMe')}?chat_id=1`,
    `${TELEGRAM.replace('123456:', '')}?chat_id=1`,
  ],
}

describe.each(WEBHOOK_FORMATS)('the format %s', (format) => {
  it.each(RIGHT[format])('takes %s', (url) => {
    for (const allow_local of [false, true]) {
      expect(webhookUrlProblem(url, format, { allow_local })).toBeNull()
    }
  })

  it.each(WRONG[format])('does not take %s', (url) => {
    expect(webhookUrlProblem(url, format, { allow_local: false })).toMatch(/\w/)
    if (format !== 'standard') {
      expect(webhookUrlProblem(url, format, { allow_local: true })).toMatch(/\w/)
    }
  })

  it.each(['http://localhost:3000/x', 'http://127.0.0.1:3000/', 'https://[::1]/x'])(
    'takes %s where this machine is allowed, and only there',
    (url) => {
      expect(webhookUrlProblem(url, format, { allow_local: true })).toBeNull()
      expect(webhookUrlProblem(url, format, { allow_local: false })).toMatch(/\w/)
    },
  )
})
