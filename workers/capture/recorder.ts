/**
 * Writes what a feed says and hears as a capture file: JSON lines, gzip when the name ends in .gz,
 * under the exchanges' production addresses wherever the bytes really came from. It never slows the
 * feed down: what the disk does not take at once waits in memory.
 */
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '../../shared/clock.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { ConnectionTap, Tap } from '../feed/tap.ts'
import type { CaptureLine } from './line.ts'

export interface RecorderCounts {
  frames: number
  connections: number
  answers: number
  /** of the lines, before compression */
  bytes: number
}

export class Recorder implements Tap {
  readonly counts: RecorderCounts = { frames: 0, connections: 0, answers: 0, bytes: 0 }
  /** Resolves when the file is whole, rejects when it could not be written. */
  readonly written: Promise<void>
  private readonly lines = new PassThrough()
  private readonly clock: Clock
  /** a receive time between two ticks of the wall clock, which counts whole milliseconds */
  private readonly origin_ms: number

  /** @throws Error when the file cannot be created */
  static async create(file: string, clock: Clock): Promise<Recorder> {
    const handle = await open(file, 'w')
    await handle.close()
    return new Recorder(file, clock)
  }

  private constructor(file: string, clock: Clock) {
    this.clock = clock
    this.origin_ms = clock.wall_ms() - clock.monotonic_ms()
    const target = createWriteStream(file)
    this.written = file.endsWith('.gz')
      ? pipeline(this.lines, createGzip(), target)
      : pipeline(this.lines, target)
  }

  opened(exchange: Exchange, url: string, simulated: boolean): ConnectionTap {
    const connection = ++this.counts.connections
    const address = exchange.hosts.includes(new URL(url).hostname) ? url : exchange.websocket_url
    const common = { url: address, connection }
    this.write({ ts: this.now(), ...common, dir: 'open', raw: '', simulated })
    return {
      received: (frame) => {
        this.counts.frames++
        this.write({ ts: this.now(), ...common, dir: 'in', raw: frame.toString('utf8') })
      },
      sent: (frame) => this.write({ ts: this.now(), ...common, dir: 'out', raw: frame }),
    }
  }

  answered(exchange: Exchange, path: string, body: string): void {
    this.counts.answers++
    this.write({ ts: this.now(), url: exchange.rest_url + path, dir: 'http', raw: body })
  }

  /** Nothing is recorded from here on; resolves when the file is whole. */
  async close(): Promise<void> {
    this.lines.end()
    await this.written
  }

  private now(): number {
    return Math.round((this.origin_ms + this.clock.monotonic_ms()) * 1_000) / 1_000
  }

  private write({ ts, url, dir, raw, connection, simulated }: CaptureLine): void {
    if (!this.lines.writable) return
    const marks = { connection, ...(simulated === true ? { simulated } : {}) }
    const text = `${JSON.stringify({ ts, url, dir, raw, ...marks })}\n`
    this.counts.bytes += text.length
    this.lines.write(text)
  }
}
