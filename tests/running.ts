/**
 * `npm start` as a person would run it, for the tests: a real process on free ports and a data folder
 * of its own, with everything it started known by process id. It asserts nothing.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseEnv } from 'node:util'

export const PROJECT_DIR = join(import.meta.dirname, '..')

export interface Process {
  readonly pid: number
  readonly parent: number
  readonly args: string
}

export class Running {
  readonly url: string
  readonly worker_url: string
  readonly data_dir: string
  output = ''
  private readonly child: ChildProcess

  /** Starts and waits for the one line that says so. @throws with what it printed when it ends */
  static async start(args: readonly string[] = []): Promise<Running> {
    const [edge_port, port] = [await freePort(), await freePort()]
    const running = new Running(edge_port, port, args)
    await running.until(() => running.output.includes(`ready http://localhost:${edge_port}\n`))
    return running
  }

  private constructor(edge_port: number, port: number, args: readonly string[]) {
    this.url = `http://localhost:${edge_port}`
    this.worker_url = `http://localhost:${port}`
    this.data_dir = mkdtempSync(join(tmpdir(), 'spreadwire-test-'))
    const env = {
      ...process.env,
      EDGE_PORT: String(edge_port),
      PORT: String(port),
      DATA_DIR: this.data_dir,
    }
    this.child = spawn(process.execPath, ['sandbox/start.ts', ...args], { cwd: PROJECT_DIR, env })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
  }

  /** The variables that the worker runs with. */
  get worker_variables(): Record<string, string | undefined> {
    return parseEnv(readFileSync(join(this.data_dir, 'worker.env'), 'utf8'))
  }

  async json<T>(path: string): Promise<{ readonly status: number; readonly body: T }> {
    const response = await fetch(this.url + path)
    return { status: response.status, body: (await response.json()) as T }
  }

  /** Everything that this start brought to life, itself first. */
  processes(): Process[] {
    const all = listProcesses()
    const found = all.filter(({ pid }) => pid === this.child.pid)
    for (const parent of found) found.push(...all.filter((one) => one.parent === parent.pid))
    return found
  }

  killWorker(): void {
    const worker = this.processes().find(({ args }) => args.includes('workers/main.ts'))
    if (worker === undefined) throw new Error('no worker is running')
    process.kill(worker.pid, 'SIGKILL')
  }

  /** Ctrl-C, and the wait for the end. Returns the exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit')
      this.child.kill('SIGINT')
      await ended
    }
    return this.child.exitCode
  }

  clean(): void {
    rmSync(this.data_dir, { recursive: true, force: true })
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.child.exitCode !== null) throw new Error(`npm start ended:\n${this.output}`)
      await delay(100)
    }
  }
}

export function isAlive(pid: number): boolean {
  return listProcesses().some((one) => one.pid === pid && !one.args.includes('<defunct>'))
}

/** Asks until the answer is there. @throws with the last answer when time is up */
export async function eventually<T>(
  ask: () => Promise<T | undefined>,
  within_ms: number,
  what: string,
): Promise<T> {
  const give_up_ms = performance.now() + within_ms
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > give_up_ms) throw new Error(`not within ${within_ms} ms: ${what}`)
    await delay(200)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function listProcesses(): Process[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  return lines.split('\n').flatMap((line) => {
    const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return args === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args }]
  })
}
