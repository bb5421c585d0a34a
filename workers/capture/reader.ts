/**
 * Reads a capture file from its start, plain or gzip (told by its first bytes, not its name), some
 * lines at a time, so that a file of any size takes the same memory. A file that is cut short or
 * damaged gives what it holds up to there and says so; only one that cannot be opened is refused.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'

export interface TextLine {
  /** from 1 */
  readonly number: number
  readonly text: string
}

export interface Batch {
  /** in the order of the file, empty ones left out */
  readonly lines: readonly TextLine[]
  /** nothing more can be read, and why */
  readonly problem?: { readonly number: number; readonly reason: string }
}

/** The file cannot be read at all: a typing error, most likely. */
export class UnreadableFile extends Error {
  override name = 'UnreadableFile'
}

const CHUNK_BYTES = 128 << 10
const NEWLINE = 0x0a

/** @throws UnreadableFile when there is no such file or it is not ours to read. */
export async function assertReadable(file: string): Promise<void> {
  const handle = await openFile(file)
  await handle.close()
}

/** @throws UnreadableFile as `assertReadable` does; whatever fails later is a batch's problem. */
export async function* readLines(file: string): AsyncGenerator<Batch> {
  const handle = await openFile(file)
  const splitter = new Splitter()
  try {
    for await (const chunk of inflated(handle)) yield { lines: splitter.take(chunk) }
    yield { lines: splitter.end() }
  } catch (error) {
    const reason = `cannot be read further: ${(error as Error).message}`
    yield { lines: [], problem: { number: splitter.count + 1, reason } }
  } finally {
    await handle.close()
  }
}

async function openFile(file: string): Promise<FileHandle> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file)
    const stat = await handle.stat()
    if (stat.isDirectory()) throw new Error('it is a directory')
    // it is read more than once, which a pipe does not allow
    if (!stat.isFile()) throw new Error('it is not a regular file')
    return handle
  } catch (error) {
    await handle?.close()
    throw new UnreadableFile(`${file}: cannot be read: ${(error as Error).message}`)
  }
}

async function* inflated(handle: FileHandle): AsyncGenerator<Buffer> {
  let inflate: Inflate | undefined
  let first = true
  for await (const chunk of chunks(handle)) {
    if (first && chunk[0] === 0x1f && chunk[1] === 0x8b) inflate = new Inflate()
    first = false
    if (inflate === undefined) yield chunk
    else yield* await inflate.write(chunk)
  }
  if (inflate !== undefined) yield* await inflate.end()
}

async function* chunks(handle: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, null)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** Gunzip by hand: a stream that fails forgets what it had ready, here all of it comes out first. */
class Inflate {
  private readonly gunzip = createGunzip()
  private ready: Buffer[] = []
  private failure: Error | undefined
  private resume: () => void = () => {}

  constructor() {
    this.gunzip.on('data', (chunk: Buffer) => this.ready.push(chunk))
    this.gunzip.on('end', () => this.resume())
    this.gunzip.on('error', (error) => {
      this.failure = error
      this.resume()
    })
  }

  write(chunk: Buffer): Promise<Generator<Buffer>> {
    return this.step(() => this.gunzip.write(chunk, () => this.resume()))
  }

  end(): Promise<Generator<Buffer>> {
    return this.step(() => this.gunzip.end())
  }

  private async step(begin: () => void): Promise<Generator<Buffer>> {
    await new Promise<void>((resolve) => {
      this.resume = resolve
      begin()
    })
    return this.take()
  }

  private *take(): Generator<Buffer> {
    const ready = this.ready
    this.ready = []
    yield* ready
    if (this.failure !== undefined) throw this.failure
  }
}

/** Bytes in, whole lines out. */
class Splitter {
  /** lines that came out or were passed over */
  count = 0
  private pieces: Buffer[] = []

  take(chunk: Buffer): TextLine[] {
    const lines: TextLine[] = []
    let from = 0
    for (;;) {
      const to = chunk.indexOf(NEWLINE, from)
      if (to < 0) break
      this.pieces.push(chunk.subarray(from, to))
      this.finish(lines)
      from = to + 1
    }
    if (from < chunk.length) this.pieces.push(chunk.subarray(from))
    return lines
  }

  /** What stands after the last line end. */
  end(): TextLine[] {
    const lines: TextLine[] = []
    if (this.pieces.length > 0) this.finish(lines)
    return lines
  }

  private finish(lines: TextLine[]): void {
    this.count++
    const text = Buffer.concat(this.pieces).toString('utf8').trim()
    this.pieces = []
    if (text !== '') lines.push({ number: this.count, text })
  }
}
