/** What `npm start` says when it was asked for something that cannot be: one message, then it ends. */
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { environment, PROJECT_DIR } from '../sandbox/environment.ts'
import { freePort } from '../sandbox/ports.ts'
import { type Outcome, run } from '../sandbox/run.ts'

/** The environment wins over .env: what these tests write there must not be set outside. */
const FROM_FILE = ['EDGE_PORT', 'PORT', 'DATA_DIR', 'REDIS_URL', 'DATABASE_URL', 'INIT_CWD']

let project: string

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'spreadwire-project-'))
  for (const part of ['package.json', 'sandbox', 'shared', 'workers']) {
    await cp(join(PROJECT_DIR, part), join(project, part), { recursive: true })
  }
  await symlink(join(PROJECT_DIR, 'node_modules'), join(project, 'node_modules'))
})
afterAll(() => rm(project, { recursive: true, force: true }))

async function start(dot_env: string, ...args: string[]): Promise<Outcome & { message: string }> {
  await writeFile(join(project, '.env'), dot_env)
  const env = environment(Object.fromEntries(FROM_FILE.map((name) => [name, undefined])))
  const command = [join(project, 'sandbox', 'start.ts'), ...args]
  const outcome = await run(process.execPath, command, { cwd: project, env })
  return { ...outcome, message: outcome.output }
}

describe('npm start with settings that cannot be', () => {
  it('names every bad variable of .env in one message, and starts nothing', async () => {
    const { ok, stdout, message } = await start(`
      PORT=eighty
      EDGE_PORT=70000
      LOG_LEVEL=loud
      MIN_ARBITRAGE_PERCENT=lots
      MAX_BOOK_AGE_MS=-1
      EXCHANGES=binance,mtgox
      BINANCE_WS_URL=https://example.com
      REDIS_URL=localhost:6379
      DATABASE_URL=mysql://user:hunter2@localhost/x
      MAX_SYMBOLS=-3
      SYMBOLS=BTCUSDT
    `)
    expect(ok).toBe(false)
    expect(stdout).toBe('')
    const named = [
      'PORT',
      'EDGE_PORT',
      'LOG_LEVEL',
      'MIN_ARBITRAGE_PERCENT',
      'MAX_BOOK_AGE_MS',
      'EXCHANGES',
      'BINANCE_WS_URL',
      'REDIS_URL',
      'DATABASE_URL',
      'MAX_SYMBOLS',
      'SYMBOLS',
    ]
    for (const name of named) expect(message).toMatch(new RegExp(`^ *${name}: `, 'm'))
    expect(message).toContain('"lots"')
    expect(message).not.toContain('hunter2')
    expect(message).not.toMatch(/\bat .*:\d+:\d+/)
  })

  it.each([
    [['--symbols', 'many'], /--symbols: "many", expected a whole number from 1 to \d+/],
    [['--rate', '0'], /--rate: "0", expected a number from 0.1 to 50/],
    [['--captures', 'nowhere'], /--captures: there is no folder .*nowhere/],
    [['--live', '--seed', '3'], /--seed means nothing with --live/],
    [['--sed', '3'], /--sed[\s\S]*--seed N/],
    [['--seed'], /--seed/],
  ])('refuses %j and says what would do', async (args, expected) => {
    const { ok, message } = await start('', ...args)
    expect(ok).toBe(false)
    expect(message).toMatch(expected)
    expect(message).not.toMatch(/\bat .*:\d+:\d+/)
  })

  it('names a busy port, its variable and a way out', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    try {
      const { ok, message } = await start(`EDGE_PORT=${port}\nPORT=${port}`)
      expect(ok).toBe(false)
      expect(message).toContain(`port ${port} (EDGE_PORT) is already in use`)
      expect(message).toContain(`port ${port} (PORT) is already in use`)
      expect(message).toContain(`EDGE_PORT=${port + 1}`)
    } finally {
      server.close()
    }
  })

  it('says so when the Redis that it was given does not answer', async () => {
    const { ok, message } = await start(
      `REDIS_URL=redis://127.0.0.1:1\nEDGE_PORT=${await freePort()}\nPORT=${await freePort()}`,
    )
    expect(ok).toBe(false)
    expect(message).toContain('REDIS_URL is set and that Redis does not answer')
  })
})
