/**
 * One child process under supervision: its own process group, its output line by line, ready when it
 * says so, stopped politely and then by force. It is gone when this process is gone, however that
 * ended. It never restarts anything: that is the caller's decision.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { environment, PROJECT_DIR } from './environment.ts'
import { SetupError } from './failure.ts'
import { forget, watch } from './reaper.ts'

const TAIL_LINES = 40
const STOP_WITHIN_MS = 10_000

/** Leaders of the groups that run now. */
const running = new Set<number>()

export interface ChildOptions {
  /** what the operator calls it */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** what the process list shows as the program, so that it can be recognised there */
  readonly argv0?: string
  /** the whole environment; the default is this process's own */
  readonly env?: Readonly<Record<string, string>>
  /** the default is the project's folder */
  readonly cwd?: string
  /** another user to run as; only root can ask for one */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  readonly on_line?: (line: string, stream: 'stdout' | 'stderr') => void
  /** the polite request, SIGTERM unless the program wants another */
  readonly stop_signal?: NodeJS.Signals
  /** how long it may take to follow it */
  readonly stop_within_ms?: number
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Child {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<Exit>
  isRunning(): boolean
  /** the last lines it wrote, for a message about its end */
  tail(): string
  /**
   * Waits for the first line from which `read` makes something.
   * @throws SetupError with the child's last lines when it ends first or takes too long
   */
  ready<T>(read: (line: string) => T | undefined, within_ms: number): Promise<T>
  /** Asks it to end, waits, then ends its whole group by force. Resolves when it is gone. */
  stop(): Promise<void>
  /** Ends its whole group at once. */
  kill(): void
}

/** @throws SetupError when the command cannot be run at all */
export function startChild(options: ChildOptions): Child {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd ?? PROJECT_DIR,
    env: options.env ?? environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
    ...(options.user ?? {}),
  })
  if (child.pid === undefined) {
    child.on('error', () => {})
    throw new SetupError(`${options.name}: ${options.command} cannot be run`)
  }
  watch(child.pid)
  running.add(child.pid)
  return supervise(child, child.pid, options)
}

function supervise(child: ChildProcess, pid: number, options: ChildOptions): Child {
  const lines: string[] = []
  const listeners = new Set<(line: string) => void>()
  for (const stream of ['stdout', 'stderr'] as const) {
    const input = child[stream]
    if (input === null) throw new Error('a supervised child has pipes')
    createInterface({ input }).on('line', (line) => {
      lines.push(line)
      if (lines.length > TAIL_LINES) lines.shift()
      options.on_line?.(line, stream)
      for (const listener of listeners) listener(line)
    })
  }

  let exit: Exit | undefined
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      exit = { code, signal }
      forget(pid)
      running.delete(pid)
      resolve(exit)
    })
  })
  const tail = () => lines.join('\n')
  const kill = () => signalGroup(pid, 'SIGKILL')

  return {
    name: options.name,
    pid,
    exited,
    tail,
    kill,
    isRunning: () => exit === undefined,
    ready(read, within_ms) {
      return waitForLine({ name: options.name, lines, listeners, exited, tail, read, within_ms })
    },
    async stop() {
      if (exit !== undefined) return
      child.kill(options.stop_signal ?? 'SIGTERM')
      const timer = setTimeout(kill, options.stop_within_ms ?? STOP_WITHIN_MS)
      await exited
      clearTimeout(timer)
      kill() // what it may have started and left behind
    },
  }
}

/** For an operator who does not want to wait: ends everything that was started here, at once. */
export function killAll(): void {
  for (const pid of running) signalGroup(pid, 'SIGKILL')
}

interface Waiting<T> {
  readonly name: string
  readonly lines: readonly string[]
  readonly listeners: Set<(line: string) => void>
  readonly exited: Promise<Exit>
  readonly tail: () => string
  readonly read: (line: string) => T | undefined
  readonly within_ms: number
}

function waitForLine<T>(waiting: Waiting<T>): Promise<T> {
  const { name, lines, listeners, exited, tail, read, within_ms } = waiting
  return new Promise<T>((resolve, reject) => {
    const fail = (what: string) => {
      settle()
      reject(new SetupError(`${name} ${what}${lines.length > 0 ? `:\n${tail()}` : ''}`))
    }
    const timer = setTimeout(() => fail(`was not ready after ${within_ms / 1000} s`), within_ms)
    const look = (line: string) => {
      const found = read(line)
      if (found === undefined) return
      settle()
      resolve(found)
    }
    const settle = () => {
      clearTimeout(timer)
      listeners.delete(look)
    }
    listeners.add(look)
    for (const line of [...lines]) look(line)
    exited.then(({ code, signal }) =>
      fail(`ended before it was ready (${signal ?? `code ${code}`})`),
    )
  })
}

/** A group that is gone already is what the caller wants. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
