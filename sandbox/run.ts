/** Runs one short command to its end and gives back what it printed. No shell, no supervision. */
import { spawn } from 'node:child_process'
import { environment } from './environment.ts'

export interface Outcome {
  readonly ok: boolean
  readonly stdout: string
  /** both streams, for a message when it failed */
  readonly output: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
}

/** Never rejects: a command that cannot be run is an outcome that is not ok. */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    let stdout = ''
    let output = ''
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? environment(),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.user ?? {}),
    })
    child.stdout?.on('data', (chunk) => {
      stdout += chunk
      output += chunk
    })
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', (error) => resolve({ ok: false, stdout, output: output + error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, stdout, output }))
  })
}
