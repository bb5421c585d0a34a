/**
 * Two roads to the same result: the scanner decodes the frames that it recognises by every byte of
 * their skeleton, the JSON reader all others. The share of the second is counted, because an
 * exchange that changes its spelling makes us slow long before it makes anything wrong.
 */
import type { FrameHandler, FrameKind, FrameReader } from './exchange.ts'

export interface FrameScanner {
  /**
   * Decodes the frame and calls the handler, or returns null and has done nothing: not mine.
   * Never throws for what a frame says.
   */
  scan(frame: Buffer, handler: FrameHandler): FrameKind | null
}

export class FastReader implements FrameReader {
  slow_path = 0
  readonly scanner: FrameScanner
  readonly json: FrameReader

  constructor(scanner: FrameScanner, json: FrameReader) {
    this.scanner = scanner
    this.json = json
  }

  read(frame: Buffer, handler: FrameHandler): FrameKind {
    const kind = this.scanner.scan(frame, handler)
    if (kind !== null) return kind
    this.slow_path++
    return this.json.read(frame, handler)
  }
}
