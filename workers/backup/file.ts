/**
 * A backup as one file: JSON lines, compressed. The first line says what it is, the last how many
 * lines there must be and their SHA-256, so that half a file is never taken for a whole one. It
 * appears under its name only when it is complete and on the disk, readable by its owner alone: it
 * holds webhook secrets. What the lines mean is the affair of redis.ts and postgres.ts.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { z } from 'zod'

const FORMAT = 'spreadwire-backup-1'

export const Header = z.object({
  format: z.literal(FORMAT),
  created_at: z.iso.datetime(),
  /** of this program */
  version: z.string(),
})
export type Header = z.infer<typeof Header>

const Trailer = z.object({
  end: z.object({ lines: z.int(), sha256: z.string() }),
})

/** A file that cannot be restored, in words for the operator. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
}

/**
 * @param lines JSON texts without line breaks
 * @throws what reading the stores throws; then no file is left
 */
export async function writeBackup(
  path: string,
  head: Omit<Header, 'format'>,
  lines: AsyncIterable<string>,
): Promise<{ readonly lines: number; readonly bytes: number }> {
  const unfinished = `${path}.unfinished`
  let count = 0
  async function* text() {
    const hash = createHash('sha256')
    const header: Header = { format: FORMAT, ...head }
    for await (const line of withFirst(JSON.stringify(header), lines)) {
      const whole = `${line}\n`
      hash.update(whole)
      count++
      yield whole
    }
    const end = { lines: count, sha256: hash.digest('hex') }
    yield `${JSON.stringify({ end } satisfies z.infer<typeof Trailer>)}\n`
  }
  try {
    await pipeline(
      Readable.from(text()),
      createGzip(),
      createWriteStream(unfinished, { mode: 0o600, flush: true }),
    )
    const bytes = await sizeOf(unfinished)
    await rename(unfinished, path)
    return { lines: count, bytes }
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

async function* withFirst(first: string, rest: AsyncIterable<string>): AsyncIterable<string> {
  yield first
  yield* rest
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path)
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

/**
 * Reads the whole file once and checks that it is whole.
 * @throws BackupError when it is not a backup, damaged or cut short
 */
export async function checkBackup(path: string): Promise<Header> {
  const hash = createHash('sha256')
  let header: Header | undefined
  let count = 0
  let held: string | undefined
  for await (const line of readLines(path)) {
    if (held !== undefined) {
      if (count === 0) header = headerOf(path, held)
      hash.update(`${held}\n`)
      count++
    }
    held = line
  }
  const trailer = Trailer.safeParse(parsed(held))
  if (header === undefined || !trailer.success) {
    throw new BackupError(`${path} is cut short: its last line is missing`)
  }
  const { lines, sha256 } = trailer.data.end
  if (lines !== count) {
    throw new BackupError(`${path} is damaged: ${count} lines, and there were ${lines}`)
  }
  if (sha256 !== hash.digest('hex')) {
    throw new BackupError(`${path} is damaged: its SHA-256 is not the one that was written`)
  }
  return header
}

/** The lines between the first and the last. Check the file before. */
export async function* readBackup(path: string): AsyncIterable<string> {
  let index = 0
  let held: string | undefined
  for await (const line of readLines(path)) {
    if (held !== undefined && index > 1) yield held
    held = line
    index++
  }
}

async function* readLines(path: string): AsyncIterable<string> {
  const unzipped = createGunzip()
  // the first of the two that failed is the reason
  const failed = pipeline(createReadStream(path), unzipped).catch((error: Error) => error)
  /** a line may span many chunks: joined once, when it ends */
  let parts: string[] = []
  try {
    for await (const chunk of unzipped.setEncoding('utf8')) {
      const [first, ...others] = String(chunk).split('\n')
      parts.push(first ?? '')
      for (const next of others) {
        yield parts.join('')
        parts = [next]
      }
    }
  } catch (error) {
    throw unreadable(path, (await failed) ?? (error as Error))
  }
  const unfinished = parts.join('')
  if (unfinished !== '') yield unfinished
}

function unreadable(path: string, error: NodeJS.ErrnoException): BackupError {
  if (error.code === 'ENOENT') return new BackupError(`there is no file ${path}`)
  if (error.code === 'Z_DATA_ERROR') return new BackupError(`${path} is no backup, or damaged`)
  if (error.code === 'Z_BUF_ERROR') return new BackupError(`${path} is cut short`)
  return new BackupError(`${path} cannot be read: ${error.message}`)
}

function headerOf(path: string, line: string): Header {
  const header = Header.safeParse(parsed(line))
  if (header.success) return header.data
  throw new BackupError(`${path} is no backup that this version knows (${FORMAT})`)
}

function parsed(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '')
  } catch {
    return undefined
  }
}
