/**
 * The sandbox exchanges as a process whose market obeys: started, hurried, paused and asked for its
 * books over the pipe to its standard input. It ends when this process does, because the pipe does.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { environment, PROJECT_DIR } from '../../sandbox/environment.ts'
import type { Answer, Status, TrueBook } from '../../sandbox/exchanges/commands.ts'

export interface SandboxOptions {
  readonly seed: number
  /** coins; most have several markets */
  readonly symbols: number
  /** multiple of the usual number of level changes a second */
  readonly rate: number
  /** undefined: all that the sandbox has */
  readonly exchanges?: readonly string[]
  /** where the market's true gaps are written */
  readonly truth_file: string
  /** capture file of all that is said; undefined: none */
  readonly record_file?: string
  /** multiple of the usual number of tears in the market */
  readonly tears?: number
  /** what is wrong with the listings, as main.ts takes it */
  readonly faults?: readonly string[]
}

interface Address {
  readonly websocket_url: string
  readonly rest_url: string
  /** where the same books are served in another protocol */
  readonly alternative_websocket_url?: string
}

export class Sandbox {
  readonly pid: number
  private readonly child: ChildProcessByStdio<Writable, Readable, null>
  private readonly lines: AsyncIterator<string>

  constructor(options: SandboxOptions) {
    const { seed, symbols, rate, truth_file, record_file, tears = 1, faults = [] } = options
    const values = ['--seed', seed, '--symbols', symbols, '--rate', rate, '--truth', truth_file]
    values.push('--tears', tears)
    if (options.exchanges !== undefined) values.push('--exchanges', options.exchanges.join(','))
    if (record_file !== undefined) values.push('--record', record_file)
    for (const fault of faults) values.push('--fault', fault)
    const args = ['sandbox/exchanges/main.ts', ...values.map(String)]
    this.child = spawn(process.execPath, args, {
      cwd: PROJECT_DIR,
      env: environment(),
      stdio: ['pipe', 'pipe', 'inherit'],
      // Ctrl-C is for this process, which may want to ask it once more
      detached: true,
    })
    this.pid = this.child.pid ?? 0
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
  }

  /** Once: where each exchange listens. @throws Error when the process ends instead */
  async addresses(): Promise<ReadonlyMap<string, Address>> {
    const { exchanges } = JSON.parse(await this.line()) as { exchanges: Record<string, Address> }
    return new Map(Object.entries(exchanges))
  }

  async setRate(rate: number): Promise<void> {
    await this.tell(`rate ${rate}`)
  }

  async pause(): Promise<void> {
    await this.tell('pause')
  }

  async resume(): Promise<void> {
    await this.tell('resume')
  }

  async status(): Promise<Status> {
    return (await this.tell('status')) as Status
  }

  async books(exchange: string): Promise<readonly TrueBook[]> {
    return (await this.tell(`books ${exchange}`)) as readonly TrueBook[]
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exit = once(this.child, 'exit')
    this.child.stdin.end()
    await exit
  }

  /**
   * Any command, and what it answers. One at a time, so that the next line is the answer.
   * @throws Error when the sandbox refuses it
   */
  async tell(command: string): Promise<unknown> {
    this.child.stdin.write(`${command}\n`)
    const answer = JSON.parse(await this.line()) as Answer
    if (!answer.ok) throw new Error(`the sandbox refuses "${command}": ${answer.error}`)
    return answer.value
  }

  private async line(): Promise<string> {
    const { done, value } = await this.lines.next()
    if (done === true) throw new Error('the sandbox exchanges ended')
    return value
  }
}
