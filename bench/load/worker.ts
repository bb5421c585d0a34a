/** The running worker seen from outside, through what it shows every operator. It changes nothing. */
import { readFile } from 'node:fs/promises'
import type { Health } from '../../shared/health.ts'
import type { NamedBook, ShownBook } from '../../workers/ops/books.ts'
import { parseMetrics, type Samples } from './prometheus.ts'

export class WorkerView {
  readonly pid: number
  private readonly base: string
  private readonly headers: Readonly<Record<string, string>>

  constructor(pid: number, port: number, admin_token: string) {
    this.pid = pid
    this.base = `http://localhost:${port}`
    this.headers = { authorization: `Bearer ${admin_token}` }
  }

  /** Asking starts a new window of the event loop's lateness. */
  async metrics(): Promise<Samples> {
    return parseMetrics(await (await this.get('/metrics')).text())
  }

  async health(): Promise<Health> {
    return (await (await this.get('/health')).json()) as Health
  }

  async list(): Promise<readonly NamedBook[]> {
    return (await (await this.get('/books')).json()) as NamedBook[]
  }

  async book(exchange: string, market: string): Promise<ShownBook> {
    const path = `/books/${exchange}/${encodeURIComponent(market)}`
    return (await (await this.get(path)).json()) as ShownBook
  }

  /** The most memory it ever had resident, in bytes; null where the system does not tell. */
  async peakRss(): Promise<number | null> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8').catch(() => '')
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]
    return kilobytes === undefined ? null : Number(kilobytes) * 1_024
  }

  private async get(path: string): Promise<Response> {
    const response = await fetch(this.base + path, { headers: this.headers })
    if (response.status !== 200) throw new Error(`${path}: HTTP ${response.status}`)
    return response
  }
}
