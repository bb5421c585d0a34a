/** What docs/webhooks.md tells subscribers to do is done here as it stands there. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertKey } from '../edge/testing/keys.ts'
import { type Stack, startStack } from '../edge/testing/stack.ts'
import { KEYS } from '../shared/keys.ts'
import { WebhookCommand } from '../shared/webhook.ts'

const PROJECT = join(import.meta.dirname, '..')
const guide = await readFile(join(PROJECT, 'docs/webhooks.md'), 'utf8')
const run = promisify(execFile)
const hasProgram = (name: string, argument: string) =>
  spawnSync(name, [argument]).error === undefined

function blocks(language: string): string[] {
  const found = guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))
  return [...found].map(([, text = '']) => text)
}
const [subscribe = '', manage = '', check = '', replay = '', rotate = ''] = blocks('sh')
const [managing = '', ours = '', theirs = ''] = blocks('ts')

let folder: string
beforeAll(async () => {
  await mkdir(join(PROJECT, '.data'), { recursive: true })
  folder = await mkdtemp(join(PROJECT, '.data', 'webhooks-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the requests', () => {
  let stack: Stack
  let key: string
  beforeAll(async () => {
    stack = await startStack()
    key = (await insertKey(stack.pool, { scopes: ['webhooks'] })).key
  })
  afterAll(() => stack?.stop())

  /** The block with the reader's own values, and what it wrote. */
  async function shell(block: string, own: Record<string, string>): Promise<string> {
    const env = { ...process.env, API: stack.url, KEY: key, ...own }
    const script = block.replace(/^(API|KEY|ID|MESSAGE)=.*\n/gm, '')
    const { stdout } = await run('sh', ['-eu', '-c', script], { env })
    expect(stdout).not.toContain('/problems/')
    return stdout
  }

  it.skipIf(!hasProgram('curl', '--version'))('by curl', async () => {
    const made = JSON.parse(await shell(subscribe, {}))
    expect(made).toMatchObject({
      filters: { symbol: 'BTC/USDT' },
      secret: expect.stringMatching(/^whsec_/),
    })
    const own = { ID: made.id, MESSAGE: '1790000000000-0' }
    expect(await shell(manage, own)).toContain('"min_interval_ms":60000')
    await stack.pool.query(
      `INSERT INTO webhook_messages (id, type, body) VALUES ($1, 'opportunity.detected', '{}')`,
      [own.MESSAGE],
    )
    await stack.pool.query(
      `INSERT INTO webhook_attempts (endpoint_id, message_id, attempt, log_id, result)
       VALUES ($1, $2, 0, '1-0', 'missed')`,
      [own.ID, own.MESSAGE],
    )
    expect((await shell(replay, own)).match(/"message_count":1\b/g)).toHaveLength(2)
    expect(JSON.parse(await shell(rotate, own)).secret).not.toBe(made.secret)
    const entries = await stack.redis.xrange(KEYS.webhook_commands, '-', '+')
    const commands = entries.map(([, [, data = '']]) => WebhookCommand.parse(JSON.parse(data)))
    expect(commands.map(({ kind }) => kind)).toEqual(['test', 'replay', 'replay'])
  })

  it('by the client', async () => {
    const file = join(folder, 'managing.ts')
    await writeFile(
      file,
      managing.replace('http://localhost:8787', stack.url).replace('arb_…', key),
    )
    const { stdout } = await run(process.execPath, [file])
    expect(stdout).toMatch(/^keep this: whsec_/)
  })
})

describe('the check of a signature', () => {
  const [, secret = ''] = /'(whsec_[^']+)'/.exec(ours) ?? []
  const BODY = '{"id":"1-0","type":"opportunity.detected","data":{"symbol":"币安人生/USDT"}}'

  function signed(id: string, by = secret, at_ms = Date.now()) {
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at_ms / 1_000)),
      'webhook-signature': new Webhook(by).sign(id, new Date(at_ms), BODY),
    }
  }
  const other = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
  const rotating = () => ({
    ...signed('2-0'),
    'webhook-signature': [signed('2-0', other), signed('2-0')]
      .map((headers) => headers['webhook-signature'])
      .join(' '),
  })
  type Case = [name: string, sign: () => Record<string, string>, body: string, genuine: boolean]
  const CASES: Case[] = [
    ['what we sent', () => signed('1-0'), BODY, true],
    ['one of two signatures', rotating, BODY, true],
    ['another body', () => signed('1-0'), `${BODY} `, false],
    ['another secret', () => signed('1-0', other), BODY, false],
    ['another id', () => ({ ...signed('1-0'), 'webhook-id': '9-0' }), BODY, false],
    ['an old message', () => signed('1-0', secret, Date.now() - 310_000), BODY, false],
    ['one from the future', () => signed('1-0', secret, Date.now() + 330_000), BODY, false],
  ]

  describe.each([
    ['our client', ours],
    ['the library', theirs],
  ])('by %s', (name, block) => {
    it.each(CASES)('%s', async (_case, sign, body, genuine) => {
      const headers = sign()
      const file = join(folder, `${name.replace(' ', '-')}.ts`)
      await writeFile(file, block)
      const { onWebhook } = (await import(pathToFileURL(file).href)) as {
        onWebhook(request: Request): Promise<Response>
      }
      const request = new Request('https://example.com', { method: 'POST', headers, body })
      expect((await onWebhook(request)).status).toBe(genuine ? 204 : 401)
    })
  })

  describe.skipIf(!hasProgram('openssl', 'version'))('by openssl', () => {
    it.each(CASES)('%s', async (_case, sign, body, genuine) => {
      const headers = sign()
      await writeFile(join(folder, 'body.json'), body)
      const env = {
        ...process.env,
        secret,
        id: headers['webhook-id'],
        timestamp: headers['webhook-timestamp'],
        signature: headers['webhook-signature'],
      }
      const ran = await run('sh', ['-eu', '-c', check], { cwd: folder, env }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { code: number; stdout: string }) => error,
      )
      expect([ran.code, /^genuine$/m.test(ran.stdout)]).toEqual([genuine ? 0 : 1, genuine])
    })
  })
})
