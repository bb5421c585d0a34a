import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Draft } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import { silentLog } from '../../shared/log.ts'
import { liveStore } from '../store/live.ts'
import { eventually } from '../testing/check.ts'
import { opportunity } from '../testing/opportunities.ts'
import { publish, type Stores, startStores } from '../testing/stack.ts'
import { type Subscribe, SubscriptionRefused, upstashSubscribe } from './subscription.ts'
import { BEGINNING, follow, type Item } from './upstream.ts'

let stores: Stores
const stops: (() => void)[] = []
beforeAll(async () => {
  stores = await startStores()
})
afterAll(() => stores?.stop())
afterEach(async () => {
  for (const stop of stops.splice(0)) stop()
  await stores.redis.del(KEYS.events)
})

/** Follows from the beginning and collects. */
function collect(subscribe: Subscribe) {
  const controller = new AbortController()
  stops.push(() => controller.abort())
  const live = liveStore(stores.vars, silentLog)
  const items: Item[] = []
  const ended = (async () => {
    for await (const item of follow(
      { live, subscribe, log: silentLog },
      BEGINNING,
      controller.signal,
    )) {
      items.push(item)
    }
  })()
  const ids = () => items.map((item) => (item.kind === 'event' ? item.event.id : 'reset'))
  return { ids, ended, stop: () => controller.abort() }
}

const draft: Draft = {
  type: 'opportunity.detected',
  timestamp: opportunity().detected_at,
  data: opportunity(),
}
const send = () => publish(stores.redis, draft)

describe('where SUBSCRIBE is refused', () => {
  it('polls the stream instead, and outlives a store that is away', async () => {
    const before = await send()
    const reader = collect(async () => {
      throw new SubscriptionRefused('HTTP 400')
    })
    await eventually(() => expect(reader.ids()).toEqual([before]))
    await stores.closeUpstash()
    const during = await send()
    await stores.openUpstash()
    await eventually(() => expect(reader.ids()).toEqual([before, during]))
    reader.stop()
    await reader.ended
  })
})

describe('a subscription that breaks', () => {
  it('is taken up again where it was, whatever was published in between', async () => {
    let opened = 0
    const real = upstashSubscribe(stores.vars)
    const reader = collect(async (channel, signal) => {
      const messages = await real(channel, signal)
      if (opened++ < 3) setTimeout(() => messages.close(), 60)
      return messages
    })
    const sent: string[] = []
    while (opened < 4) {
      sent.push(await send())
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    sent.push(await send())
    await eventually(() => expect(reader.ids()).toEqual(sent))
  }, 20_000)

  it('is found out when it stays silent about what was published', async () => {
    const reader = collect(upstashSubscribe(stores.vars))
    const heard = await send()
    await eventually(() => expect(reader.ids()).toEqual([heard]))
    const { type, timestamp, data } = draft
    const fields = ['type', type, 'timestamp', timestamp, 'data', JSON.stringify(data)]
    const unheard = await stores.redis.xadd(KEYS.events, '*', ...fields)
    await eventually(() => expect(reader.ids()).toEqual([heard, unheard]), 25_000)
    const again = await send()
    await eventually(() => expect(reader.ids()).toEqual([heard, unheard, again]))
  }, 40_000)

  it('ends at once when its reader leaves', async () => {
    const reader = collect(upstashSubscribe(stores.vars))
    const id = await send()
    await eventually(() => expect(reader.ids()).toEqual([id]))
    reader.stop()
    await reader.ended
  })
})

describe('upstashSubscribe', () => {
  let server: Server
  let answer: (response: ServerResponse) => void
  beforeAll(async () => {
    server = createServer((_request, response) => answer(response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const subscribe = () => {
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/`
    const controller = new AbortController()
    stops.push(() => controller.abort())
    return upstashSubscribe({ ...stores.vars, UPSTASH_REDIS_REST_URL: url })(
      'chat',
      controller.signal,
    )
  }
  const stream = (response: ServerResponse) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' })

  it.each([400, 401, 404, 405])('takes HTTP %i for a refusal', async (status) => {
    answer = (response) => response.writeHead(status).end('{"error":"no"}')
    await expect(subscribe()).rejects.toBeInstanceOf(SubscriptionRefused)
  })

  it('takes an answer that is no stream for a refusal', async () => {
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    await expect(subscribe()).rejects.toBeInstanceOf(SubscriptionRefused)
  })

  it('takes HTTP 503 and a stream that ends unconfirmed for a failure that may pass', async () => {
    answer = (response) => response.writeHead(503).end()
    const failure = await subscribe().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Error)
    expect(failure).not.toBeInstanceOf(SubscriptionRefused)
    answer = (response) => stream(response).end()
    await expect(subscribe()).rejects.toThrow(/before it began/)
  })

  it('gives up on a server that never confirms', async () => {
    answer = (response) => void stream(response).write(': waiting\n\n')
    await expect(subscribe()).rejects.toThrow()
  })

  it('puts messages together however they are cut', async () => {
    const payloads = ['plain', '{"a":"b,c"}', 'é€😀', 'message,chat,nested']
    answer = (response) => {
      const lines = payloads.map((payload) => `data: message,chat,${payload}\n\n`)
      const bytes = Buffer.from(
        `data: subscribe,chat,1\n\n${lines.join('')}data: message,other,x\n\n`,
      )
      stream(response)
      for (const byte of bytes) response.write(Buffer.of(byte))
      response.end()
    }
    const messages = await subscribe()
    const got: string[] = []
    for (let one = await messages.next(); one.done !== true; one = await messages.next()) {
      got.push(one.value)
    }
    expect(got).toEqual(payloads)
  })

  it('does not fill the memory from a server that sends no line ends', async () => {
    answer = (response) => {
      stream(response).write('data: subscribe,chat,1\n\n')
      response.write('x'.repeat(2_000_000))
    }
    const messages = await subscribe()
    await expect(messages.next()).rejects.toThrow(/too long/)
  })
})

/** In workerd each signal holds memory that its garbage collector does not see. */
it('makes no signal for an event', async () => {
  let made = 0
  class Counted extends AbortController {
    constructor() {
      super()
      made++
    }
  }
  vi.stubGlobal('AbortController', Counted)
  const combined = vi.spyOn(AbortSignal, 'any')
  try {
    const first = await send()
    const [ms = '0'] = first.split('-')
    const count = 200
    const reader = collect(async (_channel, signal) => {
      async function* messages() {
        for (let i = 1; i <= count; i++) yield JSON.stringify({ id: `${ms}-${i}`, ...draft })
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      }
      return Object.assign(messages(), { close: () => undefined })
    })
    await eventually(() => expect(reader.ids()).toHaveLength(1 + count))
    expect(made + combined.mock.calls.length).toBeLessThan(count / 10)
    reader.stop()
    await reader.ended
  } finally {
    combined.mockRestore()
    vi.unstubAllGlobals()
  }
})
