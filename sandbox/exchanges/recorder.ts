/**
 * Writes what the sandbox exchanges send and receive as a capture file: JSON lines, gzip when the
 * name ends in .gz, under the production addresses, so that it reads like a recording of the real
 * exchanges. It never slows the exchanges down and never changes a byte.
 */
import { createWriteStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { systemClock } from '../../shared/clock.ts'
import type { Observer } from './server.ts'

export interface Recorder {
  readonly observe: Observer
  /** Resolves when the file is whole. Rejects when it could not be written. */
  close(): Promise<void>
}

/** `onProblem` is called once, when writing fails; what comes afterwards is not recorded. */
export function record(file: string, onProblem: (problem: Error) => void): Recorder {
  const lines = new PassThrough()
  const target = createWriteStream(file)
  const written = file.endsWith('.gz')
    ? pipeline(lines, createGzip(), target)
    : pipeline(lines, target)
  written.catch(onProblem)
  return {
    observe: ({ url, dir, raw, connection }) => {
      if (!lines.writable) return
      // keys in the order that capture files use; `connection` only where there is one
      const line = { ts: systemClock.wall_ms(), url, dir, raw, connection }
      // under the production addresses, nothing else says that this is not the market
      const marked = dir === 'open' || dir === 'http' ? { ...line, simulated: true } : line
      lines.write(`${JSON.stringify(marked)}\n`)
    },
    close: async () => {
      lines.end()
      await written
    },
  }
}
