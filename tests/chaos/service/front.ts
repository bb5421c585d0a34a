/**
 * The edge in workerd on stores that may fail, reached as in production by their HTTP gateways; and
 * the operator's address, which hears from the edge's clock. It can be killed and started again.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Edge, startEdge } from '../../../sandbox/edge.ts'
import { startNeonGateway } from '../../../sandbox/neon.ts'
import { startUpstashGateway } from '../../../sandbox/upstash.ts'
import { descendants } from '../../running.ts'
import { closed, listening } from './servers.ts'

export interface FrontOptions {
  /** where the gateways find the stores */
  readonly redis_url: string
  readonly database_url: string
  /** more of the edge's variables */
  readonly variables?: Readonly<Record<string, string>>
}

/** What the operator was told of the worker. */
export interface Alarm {
  readonly type: string
  readonly at_ms: number
}

const TOKEN = 'the-token-of-the-chaos'
const ENTRY = 'edge-workerd'

export class Front {
  readonly alarms: Alarm[] = []
  private edge: Edge | null = null
  private readonly stops: (() => Promise<unknown>)[] = []

  /** @throws Error when a part does not start; what started before it is stopped. */
  static async start({ redis_url, database_url, variables }: FrontOptions): Promise<Front> {
    const front = new Front()
    try {
      const assets_dir = await mkdtemp(join(tmpdir(), 'spreadwire-chaos-edge-'))
      front.stops.push(() => rm(assets_dir, { recursive: true, force: true }))
      await writeFile(join(assets_dir, 'index.html'), '<!doctype html><title>chaos</title>')
      const upstash = await startUpstashGateway({ redis_url, token: TOKEN })
      front.stops.push(() => upstash.close())
      const neon = await startNeonGateway({ database_url })
      front.stops.push(() => neon.close())
      const vars = {
        UPSTASH_REDIS_REST_URL: upstash.url,
        UPSTASH_REDIS_REST_TOKEN: TOKEN,
        DATABASE_URL: database_url,
        NEON_FETCH_ENDPOINT: `${neon.url}/sql`,
        // whoever asks here is not what is tried
        ANONYMOUS_REQUESTS: '1000000',
        ALERT_WEBHOOK_URL: await front.hearAlarms(),
        ...variables,
      }
      front.edge = await startEdge({ port: 0, vars, assets_dir })
      return front
    } catch (error) {
      await front.stop()
      throw error
    }
  }

  get url(): string {
    if (this.edge === null) throw new Error('the edge does not run')
    return this.edge.url
  }

  /** What the cron trigger does once a minute. @throws Error when the app refuses it */
  async minute(): Promise<void> {
    const response = await fetch(`${this.url}/cdn-cgi/handler/scheduled`)
    if (!response.ok) throw new Error(`the scheduled handler answered ${response.status}`)
  }

  /** At once, with every isolate: nobody can say goodbye. It does not come back. */
  async kill(): Promise<void> {
    const edge = (await descendants(process.pid)).find(({ command }) => command.includes(ENTRY))
    if (edge === undefined) throw new Error('no process of the edge was found')
    process.kill(-edge.pid, 'SIGKILL')
    await this.edge?.stop()
    this.edge = null
  }

  async stop(): Promise<void> {
    await this.edge?.stop()
    for (const stop of this.stops.splice(0).reverse()) await stop()
  }

  private async hearAlarms(): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        const { type } = JSON.parse(Buffer.concat(chunks).toString()) as { type: string }
        this.alarms.push({ type, at_ms: Date.now() })
        response.end()
      })
    })
    const url = await listening(server)
    this.stops.push(() => closed(server))
    return `${url}/`
  }
}
