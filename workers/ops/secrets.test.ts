/**
 * Every secret of .env.example through every way by which text gets into a log: the worker's log, the
 * edge's, what is said of a bad configuration, and the last words of a process. None may come out.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readSettings } from '../../edge/environment.ts'
import { edgeLog } from '../../edge/log.ts'
import { run } from '../../sandbox/run.ts'
import { isSecretVariable } from '../../shared/redact.ts'
import { variables } from '../config.ts'
import { exchanges } from '../exchanges/index.ts'

const text = readFileSync(join(import.meta.dirname, '../../.env.example'), 'utf8')
const named = [...text.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name!)
/** and those that it stands for: it shows one exchange */
const names = [...new Set([...named, ...variables(exchanges)])]

/** What an operator would put there; the secret part is unlike anything that a rule knows. */
const SECRET_VALUES: Record<string, (secret: string) => string> = {
  REDIS_URL: (secret) => `rediss://default:${secret}@eu1.upstash.io:6379`,
  DATABASE_URL: (secret) => `postgres://owner:${secret}@ep-1.neon.tech/main`,
  ADMIN_TOKEN: (secret) => secret,
  BINANCE_API_KEY: (secret) => secret,
  BINANCE_API_SECRET: (secret) => secret,
  BYBIT_API_KEY: (secret) => secret,
  BYBIT_API_SECRET: (secret) => secret,
  OTEL_EXPORTER_OTLP_HEADERS: (secret) => `authorization=Custom%20${secret},x-scope=1`,
  UPSTASH_REDIS_REST_TOKEN: (secret) => secret,
  ALERT_WEBHOOK_URL: (secret) => `https://hooks.example.com/services/${secret}`,
  ALERT_WEBHOOK_SECRET: (secret) => `whsec_${secret}`,
}
const secrets = Object.fromEntries(
  Object.keys(SECRET_VALUES).map((name, i) => [name, `q7Zx${i}Lm${'wRt9'.repeat(4)}${i}`]),
)
const given = Object.fromEntries(
  Object.entries(SECRET_VALUES).map(([name, write]) => [name, write(secrets[name]!)]),
)

it('knows which of the variables are secret, and which addresses hold one', () => {
  const holding = ['REDIS_URL', 'DATABASE_URL']
  const secret = names.filter((name) => isSecretVariable(name) || holding.includes(name))
  expect(secret.toSorted()).toEqual(Object.keys(SECRET_VALUES).toSorted())
})

function expectHidden(output: string): void {
  for (const [name, secret] of Object.entries(secrets)) {
    expect(output.includes(secret), `the value of ${name} in ${output.slice(0, 2_000)}`).toBe(false)
  }
}

/** Every place of a log entry that can hold a text. */
const WRITE_ALL = `
  function writeAll(log, text) {
    log.info('to ' + text)
    log.warn('m', { url: text, [text]: 1, nested: [{ deep: { text } }], at: URL.parse(text) })
    log.error('m', { error: new Error(text, { cause: new TypeError(text) }) })
    log.error('m', { error: Object.assign(new Error('x'), { config: { text }, input: text }) })
    log.error('m', { error: new AggregateError([new Error(text)], text) })
    log.error('m', { json: JSON.stringify({ text }), encoded: encodeURIComponent(text) })
  }`

describe('the worker', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spreadwire-secrets-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const from = (path: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, path)))
  const program = (last_words: string) => `
    import { hideSecretsOf } from ${from('../../shared/redact.ts')}
    import { createLog, tellOperator } from ${from('log.ts')}
    import { installLastResort } from ${from('shutdown.ts')}
    import { systemClock as clock } from ${from('../../shared/clock.ts')}
    ${WRITE_ALL}
    hideSecretsOf(process.env)
    const log = createLog({ level: 'debug', error_log_file: ${JSON.stringify(join(folder, 'error.log'))}, clock })
    installLastResort(log)
    const values = Object.values(JSON.parse(process.env.ALL))
    for (const value of values) { writeAll(log, value); tellOperator(value) }
    for (const secret of Object.values(JSON.parse(process.env.PARTS))) writeAll(log, secret)
    setTimeout(() => { ${last_words} }, 50)`

  it.each([
    ['an error that nobody caught', 'throw new Error(values.join())'],
    ['a promise that nobody caught', 'Promise.reject(Object.assign(new Error("x"), { values }))'],
    ['something thrown that is no error', 'throw { values }'],
  ])('shows none of them, up to %s', async (_name, last_words) => {
    const { PATH = '' } = process.env
    const args = ['--input-type=module', '--eval', program(last_words)]
    // what a program was started with is not in its environment
    const env = {
      PATH,
      ...given,
      ALL: JSON.stringify(given),
      PARTS: JSON.stringify(secrets),
    }
    const { ok, output } = await run(process.execPath, args, { env })
    expect(ok).toBe(false)
    expect(output).toContain('nobody handled this error: exiting')
    expect(output.split('\n').length).toBeGreaterThan(100)
    expectHidden(output)
    expectHidden(await readFile(join(folder, 'error.log'), 'utf8'))
  })

  it('shows none of them when the configuration is not valid', async () => {
    const spoiled: Record<string, string> = {}
    for (const [name, value] of Object.entries(given)) spoiled[name] = `${value} :: ${value}`
    const main = join(import.meta.dirname, '../main.ts')
    for (const env of [spoiled, { ...given, PORT: 'x', BYBIT_API_SECRET: '' }]) {
      const { ok, output } = await run(process.execPath, [main], { env })
      expect(ok).toBe(false)
      expect(output).toContain('The configuration is not valid')
      expectHidden(output)
    }
  })
})

describe('the edge', () => {
  it('shows none of them in its log, nor when its settings are not valid', () => {
    const printed: string[] = []
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation((line: string) => void printed.push(line))
    }
    const writeAll = new Function(`${WRITE_ALL}; return writeAll`)()
    const bindings = {
      ...given,
      UPSTASH_REDIS_REST_URL: `not an address ${secrets.ADMIN_TOKEN}`,
    }
    const read = readSettings(bindings)
    expect(read.ok).toBe(false)
    edgeLog.error('the edge is not configured', { ...read })
    for (const value of [...Object.values(given), ...Object.values(secrets)]) {
      writeAll(edgeLog, value)
    }
    vi.restoreAllMocks()
    expect(printed.length).toBeGreaterThan(100)
    for (const line of printed) expect(JSON.parse(line)).toHaveProperty('message')
    expectHidden(printed.join('\n'))
  })
})
