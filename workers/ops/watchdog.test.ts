import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Child, startChild } from '../../sandbox/process.ts'
import type { ExchangeStatus, StoreHealth } from '../../shared/health.ts'
import { ManualClock } from '../detection/testing.ts'
import { createLook } from './watchdog.ts'

const limits = { frozen_ms: 15_000, silent_ms: 180_000, redis_away_ms: 300_000 }

type Redis = Pick<StoreHealth, 'ok' | 'error'>
const WELL: Redis = { ok: true, error: null }
const AWAY: Redis = { ok: false, error: 'connect ECONNREFUSED' }

type Seen = Pick<ExchangeStatus, 'state' | 'last_message_age_ms'>

function world() {
  const clock = new ManualClock()
  const told: [string, unknown][] = []
  const state = { exchanges: [] as Seen[], redis: WELL }
  const look = createLook(
    {
      clock,
      exchanges: () => state.exchanges,
      redis: () => state.redis,
      giveUp: (why, fields) => told.push([why, fields]),
    },
    limits,
  )
  /** Lets time pass, a look each second, until it gives up. */
  const pass = (seconds: number, each: () => void = () => {}) => {
    for (let i = 0; i < seconds && told.length === 0; i++) {
      clock.now_ms += 1_000
      each()
      look()
    }
    return told
  }
  return { clock, state, told, pass, look }
}

describe('a look', () => {
  it('gives up when every exchange has been silent for too long, and says for how long', () => {
    const { state, pass } = world()
    state.exchanges = [
      { state: 'online', last_message_age_ms: 0 },
      { state: 'down', last_message_age_ms: null },
    ]
    expect(pass(600)).toEqual([])
    let age_ms = 0
    const told = pass(600, () => {
      age_ms += 1_000
      state.exchanges = [{ state: 'online', last_message_age_ms: age_ms }]
    })
    expect(told).toEqual([['every exchange is silent: exiting', { silent_ms: 181_000 }]])
  })

  it('counts from its start when no exchange was ever heard', () => {
    const { state, pass } = world()
    state.exchanges = [{ state: 'connecting', last_message_age_ms: null }]
    expect(pass(180)).toEqual([])
    expect(pass(1)).toHaveLength(1)
  })

  it('gives up when nothing is watched at all, which is no state to stay in', () => {
    expect(world().pass(181)).toHaveLength(1)
  })

  it('asks nothing of exchanges in maintenance or that refuse us, however long', () => {
    const { state, pass } = world()
    state.exchanges = [
      { state: 'maintenance', last_message_age_ms: 5_000_000 },
      { state: 'blocked', last_message_age_ms: null },
    ]
    expect(pass(3_600)).toEqual([])
    state.exchanges = [...state.exchanges, { state: 'down', last_message_age_ms: null }]
    expect(pass(180)).toEqual([])
    expect(pass(1)).toHaveLength(1)
  })

  it('gives up when Redis has been away for too long, and not for one that comes and goes', () => {
    const { state, pass } = world()
    state.exchanges = [{ state: 'online', last_message_age_ms: 0 }]
    for (let outage = 0; outage < 3; outage++) {
      state.redis = AWAY
      expect(pass(299)).toEqual([])
      state.redis = WELL
      expect(pass(1)).toEqual([])
    }
    state.redis = AWAY
    expect(pass(400)).toEqual([['redis is away for too long: exiting', { redis_away_ms: 301_000 }]])
  })

  it('does not throw away what waits for a Redis that is full', () => {
    const { state, pass } = world()
    state.exchanges = [{ state: 'online', last_message_age_ms: 0 }]
    const error = "OOM command not allowed when used memory > 'maxmemory'."
    state.redis = { ok: false, error }
    expect(pass(3_600)).toEqual([])
    state.redis = AWAY
    expect(pass(301)).toHaveLength(1)
  })

  it('begins anew when the whole process stood still', () => {
    const { clock, state, look, told, pass } = world()
    state.exchanges = [{ state: 'online', last_message_age_ms: 0 }]
    state.redis = AWAY
    pass(200)
    clock.now_ms += 1_000_000
    state.exchanges = [{ state: 'online', last_message_age_ms: 1_000_000 }]
    look()
    expect(told).toEqual([])
    state.exchanges = [{ state: 'online', last_message_age_ms: 0 }]
    expect(pass(299)).toEqual([])
    expect(pass(2)).toHaveLength(1)
  })
})

describe('a real process', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spreadwire-watchdog-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const children: Child[] = []
  afterEach(() => {
    for (const child of children.splice(0)) child.kill()
  })

  const modules = (name: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, name)))

  /** A process with the watchdog and quick limits, whose loop then does `then`. */
  function start(then: string, args: string[] = []): { child: Child; lines: string[] } {
    const lines: string[] = []
    const program = `
      import { startWatchdog } from ${modules('watchdog.ts')}
      import { createLog } from ${modules('log.ts')}
      import { giveUp } from ${modules('shutdown.ts')}
      import { systemClock as clock } from ${modules('../../shared/clock.ts')}
      const error_log_file = ${JSON.stringify(join(folder, 'error.log'))}
      const log = createLog({ level: 'info', error_log_file: null, clock })
      const stop = startWatchdog({
        clock, log, error_log_file,
        exchanges: () => [{ state: 'online', last_message_age_ms: null }],
        redis: () => ({ ok: true, error: null }),
        giveUp: (why, fields) => giveUp(log, why, fields),
        limits: { frozen_ms: 600, silent_ms: 100_000, ...(globalThis.limits ?? {}) },
      })
      const busy = setInterval(() => {}, 50)
      ${then}`
    const child = startChild({
      name: 'watched',
      command: process.execPath,
      args: [...args, '--input-type=module', '--eval', program],
      env: {},
      on_line: (line) => lines.push(line),
    })
    children.push(child)
    return { child, lines }
  }

  it('ends with code 1 when its loop is frozen, and tells where', async () => {
    const { child, lines } = start(`
      function theCulprit() { for (;;); }
      setTimeout(theCulprit, 300)`)
    expect(await child.exited).toEqual({ code: 1, signal: null })
    // Node itself says on standard error that a debugger is connected
    const entry = JSON.parse(lines.find((line) => line.startsWith('{')) ?? '')
    expect(entry).toMatchObject({
      level: 'error',
      message: 'the event loop is frozen: exiting',
      frozen_ms: 600,
    })
    expect(entry.timestamp).toMatch(/^\d{4}-/)
    expect(entry.stack[0]).toMatch(/^theCulprit /)
    expect(await readFile(join(folder, 'error.log'), 'utf8')).toContain('theCulprit')
  })

  it('ends too when the loop is stuck outside JavaScript', async () => {
    const { child, lines } = start(`
      import { execFileSync } from 'node:child_process'
      setTimeout(() => execFileSync('/bin/sleep', ['20']), 300)`)
    const { code, signal } = await child.exited
    expect(code === 1 || signal === 'SIGKILL').toBe(true)
    expect(lines.join()).toContain('the event loop is frozen: exiting')
  })

  it('lives on while its loop turns, is stopped and goes on, and ends by itself', async () => {
    const { child, lines } = start(`
      setTimeout(() => console.log('going'), 200)
      setTimeout(async () => { clearInterval(busy); await stop() }, 2_600)`)
    await child.ready((line) => line === 'going' || undefined, 10_000)
    process.kill(child.pid, 'SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    process.kill(child.pid, 'SIGCONT')
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(lines).toEqual(['going'])
  })

  it('ends with code 1 when every exchange is silent', async () => {
    const { child, lines } = start('', [
      '--import',
      'data:text/javascript,globalThis.limits={silent_ms:500}',
    ])
    expect(await child.exited).toEqual({ code: 1, signal: null })
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      level: 'error',
      message: 'every exchange is silent: exiting',
    })
  })
})
