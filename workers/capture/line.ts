/**
 * One line of a capture file: what was seen on one connection, or one REST answer, with the moment at
 * which it was received. It checks the line's own form; what the exchange said is not its business.
 */

type Direction = 'open' | 'out' | 'in' | 'http'

export interface CaptureLine {
  /** receive time, ms since 1970 with fraction; null when the recording has none */
  readonly ts: number | null
  /** address as the recorder knew it; the exchange is told by its host */
  readonly url: string
  /** `open`: a connection opened; `http`: a REST answer */
  readonly dir: Direction
  /** the exact text; empty where `b64` holds a frame that is none */
  readonly raw: string
  readonly b64?: string | undefined
  /** tells apart connections to the same address */
  readonly connection?: number | undefined
  /** a sandbox said it: true on `open` and `http` lines */
  readonly simulated?: boolean | undefined
}

const DIRECTIONS: ReadonlySet<unknown> = new Set(['open', 'out', 'in', 'http'])
/** The last day that an RFC 3339 time can name. */
const LATEST_TIME_MS = Date.UTC(9999, 11, 31)

/** The line, or in words why it is none. */
export function parseLine(text: string): CaptureLine | string {
  let line: Partial<Record<keyof CaptureLine, unknown>> | null
  try {
    line = JSON.parse(text)
  } catch (error) {
    return `not JSON: ${(error as Error).message}`
  }
  if (typeof line !== 'object' || line === null) return 'expected a JSON object'
  const { ts, url, dir, raw, b64, connection, simulated } = line
  if (ts !== null && !isTime(ts)) return expected('ts', 'milliseconds since 1970 or null', ts)
  if (typeof url !== 'string' || !URL.canParse(url)) return expected('url', 'a URL', url)
  if (!DIRECTIONS.has(dir)) return expected('dir', 'open, out, in or http', dir)
  if (b64 !== undefined && typeof b64 !== 'string') return expected('b64', 'base64 text', b64)
  if (typeof raw !== 'string' && b64 === undefined) return expected('raw', 'text', raw)
  return {
    ts,
    url,
    dir: dir as Direction,
    raw: typeof raw === 'string' ? raw : '',
    b64,
    connection: typeof connection === 'number' ? connection : undefined,
    simulated: simulated === true,
  }
}

/** The frame's bytes as they were received. */
export function bytesOf({ raw, b64 }: CaptureLine): Buffer {
  return b64 === undefined ? Buffer.from(raw, 'utf8') : Buffer.from(b64, 'base64')
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LATEST_TIME_MS
}

function expected(name: string, what: string, value: unknown): string {
  const found = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80)
  return `${name}: expected ${what}, got ${found}`
}
