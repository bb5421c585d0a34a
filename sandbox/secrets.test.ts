import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mintKey } from '../shared/api-key.ts'
import { PROJECT_DIR } from './environment.ts'
import { run } from './run.ts'
import { findSecrets } from './testing-secrets.ts'

/** What git has or would take; without git, all that is not made by the project itself. */
async function projectFiles(): Promise<string[]> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const listed = await run('git', args, { cwd: PROJECT_DIR })
  if (listed.ok) return listed.stdout.split('\0').filter(Boolean)
  const made = /(^|\/)(node_modules|\.data|dist|\.wrangler|\.git)(\/|$)/
  const all = await readdir(PROJECT_DIR, { recursive: true, withFileTypes: true })
  return all
    .filter((entry) => entry.isFile())
    .map((entry) => relative(PROJECT_DIR, join(entry.parentPath, entry.name)))
    .filter((path) => !made.test(path))
}

/** Published as examples, by the vendor or by us, and so worth nothing. Better: write it in parts. */
const EXAMPLES = [
  'T0123456789/B1001010101/7IsoQTrixdUtE971O1xQTm4T',
  // counts from 1
  'whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0',
]
const withoutExamples = (text: string) =>
  EXAMPLES.reduce((rest, example) => rest.replaceAll(example, 'example'), text)

it('finds no secret in any file of the project', async () => {
  const found: string[] = []
  const files = await projectFiles()
  expect(files.length).toBeGreaterThan(100)
  for (const file of files) {
    const path = join(PROJECT_DIR, file)
    const there = await stat(path).catch(() => undefined)
    if (!there?.isFile() || file === 'package-lock.json') continue
    for (const { rule, line, begins } of findSecrets(
      withoutExamples(await readFile(path, 'utf8')),
    )) {
      found.push(`${file}:${line}: ${rule} ${begins}…`)
    }
  }
  expect(found).toEqual([])
}, 60_000)

it('takes no file that holds settings', async () => {
  expect(
    (await projectFiles()).filter((file) => /(^|\/)(\.env|\.dev\.vars|.*\.pem)$/.test(file)),
  ).toEqual([])
})

/** The same in every run: what is not found must not be a matter of luck. */
let drawn = 0
const bytes = () => createHash('sha512').update(String(drawn++)).digest()
const chance = (length: number) =>
  `${bytes().toString('base64')}${bytes().toString('base64')}`
    .replace(/[+/=]/g, '')
    .slice(0, length - 1)
    .concat('7')

const capitals = (length: number) => chance(80).toUpperCase().slice(0, length)

describe('a planted', () => {
  const planted: [string, () => string][] = [
    ['private key', () => `-----BEGIN ${'EC PRIVATE'} KEY-----`],
    ['AWS key', () => `AKIA${capitals(16)}`],
    ['GitHub token', () => `ghp_${chance(36)}`],
    ['npm token', () => `npm_${chance(36)}`],
    ['Slack token', () => `xoxb-${chance(24)}`],
    [
      'Slack address',
      () => `https://hooks.slack.com/services/T${capitals(10)}/B${capitals(10)}/${chance(24)}`,
    ],
    ['Discord address', () => `https://discord.com/api/webhooks/${'1'.repeat(18)}/${chance(68)}`],
    ['Telegram token', () => `123456789:AA${chance(33)}`],
    ['Stripe key', () => `sk_live_${chance(24)}`],
    ['Grafana token', () => `glsa_${chance(32)}`],
    ['JSON web token', () => `eyJ${chance(30)}.eyJ${chance(40)}.${chance(40)}`],
    ['webhook secret', () => `whsec_${bytes().subarray(0, 32).toString('base64')}`],
    ['password in an address', () => `rediss://default:${chance(32)}@eu1-x.upstash.io:6379`],
    ['password in an address', () => `postgres://owner:npg_${chance(16)}@ep-x.neon.tech/main`],
    ['secret in a setting', () => `UPSTASH_REDIS_REST_TOKEN="${chance(40)}"`],
    ['secret in a setting', () => `  api_secret: ${chance(36)},`],
    [
      'secret in a setting',
      () => `const ADMIN_TOKEN = '${bytes().subarray(0, 24).toString('hex')}'`,
    ],
  ]
  it.each(planted)('%s is found, whatever chance made of it', (rule, make) => {
    for (let i = 0; i < 50; i++) {
      const value = make()
      const found = findSecrets(`one\n// two ${value} \nthree`)
      expect(
        found.map((one) => `${one.rule} ${one.line}`),
        value,
      ).toContain(`${rule} 2`)
      for (const { begins } of found) expect(begins.length).toBeLessThanOrEqual(8)
    }
  })

  it('API key of our own is found', async () => {
    const { key } = await mintKey()
    expect(findSecrets(`key: ${key}`).map(({ rule }) => rule)).toContain('API key')
  })
})

it.each([
  'DATABASE_URL=postgres://spreadwire:password@localhost:5432/spreadwire',
  'UPSTASH_REDIS_REST_TOKEN: $TOKEN_OF_THE_STAGING_STORE_2',
  "const TOKEN = 'the-token-of-the-tests'",
  'redis://default:hunter2@eu1.upstash.io',
  'const secret = readSecretOfTheSubscription(endpoint)',
  'uses: actions/checkout@8e8c483db84b4bee98b60c0593521ed34d9990e8',
])('leaves %s alone', (text) => {
  expect(findSecrets(text)).toEqual([])
})
