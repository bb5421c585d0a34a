/**
 * Reads server-sent events from text chunks, by the WHATWG rules ("9.2.6 Interpreting an event
 * stream"). Chunks may be cut anywhere. It knows nothing about sockets or about our events.
 */

export interface Frame {
  readonly event: string
  readonly data: string
}

interface FrameReader {
  /** The frames that this chunk completes. */
  push(chunk: string): Frame[]
  /** Where the stream stands, null until the server says so. An id may come without any data. */
  lastEventId(): string | null
  /** What the server asked for with `retry:`, in milliseconds; null until it does. */
  retry_ms(): number | null
}

export function frameReader(): FrameReader {
  let rest = ''
  let started = false
  let id: string | null = null
  let announced: string | null = null
  let event = ''
  let data: string[] = []
  let retry: number | null = null

  function field(name: string, value: string): void {
    if (name === 'data') data.push(value)
    else if (name === 'event') event = value
    // An id with U+0000 is ignored, and so is a retry that is not all digits: both by the rules.
    else if (name === 'id' && !value.includes('\0')) id = value
    else if (name === 'retry' && /^\d+$/.test(value)) retry = Number(value)
  }

  function dispatch(): Frame[] {
    announced = id
    const frame = { event: event || 'message', data: data.join('\n') }
    const complete = data.length > 0
    event = ''
    data = []
    return complete ? [frame] : []
  }

  function line(text: string): Frame[] {
    if (text === '') return dispatch()
    const colon = text.indexOf(':')
    if (colon < 0) field(text, '')
    else if (colon > 0) field(text.slice(0, colon), text.slice(colon + 1).replace(/^ /, ''))
    return []
  }

  return {
    push(chunk) {
      if (chunk === '') return []
      rest += started ? chunk : chunk.replace(/^\uFEFF/, '')
      started = true
      // A carriage return at the very end may be half of a pair: it waits for its other half.
      const held = rest.endsWith('\r') ? '\r' : ''
      const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\r|\n/)
      rest = (lines.pop() ?? '') + held
      return lines.flatMap(line)
    },
    lastEventId: () => announced,
    retry_ms: () => retry,
  }
}
