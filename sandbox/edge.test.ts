import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { givenEdgeVariables, startEdge } from './edge.ts'
import { PROJECT_DIR } from './environment.ts'
import { reasonOf } from './failure.ts'
import { freePort } from './ports.ts'
import { run } from './run.ts'

const SECRET = 'a-secret-that-must-not-be-written'
const vars = {
  UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1',
  UPSTASH_REDIS_REST_TOKEN: SECRET,
  DATABASE_URL: 'postgres://user:password@127.0.0.1:1/nowhere',
  NEON_FETCH_ENDPOINT: 'http://127.0.0.1:1/sql',
}

let assets_dir: string
beforeAll(async () => {
  assets_dir = await mkdtemp(join(tmpdir(), 'spreadwire-assets-'))
  await writeFile(join(assets_dir, 'index.html'), 'the dashboard')
})
afterAll(() => rm(assets_dir, { recursive: true, force: true }))

/** What still runs in a process group. */
async function alive(group: number): Promise<string[]> {
  const { stdout } = await run('ps', ['-eo', 'pgid=,stat=,args='])
  const lines = stdout.split('\n').map((line) => line.trim())
  return lines.filter((line) => line.startsWith(`${group} `) && !/^\d+ Z/.test(line))
}

async function gone(group: number): Promise<void> {
  const deadline_ms = Date.now() + 15_000
  for (;;) {
    const left = await alive(group)
    if (left.length === 0) return
    if (Date.now() > deadline_ms) throw new Error(`left behind:\n${left.join('\n')}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** The process group of the edge that this process started. */
async function groupOf(parent_pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-eo', 'ppid=,pid=,args='])
  const line = stdout.split('\n').find((one) => {
    const [ppid] = one.trim().split(/\s+/)
    return ppid === String(parent_pid) && one.includes('edge-workerd.ts')
  })
  return Number(line?.trim().split(/\s+/)[1])
}

describe('givenEdgeVariables', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('passes on all that may be set of the edge, but its stores and whom its cron tells', async () => {
    const text = await readFile(join(PROJECT_DIR, '.env.example'), 'utf8')
    const [, edge_part = ''] = /── Edge([\s\S]*)── `npm start`/.exec(text) ?? []
    const named = [...edge_part.matchAll(/^# ([A-Z][A-Z_]*)=/gm)].map(([, name = '']) => name)
    const given = named.filter((name) => !/^(UPSTASH|NEON|ALERT_WEBHOOK)_/.test(name))
    expect(given).toContain('ANONYMOUS_REQUESTS')
    for (const name of given) vi.stubEnv(name, `for ${name}`)
    expect(givenEdgeVariables()).toMatchObject(
      Object.fromEntries(given.map((name) => [name, `for ${name}`])),
    )
  })
})

describe('startEdge', () => {
  it('serves on the port it was given, writes no secret anywhere, and leaves nothing', async () => {
    const port = await freePort()
    const edge = await startEdge({ port, vars, assets_dir })
    expect(edge.url).toBe(`http://127.0.0.1:${port}`)
    expect(await (await fetch(edge.url)).text()).toBe('the dashboard')
    expect((await fetch(`${edge.url}/health`)).status).toBe(503)

    const group = await groupOf(process.pid)
    expect((await alive(group)).length).toBeGreaterThan(1)
    expect((await run('ps', ['-eo', 'args='])).stdout).not.toContain(SECRET)
    expect(await filesWith(join(PROJECT_DIR, '.wrangler'), SECRET)).toEqual([])

    await edge.stop()
    await gone(group)
    await expect(fetch(edge.url)).rejects.toThrow()
  })

  it('says which port is taken and how to choose another', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    await expect(startEdge({ port, vars, assets_dir })).rejects.toThrow(
      `port ${port} (EDGE_PORT) is already in use`,
    )
    other.close()
  })

  it('says that the dashboard is not built', async () => {
    const missing = join(assets_dir, 'missing')
    await expect(startEdge({ port: 0, vars, assets_dir: missing })).rejects.toThrow(/build/)
  })

  it('does not start without its settings, and names them without their values', async () => {
    const { UPSTASH_REDIS_REST_URL: _missing, ...rest } = vars
    const changed = { ...rest, DATABASE_URL: SECRET }
    const failure = await startEdge({ port: 0, vars: changed, assets_dir }).catch(reasonOf)
    expect(failure).toMatch(/UPSTASH_REDIS_REST_URL: expected an http/)
    expect(failure).toMatch(/DATABASE_URL: expected a postgres/)
    expect(failure).not.toContain(SECRET)
  })

  it('takes workerd along when its parent is killed', async () => {
    const script = `
      import { startEdge } from ${JSON.stringify(join(import.meta.dirname, 'edge.ts'))}
      const edge = await startEdge(${JSON.stringify({ port: 0, vars, assets_dir })})
      process.stdout.write(edge.url + '\\n')
      setInterval(() => {}, 1_000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const url = await firstLine(parent)
    const group = await groupOf(parent.pid ?? 0)
    expect((await fetch(url)).status).toBe(200)
    parent.kill('SIGKILL')
    await gone(group)
  })
})

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the child has a pipe')
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('the child said nothing')
}

async function filesWith(folder: string, text: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name))
  const hits: string[] = []
  for (const path of paths) if ((await readFile(path, 'utf8')).includes(text)) hits.push(path)
  return hits
}
