/** Holds asyncapi.json to the app: what is really pushed is what it says. */
import specs from '@asyncapi/specs'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Draft, EVENT_TYPES } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { EndpointEvent } from '../../shared/webhook.ts'
import { closed } from '../testing/openapi.ts'
import { exchangeStatus, expired } from '../testing/opportunities.ts'
import { StreamReader } from '../testing/reader.ts'
import { publish, type Stack, startStack } from '../testing/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())
const at = (path: string) => `${stack.url}${path}`

describe('asyncapi.json', () => {
  const Document = z.looseObject({
    channels: z.record(z.string(), z.looseObject({ messages: z.record(z.string(), z.unknown()) })),
    components: z.looseObject({
      messages: z.record(
        z.string(),
        z.looseObject({ name: z.string(), payload: z.object({ $ref: z.string() }) }),
      ),
    }),
  })
  const served = async () => Document.parse(await (await fetch(at('/asyncapi.json'))).json())
  const draft7 = () => {
    const validator = new Ajv({ strict: false, allErrors: true })
    addFormats.default(validator)
    return validator
  }

  it('is what AsyncAPI 3 says a document is', async () => {
    const validate = draft7().compile(specs.schemasWithoutId['3.0.0'] as object)
    const document = await served()
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ ...document, channels: 'none' })).toBe(false)
  })

  it('has every event on the stream and in webhooks, with every reference in place', async () => {
    const document = await served()
    const names = (channel: string) =>
      Object.keys(document.channels[channel]?.messages ?? {})
        .map((name) => document.components.messages[name]?.name)
        .sort()
    expect(names('stream')).toEqual([...EVENT_TYPES, 'reset'].sort())
    const endpoint_types = EndpointEvent.options.map(({ shape }) => shape.type.value)
    expect(names('webhooks')).toEqual([...EVENT_TYPES, ...endpoint_types].sort())
    for (const [, pointer = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = pointer
        .split('/')
        .reduce<unknown>((node, name) => (node as Record<string, unknown>)?.[name], document)
      expect(target, pointer).toBeDefined()
    }
  })

  it('describes what is really pushed, reset included', async () => {
    await stack.redis.del(KEYS.events)
    const one = expired({ id: 'opp_pushed' })
    const drafts = EVENT_TYPES.map((type): Draft => {
      const { timestamp } = { timestamp: one.detected_at }
      return type === 'exchange.status'
        ? { type, timestamp, data: exchangeStatus() }
        : { type, timestamp, data: one }
    })
    let last = ''
    if (drafts[0] !== undefined) await publish(stack.redis, drafts[0])
    const reader = await StreamReader.open(at('/v1/stream?last_event_id=1-0'))
    // what is published before it would be in it, and not follow it
    await expect.poll(() => reader.resets().length, { timeout: 10_000 }).toBe(1)
    for (const draft of drafts) last = await publish(stack.redis, draft)
    await reader.saw(last)
    reader.leave()
    const document = await served()
    const validator = draft7()
    validator.addSchema({ ...(closed(document) as object), $id: 'asyncapi' })
    const seen = new Set<string>()
    for (const { event, data } of reader.frames) {
      const described = Object.values(document.components.messages)
      const message = described.find(({ name }) => name === event)
      const validate = validator.compile({ $ref: `asyncapi${message?.payload.$ref}` })
      expect(validate(JSON.parse(data)), `${event}: ${JSON.stringify(validate.errors)}`).toBe(true)
      expect(validate({}), event).toBe(false)
      seen.add(event)
    }
    expect([...seen].sort()).toEqual([...EVENT_TYPES, 'reset'].sort())
  })
})
