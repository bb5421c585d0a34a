/** The stack as an operator runs it: the start script as a process, and nothing known from inside. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { environment, PROJECT_DIR } from '../sandbox/environment.ts'
import { freePort } from '../sandbox/ports.ts'
import { type Child, startChild } from '../sandbox/process.ts'
import { run } from '../sandbox/run.ts'
import { EdgeHealth } from '../shared/health.ts'
import { Opportunity } from '../shared/opportunity.ts'

const READY_WITHIN_MS = 180_000

export interface RunningStack {
  readonly child: Child
  readonly edge_url: string
  readonly worker_url: string
  readonly data_dir: string
  /** every line of standard output */
  readonly stdout: readonly string[]
  /** every line of standard error */
  readonly stderr: readonly string[]
  health(): Promise<{ status: number; health: EdgeHealth }>
  list(path: string): Promise<Opportunity[]>
  /** variables of DATA_DIR/worker.env */
  workerVariables(): Promise<Record<string, string | undefined>>
  remove(): Promise<void>
}

export async function startRunningStack(args: readonly string[]): Promise<RunningStack> {
  const data_dir = await mkdtemp(join(tmpdir(), 'spreadwire-stack-'))
  const [edge_port, worker_port] = [await freePort(), await freePort()]
  const stdout: string[] = []
  const stderr: string[] = []
  const child = startChild({
    name: 'npm start',
    command: process.execPath,
    args: [join(PROJECT_DIR, 'sandbox', 'start.ts'), ...args],
    env: environment({
      DATA_DIR: data_dir,
      EDGE_PORT: String(edge_port),
      PORT: String(worker_port),
    }),
    stop_within_ms: 60_000,
    on_line: (line, stream) => (stream === 'stdout' ? stdout : stderr).push(line),
  })
  const edge_url = await child.ready(
    (line) => /^ready (http:\S+)$/.exec(line)?.[1],
    READY_WITHIN_MS,
  )
  return {
    child,
    edge_url,
    worker_url: `http://localhost:${worker_port}`,
    data_dir,
    stdout,
    stderr,
    async health() {
      const response = await fetch(`${edge_url}/health`)
      return { status: response.status, health: EdgeHealth.parse(await response.json()) }
    },
    async list(path) {
      const response = await fetch(`${edge_url}${path}`)
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      const { data } = (await response.json()) as { data: unknown[] }
      return data.map((one) => Opportunity.parse(one))
    },
    async workerVariables() {
      return parseEnv(await readFile(join(data_dir, 'worker.env'), 'utf8'))
    },
    async remove() {
      await child.stop()
      await rm(data_dir, { recursive: true, force: true })
    },
  }
}

interface Process {
  readonly pid: number
  readonly command: string
}

/** Every process below that one, however deep, with its command line. */
export async function descendants(root: number): Promise<Process[]> {
  const { stdout } = await run('ps', ['-e', '-o', 'pid=,ppid=,args='])
  const rows = [...stdout.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)].map((match) => ({
    pid: Number(match[1]),
    parent: Number(match[2]),
    command: match[3] ?? '',
  }))
  const found: Process[] = []
  const parents = new Set([root])
  for (let grew = true; grew; ) {
    grew = false
    for (const { pid, parent, command } of rows) {
      if (parents.has(pid) || !parents.has(parent)) continue
      parents.add(pid)
      found.push({ pid, command })
      grew = true
    }
  }
  return found
}

/** Those that still run; what has ended and was not yet collected by its parent does not. */
export async function stillRunning(processes: readonly Process[]): Promise<Process[]> {
  const { stdout } = await run('ps', ['-e', '-o', 'pid=,stat=,args='])
  const alive = new Map(
    [...stdout.matchAll(/^\s*(\d+)\s+(\S+)\s+(.*)$/gm)]
      .filter((match) => !match[2]?.startsWith('Z'))
      .map((match) => [Number(match[1]), match[3]]),
  )
  return processes.filter(({ pid, command }) => alive.get(pid) === command)
}
