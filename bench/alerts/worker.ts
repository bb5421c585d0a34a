/** The real worker, killed and started again at once, as a platform does. No exchange is watched. */
import { join } from 'node:path'
import { environment, PROJECT_DIR } from '../../sandbox/environment.ts'
import { type Child, startChild } from '../../sandbox/process.ts'
import { run } from '../../sandbox/run.ts'

const READY_WITHIN_MS = 60_000
/** Nobody listens there. */
const NOWHERE = '127.0.0.1:1'

export class MortalWorker {
  private readonly env: Record<string, string>
  private child: Child | undefined

  /** `variables` are more of its own, or others */
  constructor(
    redis_url: string,
    database_url: string,
    variables: Readonly<Record<string, string>> = {},
  ) {
    this.env = environment({
      REDIS_URL: redis_url,
      DATABASE_URL: database_url,
      EXCHANGES: 'kraken',
      KRAKEN_WS_URL: `ws://${NOWHERE}`,
      KRAKEN_REST_URL: `http://${NOWHERE}`,
      WEBHOOKS_ALLOW_LOCAL: 'true',
      PORT: '0',
      NODE_ENV: 'production',
      LOG_LEVEL: 'info',
      ...variables,
    })
  }

  /** @throws Error when it does not run */
  get pid(): number {
    if (this.child === undefined) throw new Error('the worker was not started')
    return this.child.pid
  }

  /** @throws Error when the tables cannot be made */
  async migrate(): Promise<void> {
    const { ok, output } = await run(process.execPath, ['workers/migrate.ts'], {
      cwd: PROJECT_DIR,
      env: this.env,
    })
    if (!ok) throw new Error(`the tables could not be made:\n${output}`)
  }

  async start(): Promise<void> {
    this.child = startChild({
      name: 'the worker',
      command: process.execPath,
      args: [join(PROJECT_DIR, 'workers', 'main.ts')],
      env: this.env,
    })
    const isStarted = (line: string) => line.includes('"worker started"') || undefined
    await this.child.ready(isStarted, READY_WITHIN_MS)
  }

  /** SIGKILL; resolves when another one has taken over. */
  async killAndStart(): Promise<void> {
    this.child?.kill()
    await this.start()
  }

  async stop(): Promise<void> {
    await this.child?.stop()
  }
}
