/** The examples of the README are run as they stand there, against the edge itself. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertKey } from '../edge/testing/keys.ts'
import { exchangeStatus, expired, heartbeat, opportunity } from '../edge/testing/opportunities.ts'
import { insertHistory, publish, type Stack, setLive, startStack } from '../edge/testing/stack.ts'
import { KEYS, workerKey } from '../shared/keys.ts'

const PROJECT = join(import.meta.dirname, '..')
const EXAMPLE_URL = 'http://localhost:8787'
const readme = await readFile(join(PROJECT, 'README.md'), 'utf8')

function blocks(language: string): string[] {
  const found = readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))
  return [...found].map(([, text = '']) => text)
}

let stack: Stack
let folder: string
let key: string
beforeAll(async () => {
  stack = await startStack()
  await mkdir(join(PROJECT, '.data'), { recursive: true })
  folder = await mkdtemp(join(PROJECT, '.data', 'readme-'))
  key = (await insertKey(stack.pool, { scopes: ['webhooks'] })).key
  await setLive(stack.redis, [opportunity()])
  await insertHistory(stack.pool, [expired()])
  await stack.redis.hset(KEYS.exchanges, 'kraken', JSON.stringify(exchangeStatus()))
  await stack.redis.set(workerKey('worker-1'), JSON.stringify(heartbeat()))
})
afterAll(async () => {
  await stack?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** What curl would do with a line of the README, but for the options it does not use. */
const curls = blocks('sh')
  .flatMap((block) => block.split('\n'))
  .filter((line) => line.startsWith('curl ') && line.includes(EXAMPLE_URL))

describe('curl', () => {
  it('has examples', () => expect(curls.length).toBeGreaterThan(4))

  it.each(curls)('%s', async (line) => {
    const [, url = ''] = /'(http[^']+)'/.exec(line) ?? []
    const headers = [...line.replaceAll('$KEY', key).matchAll(/-H ['"]([^:]+): ([^'"]+)['"]/g)]
    const body = / -d '([^']+)'/.exec(line)?.[1] ?? null
    const response = await fetch(url.replace(EXAMPLE_URL, stack.url), {
      method: body === null ? 'GET' : 'POST',
      headers: headers.map(([, name = '', value = '']) => [name, value]),
      body,
    })
    expect(response.status).toBe(body === null ? 200 : 201)
    if (!/ -N /.test(line)) return void (await response.json())
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toMatch(/^retry: \d+\n/)
    await reader?.cancel()
  })
})

describe('TypeScript', () => {
  const [reading = '', receiving = ''] = blocks('ts')

  it('reads, walks and streams', async () => {
    const file = join(folder, 'reading.ts')
    await writeFile(file, reading.replace(EXAMPLE_URL, stack.url))
    const child = spawn(process.execPath, [file], { stdio: 'pipe' })
    let [output, errors] = ['', '']
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (errors += chunk))
    try {
      const sees = (what: string) => expect.poll(() => output, { timeout: 20_000 }).toContain(what)
      await sees('BTC/USDT kraken → binance 0.5513 %')
      await sees('2026-10-01T00:00:00.000Z 1500 ms 0.5513 %')
      const data = opportunity({ id: 'opp_streamed' })
      const type = 'opportunity.detected'
      await expect
        .poll(
          async () => {
            await publish(stack.redis, { type, timestamp: data.detected_at, data })
            return output
          },
          { timeout: 20_000, interval: 250 },
        )
        .toContain('opp_streamed')
      expect(errors.replaceAll(/\(node:\d+\).*\n|\(Use `node.*\n/g, '')).toBe('')
    } finally {
      child.kill()
    }
  })

  it('checks a webhook', async () => {
    const file = join(folder, 'receiving.ts')
    await writeFile(file, receiving)
    const { onWebhook } = (await import(pathToFileURL(file).href)) as {
      onWebhook(request: Request): Promise<Response>
    }
    const body = '{"type":"opportunity.detected"}'
    const now = new Date()
    const [, secret = ''] = /'(whsec_[^']+)'/.exec(receiving) ?? []
    const headers = {
      'webhook-id': '1-0',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new Webhook(secret).sign('1-0', now, body),
    }
    const request = new Request('https://example.com', { method: 'POST', headers, body })
    expect((await onWebhook(request)).status).toBe(204)
  })
})
