import { Webhook as Standard } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { type Received, verifyWebhook, WebhookRefused } from './webhook.ts'

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const OTHER = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
const BODY = '{"type":"opportunity.detected","data":{"symbol":"币安人生/USDT"}}'
const NOW_MS = 1_790_000_000_123
const clock = { wall_ms: () => NOW_MS }

/** Signed by the library that the specification's authors keep. */
function signed(secret = SECRET, at_ms = NOW_MS, body = BODY): Received {
  const id = '1790000000000-0'
  const signature = new Standard(secret).sign(id, new Date(at_ms), body)
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at_ms / 1_000)),
    'webhook-signature': signature,
  }
  return { headers, body, secret: SECRET, clock }
}

it('accepts what the reference library signs, and gives the event', async () => {
  expect(await verifyWebhook(signed())).toEqual(JSON.parse(BODY))
  const headers = new Headers(signed().headers as Record<string, string>)
  expect(await verifyWebhook({ ...signed(), headers })).toEqual(JSON.parse(BODY))
})

it('accepts one of two signatures while a secret rotates', async () => {
  const [old, fresh] = [signed(OTHER), signed()]
  const both = [old, fresh].map(
    ({ headers }) => (headers as Record<string, string>)['webhook-signature'],
  )
  const headers = { ...fresh.headers, 'webhook-signature': `v1a,xyz ${both.join(' ')}` }
  expect(await verifyWebhook({ ...fresh, headers })).toEqual(JSON.parse(BODY))
})

describe('refuses', () => {
  const refused = async (webhook: Received, why: RegExp) => {
    const error = await verifyWebhook(webhook).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(WebhookRefused)
    expect(String(error)).toMatch(why)
    expect(String(error)).not.toContain(SECRET.slice(6))
  }
  it('another secret', () => refused(signed(OTHER), /no signature/))
  it('another body', () => refused({ ...signed(), body: BODY.replace('d', 'D') }, /no signature/))
  it('a signature that is not base64', () => {
    const headers = { ...signed().headers, 'webhook-signature': 'v1,%%% v1 v2,abc' }
    return refused({ ...signed(), headers }, /no signature/)
  })
  it.each([-300_001 - 123, 301_000])('a message %i ms away', (away_ms) =>
    refused(signed(SECRET, NOW_MS + away_ms), /webhook-timestamp/),
  )
  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('no %s', (name) => {
    const headers = { ...signed().headers, [name]: undefined }
    return refused({ ...signed(), headers }, new RegExp(name))
  })
  it('a timestamp that is no number', () => {
    const headers = { ...signed().headers, 'webhook-timestamp': 'NaN' }
    return refused({ ...signed(), headers }, /webhook-timestamp/)
  })
})

it('says what a secret looks like when it is given something else', async () => {
  await expect(verifyWebhook({ ...signed(), secret: 'abc' })).rejects.toThrow(/whsec_/)
})
