import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { redactText } from '../../shared/redact.ts'
import { createLog, type OperatorLog } from './log.ts'

const clock: Clock = { monotonic_ms: () => 0, wall_ms: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) }

let folder: string
let lines: string[]
let log: OperatorLog

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-log-'))
  lines = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  log = createLog({
    level: 'info',
    error_log_file: join(folder, 'error.log'),
    clock,
    stream,
  })
})
afterEach(async () => {
  await log.close()
  await rm(folder, { recursive: true, force: true })
})

describe('the log', () => {
  it('writes one JSON object a line, the own fields first', () => {
    log.info('feed started', { exchange: 'kraken', markets: 3 })
    expect(lines).toEqual([
      '{"timestamp":"2026-01-02T03:04:05.006Z","level":"info","message":"feed started","exchange":"kraken","markets":3}\n',
    ])
  })

  it('lets no field take the place of its own', () => {
    log.warn('truth', { message: 'lie', level: 'silly', timestamp: 'never' })
    expect(JSON.parse(lines[0]!)).toEqual({
      timestamp: '2026-01-02T03:04:05.006Z',
      level: 'warn',
      message: 'truth',
    })
  })

  it('leaves out what is below its level', () => {
    log.debug('noise')
    expect(lines).toEqual([])
  })

  it('turns its level at run time, round and round, and tells each turn', () => {
    for (let turn = 0; turn < 4; turn++) {
      log.turnLevel()
      for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level)
    }
    const told = lines.map((line) => JSON.parse(line)).map(({ message, to }) => to ?? message)
    const all = ['debug', 'info', 'warn', 'error']
    expect(told).toEqual([
      'debug',
      ...all,
      'error',
      'error',
      'warn',
      ...all.slice(2),
      'info',
      ...all.slice(1),
    ])
  })

  it('shows what each of several attempts met, addresses as text, and no bytes', () => {
    const error = new AggregateError([new Error('refused'), new Error('away')], 'all failed')
    log.error('broken', {
      error,
      url: new URL('https://a:b@c.example/d'),
      body: Buffer.from('xyz'),
    })
    const entry = JSON.parse(lines[0]!)
    expect(entry.error.errors).toMatchObject([{ message: 'refused' }, { message: 'away' }])
    expect(entry).toMatchObject({ url: 'https://***@c.example/d', body: '[3 bytes]' })
  })

  it('shows errors with their causes, big integers and dates, and survives a cycle', () => {
    const cycle: Record<string, unknown> = { id: 12n, at: new Date(0) }
    cycle.self = cycle
    log.error('broken', { error: new Error('outer', { cause: new TypeError('inner') }), cycle })
    const entry = JSON.parse(lines[0]!)
    expect(entry.error).toMatchObject({
      name: 'Error',
      message: 'outer',
      cause: { name: 'TypeError', message: 'inner' },
    })
    expect(entry.cycle).toMatchObject({ id: '12', at: '1970-01-01T00:00:00.000Z' })
  })

  it('still takes what is told when it is closed, by the same rules', async () => {
    void log.close()
    log.debug('noise')
    log.error('late', { url: 'redis://u:hunter2@h' })
    await log.close()
    log.warn('later')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', message: 'late', url: 'redis://***@h' },
      { level: 'warn', message: 'later' },
    ])
  })

  it('writes only errors to the error file', async () => {
    log.warn('careful')
    log.error('broken', { url: 'redis://u:hunter2@h' })
    await log.close()
    const text = await readFile(join(folder, 'error.log'), 'utf8')
    expect(text.trim().split('\n')).toHaveLength(1)
    expect(JSON.parse(text)).toMatchObject({ level: 'error', message: 'broken' })
    expect(text).not.toContain('hunter2')
  })
})

describe('redaction', () => {
  const secrets = {
    'password of REDIS_URL': ['rediss://default:S3cr3tPass@eu1.upstash.io:6379', 'S3cr3tPass'],
    'password with an @': ['postgres://me:p@ss@w0rd@db.neon.tech/main', 'w0rd'],
    'password without a user': ['redis://:S3cr3tPass@host', 'S3cr3tPass'],
    'webhook secret': [`whsec_${'MfKQ9r8G'.repeat(4)}`, 'MfKQ9r8G'],
    'api key': ['arb_k3yk3yk3yk3yk3yk3yk3yk3yk3y', 'k3yk3yk3y'],
    'live api key': ['arb_live_k3yk3yk3yk3yk3yk3yk3yk3yk3y', 'k3yk3yk3y'],
    'authorization header': ['Authorization: Bearer dG9rZW4tdG9rZW4', 'dG9rZW4tdG9rZW4'],
    'bearer token': ['sent bearer dG9rZW4tdG9rZW4 to them', 'dG9rZW4tdG9rZW4'],
    'token in a query': ['https://x.example/a?b=1&access_token=S3cr3t&c=2', 'S3cr3t'],
  } as const

  /** Every way by which a text can get into a line. */
  const paths: Record<string, (to: Log, text: string) => void> = {
    message: (to, text) => to.info(`connecting ${text}`),
    field: (to, text) => to.info('m', { url: text }),
    'field name': (to, text) => to.info('m', { [text]: 1 }),
    'nested field': (to, text) => to.info('m', { a: [{ b: { c: text } }] }),
    'error message': (to, text) => to.error('m', { error: new Error(text) }),
    'error cause': (to, text) => to.error('m', { error: new Error('x', { cause: text }) }),
    'error property': (to, text) => to.error('m', { error: Object.assign(new Error(), { text }) }),
  }

  for (const [secret, [text, needle]] of Object.entries(secrets)) {
    for (const [path, write] of Object.entries(paths)) {
      it(`hides the ${secret} in a ${path}`, () => {
        write(log, text)
        expect(lines).toHaveLength(1)
        expect(lines[0]).not.toContain(needle)
      })
    }
  }

  it('hides fields whose name says that they are secret', () => {
    log.info('m', { headers: { authorization: 'x', cookie: 'y' }, api_key: 'z', secret: null })
    const { headers, api_key, secret } = JSON.parse(lines[0]!)
    expect({ headers, api_key, secret }).toEqual({
      headers: { authorization: '***', cookie: '***' },
      api_key: '***',
      secret: null,
    })
  })

  it.each([
    'arb_feed_frames_total{exchange="kraken"} 3',
    'arb:events 1700000000000-0',
    'wss://ws.kraken.com/v2 closed with 1006',
    'https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=5000',
    'postgres://localhost/spreadwire',
    'mail to someone@example.com',
  ])('leaves %s alone', (text) => {
    expect(redactText(text)).toBe(text)
  })
})
