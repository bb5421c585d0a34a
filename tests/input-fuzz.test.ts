/**
 * Whatever comes in from outside, at random: settings, addresses of webhooks, cursors, event streams,
 * wishes of sockets, lines of captures, backup files, the operator's HTTP server. Each is taken, or
 * refused in the way that its reader documents; nothing else is ever thrown.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { frameReader } from '../client/sse.ts'
import { attemptCursor, historyCursor, webhookCursor } from '../edge/cursor.ts'
import { systemClock } from '../shared/clock.ts'
import { urlProblem } from '../shared/egress.ts'
import { silentLog } from '../shared/log.ts'
import { Problem } from '../shared/problem.ts'
import { BackupError, checkBackup } from '../workers/backup/file.ts'
import { parseLine } from '../workers/capture/line.ts'
import { describeProblems } from '../workers/config/problems.ts'
import { readConfig } from '../workers/config.ts'
import { exchanges } from '../workers/exchanges/index.ts'
import { Handshake, read, Wish } from '../workers/gateway/wish.ts'
import { createHealth } from '../workers/ops/health.ts'
import { startOpsServer } from '../workers/ops/server.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    'NaN',
    '1e999',
    '__proto__',
    '\u0000',
    '\ud800',
    'x'.repeat(70_000),
  ),
)

it('settings: a configuration, or problems by name that repeat no secret', () => {
  const names = Object.keys(readable())
  const changes = fc.dictionary(fc.constantFrom(...names, 'ADMIN_TOKEN', 'BINANCE_API_KEY'), text)
  fc.assert(
    fc.property(changes, (changed) => {
      const result = readConfig({ ...readable(), ...changed }, exchanges)
      if (result.ok) return
      expect(result.problems.length).toBeGreaterThan(0)
      const told = describeProblems(result.problems)
      const secret = changed.ADMIN_TOKEN ?? ''
      // what is said of another setting may be the same text
      const { ADMIN_TOKEN: _, ...others } = changed
      if (!/^\w{6,}$/.test(secret) || JSON.stringify(others).includes(secret)) return
      expect(told).not.toContain(secret)
    }),
  )
})

function readable(): Record<string, string> {
  return {
    ...{ REDIS_URL: 'redis://localhost:6379', DATABASE_URL: 'postgres://a:b@localhost/c' },
    ...{ EXCHANGES: 'kraken', SYMBOLS: 'BTC/USD', PORT: '8080', MAX_SYMBOLS: '10' },
    ...{ LOG_LEVEL: 'info', SHARD_COUNT: '1', KRAKEN_WS_URL: 'wss://localhost' },
  }
}

const NOT_PUBLIC =
  /^(127|10|0|192\.168|169\.254)(\.\d+){2,3}$|(^|\.)(localhost|internal)$|^\[(::|f[cde])/

it('addresses of webhooks: nothing but https to a public host passes', () => {
  const host = fc.oneof(
    fc.ipV4Extended(),
    fc.ipV6().map((ip) => `[${ip}]`),
    fc.domain(),
    text,
  )
  const address = fc.oneof(
    text,
    fc
      .tuple(fc.constantFrom('https', 'http', 'HTTPS', 'file', 'ws'), host, text)
      .map(([scheme, name, rest]) => `${scheme}://${name}/${rest}`),
  )
  fc.assert(
    fc.property(address, (given) => {
      if (urlProblem(given, { allow_local: false }) !== null) return
      const { protocol, hostname, port, username } = new URL(given)
      expect([protocol, username]).toEqual(['https:', ''])
      expect(['', '8443']).toContain(port)
      expect(hostname).not.toMatch(NOT_PUBLIC)
    }),
    { numRuns: 3_000 },
  )
})

it('cursors: a place in the list, or null', () => {
  const written = fc.jsonValue().map((value) => btoa(encodeURIComponent(JSON.stringify(value))))
  fc.assert(
    fc.property(fc.oneof(text, written, fc.base64String()), (given) => {
      for (const { decode } of [historyCursor, webhookCursor, attemptCursor]) {
        const place = decode(given)
        if (place !== null) expect(JSON.stringify(place).length).toBeLessThan(200)
      }
    }),
    { numRuns: 1_000 },
  )
})

it('event streams: whole frames, however odd the text', () => {
  const line = fc.oneof(
    text,
    fc.constantFrom('data: a', 'id: 1-0', 'retry: 99999999999999999999', ''),
  )
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom('\n', '\r', '\r\n'), (lines, end) => {
      const reader = frameReader()
      for (const frame of reader.push(lines.map((one) => one + end).join(''))) {
        expect(typeof frame.data).toBe('string')
        expect(frame.event).not.toBe('')
      }
    }),
  )
})

it('wishes of sockets: taken, or refused field by field', () => {
  const fields = fc.constantFrom('filters', 'types', 'last_event_id', 'token', 'other', '__proto__')
  const wish = fc.oneof(fc.anything(), fc.dictionary(fields, fc.anything()))
  fc.assert(
    fc.property(wish, (given) => {
      for (const schema of [Wish, Handshake]) {
        const result = read<unknown>(schema, given)
        if (result.ok) continue
        expect(result.problem.status).toBe(400)
        expect(result.problem.errors?.length).toBeGreaterThan(0)
      }
    }),
    { numRuns: 1_000 },
  )
})

it('lines of captures: a line, or in words why it is none', () => {
  const fields = fc.constantFrom('ts', 'url', 'dir', 'raw', 'b64', 'connection', 'simulated')
  const line = fc.oneof(
    text,
    fc.dictionary(fields, fc.jsonValue()).map((one) => JSON.stringify(one)),
  )
  fc.assert(
    fc.property(line, (given) => {
      const parsed = parseLine(given)
      if (typeof parsed === 'string') expect(parsed.length).toBeLessThan(400)
      else expect(URL.canParse(parsed.url)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

it('backup files: nothing that is not whole is taken for a backup', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spreadwire-input-fuzz-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'backup.jsonl.gz')
  const header = JSON.stringify({
    ...{ format: 'spreadwire-backup-1', created_at: '2026-01-01T00:00:00Z', version: '1' },
  })
  const lines = fc.array(
    fc.oneof(fc.constant(header), fc.json(), fc.constant('{"end":{"lines":1}}')),
  )
  const whole = lines.map((all) => gzipSync(all.join('\n')))
  const cut = fc
    .tuple(whole, fc.nat({ max: 200 }))
    .map(([bytes, end]) => bytes.subarray(0, Math.min(bytes.length, end)))
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  await fc.assert(
    fc.asyncProperty(fc.oneof(whole, cut, noise), async (bytes) => {
      await writeFile(path, bytes)
      await expect(checkBackup(path)).rejects.toThrow(BackupError)
    }),
    { numRuns: 150 },
  )
})

it('the operator’s server: every path and method answers, with a problem where there is nothing', async () => {
  const well = { ok: true, latency_ms: 1, error: null }
  const health = createHealth({
    thresholds: { min_profit_percent: '0.5', min_volume_usd: '1000' },
    clock: systemClock,
    exchanges: () => [],
    redis: () => well,
    postgres: () => well,
  })
  const metrics = async () => ({ type: 'text/plain', text: 'up 1\n' })
  const server = await startOpsServer({
    port: 0,
    clock: systemClock,
    log: silentLog,
    health,
    metrics,
  })
  onTestFinished(() => server.close())
  const known = ['/', '/health', '/live', '/ready', '/metrics', '/books', '/books/a/b', '/queues']
  const odd = fc.constantFrom(
    '//',
    '/..',
    '/%',
    '/%00',
    '?a=%',
    '/books/%ff/%',
    '/queues/../health',
  )
  const path = fc.tuple(
    fc.constantFrom(...known),
    fc.oneof(odd, fc.webQueryParameters(), fc.constant('')),
  )
  const method = fc.constantFrom(
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'DELETE',
    'OPTIONS',
    'PATCH',
    'TRACE',
  )
  const authorization = fc.oneof(
    fc.constant('Bearer x'),
    fc.constant('Basic %%%'),
    fc.base64String(),
  )
  await fc.assert(
    fc.asyncProperty(path, method, authorization, async ([start, rest], verb, header) => {
      const { status, type, body, headers } = await asked(server.port, verb, start + rest, header)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['cache-control']).toBe('no-store')
      expect([200, 401, 404, 405, 503]).toContain(status)
      if (status === 200 || status === 503 || verb === 'HEAD') return
      expect(type).toBe('application/problem+json')
      expect(Problem.parse(JSON.parse(body)).status).toBe(status)
    }),
    { numRuns: 200 },
  )
})

function asked(port: number, method: string, path: string, authorization: string) {
  const options = { port, host: 'localhost', method, path, headers: { authorization } }
  return new Promise<{
    status: number
    type: string
    body: string
    headers: http.IncomingHttpHeaders
  }>((resolve, reject) => {
    const request = http.request(options, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, type: headers['content-type'] ?? '', body, headers })
      })
    })
    request.on('error', reject)
    request.end()
  })
}
