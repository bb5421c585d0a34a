/** What `npm start` says to somebody who got a setting wrong, before anything is started. */
import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { PROJECT_DIR } from './running.ts'

function start(env: Record<string, string>, args: readonly string[] = []) {
  return spawnSync(process.execPath, ['sandbox/start.ts', ...args], {
    cwd: PROJECT_DIR,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  })
}

it('names every bad variable in one message and ends with 1', () => {
  const { status, stderr, stdout } = start({
    MIN_ARBITRAGE_PERCENT: 'lots',
    MAX_SYMBOLS: '-3',
    LOG_LEVEL: 'shout',
    KRAKEN_WS_URL: 'not a url',
    SYMBOLS: 'BTCUSDT',
  })
  expect(status).toBe(1)
  for (const name of [
    'MIN_ARBITRAGE_PERCENT',
    'MAX_SYMBOLS',
    'LOG_LEVEL',
    'KRAKEN_WS_URL',
    'SYMBOLS',
  ]) {
    expect(stderr).toContain(name)
  }
  expect(stderr).toContain('lots')
  expect(stderr).not.toMatch(/\n\s+at /)
  expect(stdout).toBe('')
})

it('never prints the value of a secret', () => {
  const { status, stderr } = start({ DATABASE_URL: 'mysql://user:hunter2@localhost/x' })
  expect(status).toBe(1)
  expect(stderr).toContain('DATABASE_URL')
  expect(stderr).not.toContain('hunter2')
})

it('names a bad option, its value and what was expected', () => {
  const { status, stderr } = start({}, ['--symbols', 'many', '--rate', '0'])
  expect(status).toBe(1)
  expect(stderr).toContain('--symbols: "many"')
  expect(stderr).toContain('--rate: "0"')
})
