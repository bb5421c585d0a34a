/**
 * When the lines of capture files happened. A line without a time is 1 ms after the one before it in
 * its file, and the clock of a file never goes back. Files are merged by time; a file that has no
 * times at all follows the file that was named before it.
 */
import { type CaptureLine, parseLine } from '../capture/line.ts'
import { readLines } from '../capture/reader.ts'

/** Between lines whose times are not known. */
const UNKNOWN_STEP_MS = 1

/** Times within one file that begins at `start_ms`. */
export class FileTime {
  /** of the last line */
  now_ms: number

  constructor(start_ms: number) {
    this.now_ms = start_ms - UNKNOWN_STEP_MS
  }

  of(ts: number | null): number {
    this.now_ms = ts === null ? this.now_ms + UNKNOWN_STEP_MS : Math.max(ts, this.now_ms)
    return this.now_ms
  }
}

/** When the first line happened: `lines_before` lines stand before the first that has a time. */
export function startOf(first_ts: number, lines_before: number): number {
  return first_ts - lines_before * UNKNOWN_STEP_MS
}

/** When a file without times begins and ends, `after_ms` being the end of the file before it. */
export function untimed(after_ms: number, lines: number) {
  const start_ms = after_ms + UNKNOWN_STEP_MS
  return { start_ms, end_ms: start_ms + Math.max(0, lines - 1) * UNKNOWN_STEP_MS }
}

/** What stands at one line of a file: a capture line, or words on why it is none. */
export interface Numbered {
  readonly number: number
  readonly line: CaptureLine | string
}

/** The lines of one file in batches, as they stand. @throws UnreadableFile */
export async function* numberedLines(file: string): AsyncGenerator<readonly Numbered[]> {
  for await (const { lines, problem } of readLines(file)) {
    yield lines.map(({ number, text }) => ({ number, line: parseLine(text) }))
    if (problem !== undefined) yield [{ number: problem.number, line: problem.reason }]
  }
}

/** One file while it is being merged with others. */
class Cursor {
  next: { readonly at_ms: number; readonly numbered: Numbered } | null = null
  private batch: readonly Numbered[] = []
  private position = 0
  private readonly batches: AsyncGenerator<readonly Numbered[]>
  private readonly time: FileTime

  constructor(file: string, start_ms: number) {
    this.batches = numberedLines(file)
    this.time = new FileTime(start_ms)
  }

  /** Moves on within the batch at hand; false when another must be read first. */
  step(): boolean {
    const numbered = this.batch[this.position++]
    if (numbered === undefined) return false
    const { line } = numbered
    // a broken line has no time: it stands where the one before it stood
    const at_ms = typeof line === 'string' ? this.time.now_ms : this.time.of(line.ts)
    this.next = { at_ms, numbered }
    return true
  }

  async load(): Promise<void> {
    do {
      const { value, done } = await this.batches.next()
      if (done) {
        this.next = null
        return
      }
      this.batch = value
      this.position = 0
    } while (!this.step())
  }
}

export interface TimedFile {
  readonly path: string
  readonly start_ms: number
}

/**
 * Gives every line of every file to `take`, by time, those of one moment in the order of the files.
 * Between batches it waits for `pause`, so that whoever consumes can keep up.
 * @throws UnreadableFile
 */
export async function playFiles(
  files: readonly TimedFile[],
  take: (file_index: number, numbered: Numbered, at_ms: number) => void,
  pause: () => Promise<void>,
): Promise<void> {
  const cursors = files.map(({ path, start_ms }) => new Cursor(path, start_ms))
  await Promise.all(cursors.map((cursor) => cursor.load()))
  for (;;) {
    let earliest = -1
    let at_ms = Number.POSITIVE_INFINITY
    for (let index = 0; index < cursors.length; index++) {
      const next_ms = cursors[index]?.next?.at_ms ?? Number.POSITIVE_INFINITY
      if (next_ms >= at_ms) continue
      earliest = index
      at_ms = next_ms
    }
    const cursor = cursors[earliest]
    if (!cursor?.next) return
    take(earliest, cursor.next.numbered, at_ms)
    if (cursor.step()) continue
    await pause()
    await cursor.load()
  }
}
