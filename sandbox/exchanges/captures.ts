/**
 * Reads capture files: JSON lines `{ts, url, dir, raw}`, optionally gzip. A line or a file that is
 * broken is reported and passed over; it never ends the reading.
 */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { z } from 'zod'

const Line = z.object({
  ts: z.number().nullable(),
  url: z.string(),
  dir: z.enum(['open', 'out', 'in', 'http']),
  raw: z.string(),
  connection: z.int().optional(),
})

/** Frames that are no text: none of the protocols that are played has any. */
const Binary = z.object({ b64: z.string() })

export interface CaptureLine {
  /** receive time; null when the recording has none */
  readonly at_ms: number | null
  readonly url: URL
  readonly dir: 'open' | 'out' | 'in' | 'http'
  readonly raw: string
  /** tells apart the connections of one file */
  readonly source: string
}

/** The capture files of a directory in the order of their names. */
export async function captureFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory)
  return names
    .filter((name) => /\.(jsonl|ndjson)(\.gz)?$/.test(name))
    .sort()
    .map((name) => join(directory, name))
}

export async function* readCapture(
  file: string,
  onProblem: (problem: string) => void,
): AsyncGenerator<CaptureLine> {
  let number = 0
  try {
    for await (const text of lines(file)) {
      number++
      if (text.trim() === '') continue
      const line = parseLine(text)
      if (typeof line === 'string') onProblem(`${file}:${number}: ${line}`)
      else if (line !== undefined) yield line
    }
  } catch (error) {
    onProblem(`${file}:${number}: ${(error as Error).message}`)
  }
}

async function* lines(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file)
  const text: Readable = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes
  // a pipe does not hand on the errors of its source
  bytes.on('error', (error) => text.destroy(error))
  // readline swallows the errors of its input, this iteration does not
  let failure: Error | undefined
  text.on('error', (error) => {
    failure = error
  })
  yield* createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })
  if (failure !== undefined) throw failure
}

/** A reason when the line is broken; undefined when it is whole but holds bytes that are no text. */
function parseLine(text: string): CaptureLine | string | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return (error as Error).message
  }
  if (Binary.safeParse(json).success) return undefined
  const { data, error } = Line.safeParse(json)
  if (data === undefined) return z.prettifyError(error)
  const url = parseUrl(data.url)
  if (url === null) return `no URL: ${data.url}`
  const { ts, dir, raw, connection = '' } = data
  return { at_ms: ts, url, dir, raw, source: `${data.url} ${connection}` }
}

/** A file has few addresses and many lines. */
const urls = new Map<string, URL | null>()

function parseUrl(text: string): URL | null {
  const url = urls.get(text) ?? URL.parse(text)
  urls.set(text, url)
  return url
}
