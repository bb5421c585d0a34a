import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SetupError } from './failure.ts'
import { type Child, type ChildOptions, startChild } from './process.ts'

const STUBBORN = "process.on('SIGTERM', () => console.log('no')); setInterval(() => {}, 1000)"
const OBEDIENT = "process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1000)"
const NEVER_MS = 30_000

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spreadwire-process-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function node(script: string, options: Partial<ChildOptions> = {}): Child {
  const args = ['-e', `${script}; console.log('up')`]
  return startChild({ name: 'a child', command: process.execPath, args, ...options })
}
const up = (line: string) => line === 'up' || undefined

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a supervised child', () => {
  it('is ready when it says so, and gives what it said', async () => {
    const child = node("console.log('port 80')")
    const port = await child.ready((line) => /^port (\d+)$/.exec(line)?.[1], NEVER_MS)
    expect(port).toBe('80')
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(child.isRunning()).toBe(false)
  })

  it('that ends too early is told with its last words', async () => {
    const child = node("console.error('no such table'); process.exit(7)")
    const ready = child.ready(() => undefined, NEVER_MS)
    await expect(ready).rejects.toThrow(SetupError)
    await expect(ready).rejects.toThrow(/a child ended before it was ready \(code 7\):\nno such/)
  })

  it('that says nothing is not waited for forever', async () => {
    const child = node(OBEDIENT)
    await expect(child.ready(() => undefined, 50)).rejects.toThrow('was not ready after 0.05 s')
    await child.stop()
  })

  it('that cannot be run at all is a clear message', () => {
    const start = () => startChild({ name: 'x', command: join(folder, 'absent'), args: [] })
    expect(start).toThrow(SetupError)
  })

  it('hands over every line with the stream that it came from', async () => {
    const lines: string[] = []
    const on_line: ChildOptions['on_line'] = (line, stream) => lines.push(`${stream} ${line}`)
    await node("console.error('b'); console.log('ü')", { on_line }).exited
    expect(lines.sort()).toEqual(['stderr b', 'stdout up', 'stdout ü'])
  })

  it('ends by itself when asked to', async () => {
    const child = node(OBEDIENT)
    await child.ready(up, NEVER_MS)
    await child.stop()
    expect(await child.exited).toEqual({ code: 3, signal: null })
    await child.stop()
  })

  it('that does not listen is ended by force', async () => {
    const child = node(STUBBORN, { stop_within_ms: 100 })
    await child.ready(up, NEVER_MS)
    await child.stop()
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('takes what it started with it', async () => {
    const script = `
      const { spawn } = require('node:child_process')
      const inner = spawn(process.execPath, ['-e', ${JSON.stringify(STUBBORN)}])
      process.on('SIGTERM', () => process.exit(0))
      console.log('inner ' + inner.pid)`
    const child = node(script)
    const pid = await child.ready((line) => /^inner (\d+)$/.exec(line)?.[1], NEVER_MS)
    await child.stop()
    await expect.poll(() => isAlive(Number(pid)), { timeout: 5_000 }).toBe(false)
  })

  it('ends when whoever started it was killed', async () => {
    const file = join(folder, 'parent.ts')
    await writeFile(
      file,
      `import { startChild } from ${JSON.stringify(join(import.meta.dirname, 'process.ts'))}
       const script = ${JSON.stringify(`${STUBBORN}; console.log('up')`)}
       const child = startChild({ name: 'c', command: process.execPath, args: ['-e', script] })
       await child.ready((line) => line === 'up' || undefined, 30_000)
       console.log('child ' + child.pid)
       setInterval(() => {}, 1000)`,
    )
    const parent = startChild({ name: 'parent', command: process.execPath, args: [file] })
    const pid = await parent.ready((line) => /^child (\d+)$/.exec(line)?.[1], NEVER_MS)
    process.kill(parent.pid, 'SIGKILL')
    await parent.exited
    await expect.poll(() => isRunning(Number(pid)), { timeout: 20_000 }).toBe(false)
  })
})

/** Neither gone nor ended and waiting to be collected by whoever inherited it. */
async function isRunning(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'S')
  return !/\) Z /.test(status)
}
