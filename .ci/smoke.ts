/**
 * `npm run smoke -- URL`: asks a deployment what its users will ask, by their own client, and exits 1
 * with what is wrong. A deployment may take a moment to be up: each question is asked again until
 * it is answered well or the time is over. SMOKE_API_KEY is sent where reading needs a key.
 */
import { createClient } from '../client/index.ts'
import { systemClock } from '../shared/clock.ts'
import { HEARTBEAT_DEAD_AFTER_MS } from '../shared/health.ts'

const USAGE = 'usage: npm run smoke -- URL [SECONDS]'
const WITHIN_S = 180
const AGAIN_AFTER_MS = 2_000
const ANSWER_WITHIN_MS = 30_000

type Check = readonly [what: string, ask: () => Promise<void>]

function checksOf(url: string, key: string | undefined): Check[] {
  const client = createClient({ url, ...(key === undefined ? {} : { key }) })
  return [
    [
      'the worker lives and its exchanges are connected',
      async () => {
        const { status, worker, exchanges } = await client.health()
        const age_ms = worker.heartbeat_age_ms
        must(worker.alive, `the worker's last heartbeat is ${age_ms ?? 'not known'} ms old`)
        must(age_ms !== null && age_ms < HEARTBEAT_DEAD_AFTER_MS, `heartbeat: ${age_ms} ms`)
        const states = Object.entries(exchanges).map(([id, { state }]) => `${id} ${state}`)
        must(status !== 'down', `it says that it is down: ${states.join(', ')}`)
      },
    ],
    ['the live set is served', async () => void (await client.opportunities({ limit: 1 }))],
    [
      'the history is served',
      async () => void (await client.history({ limit: 1 })[Symbol.asyncIterator]().next()),
    ],
    ['the exchanges are listed', async () => must((await client.exchanges()).length > 0, 'none')],
    ['the stream speaks', () => streamSpeaks(url, key)],
    ['the dashboard is there', () => answersWith(url, 'text/html')],
    ['the description is there', () => answersWith(new URL('/openapi.json', url), 'json')],
  ]
}

function must(is_so: boolean, otherwise: string): void {
  if (!is_so) throw new Error(otherwise)
}

async function answersWith(url: string | URL, type: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
  await response.body?.cancel()
  must(response.ok, `${url} answers ${response.status}`)
  const found = response.headers.get('content-type') ?? 'nothing'
  must(found.includes(type), `${url} is ${found}`)
}

/** Anything at all: an event or, after 15 s at most, a comment. */
async function streamSpeaks(url: string, key: string | undefined): Promise<void> {
  const response = await fetch(new URL('/v1/stream', url), {
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  })
  must(response.ok, `it answers ${response.status}`)
  const reader = response.body?.getReader()
  const first = await reader?.read()
  must(first !== undefined && !first.done, 'it ended at once')
  await reader?.cancel()
}

/** What is wrong in the end; empty when all is well. */
async function smoke(url: string, key: string | undefined, within_ms: number): Promise<string[]> {
  const deadline_ms = systemClock.monotonic_ms() + within_ms
  const wrong: string[] = []
  for (const [what, ask] of checksOf(url, key)) {
    const reason = await untilWell(ask, deadline_ms)
    process.stderr.write(`${reason === null ? ' ok    ' : ' FAILED'} ${what}\n`)
    if (reason !== null) wrong.push(`${what}: ${reason}`)
  }
  return wrong
}

async function untilWell(ask: () => Promise<void>, deadline_ms: number): Promise<string | null> {
  for (;;) {
    try {
      await ask()
      return null
    } catch (error) {
      const left_ms = deadline_ms - systemClock.monotonic_ms()
      if (left_ms <= AGAIN_AFTER_MS) return error instanceof Error ? error.message : String(error)
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS))
    }
  }
}

const [address, seconds = String(WITHIN_S)] = process.argv.slice(2)
if (address === undefined || !URL.canParse(address) || !/^\d+$/.test(seconds)) {
  process.stderr.write(`${USAGE}\n`)
  process.exit(1)
}
const key = process.env.SMOKE_API_KEY || undefined
const wrong = await smoke(address, key, Number(seconds) * 1_000)
for (const line of wrong) process.stderr.write(`${line}\n`)
process.exit(wrong.length === 0 ? 0 : 1)
