/** A reader of an SSE stream that keeps what it saw, as an EventSource would understand it. */
import { z } from 'zod'
import { Event } from '../../shared/event.ts'
import { Opportunity } from '../../shared/opportunity.ts'
import { eventually } from './check.ts'

export interface Frame {
  readonly id: string
  readonly event: string
  readonly data: string
}

const Reset = z.strictObject({ data: z.array(Opportunity) })

export class StreamReader {
  readonly frames: Frame[] = []
  readonly comments: string[] = []
  /** what the reader would send as Last-Event-ID */
  last_event_id = ''
  retry_ms: number | null = null
  ended = false
  readonly response: Response
  private readonly controller: AbortController
  private readonly known: Event[] = []
  private looked_at = 0

  static async open(url: string, headers: Record<string, string> = {}): Promise<StreamReader> {
    const controller = new AbortController()
    const response = await fetch(url, { headers, signal: controller.signal })
    return new StreamReader(response, controller)
  }

  private constructor(response: Response, controller: AbortController) {
    this.response = response
    this.controller = controller
    this.read().catch(() => {
      this.ended = true
    })
  }

  leave(): void {
    this.controller.abort()
  }

  /** The events, each held to the schema and to its own frame, once. */
  events(): Event[] {
    for (; this.looked_at < this.frames.length; this.looked_at++) {
      const frame = this.frames[this.looked_at] as Frame
      if (frame.event === 'reset') continue
      const event = Event.parse(JSON.parse(frame.data))
      if (event.id !== frame.id || event.type !== frame.event) throw new Error('frame and event')
      this.known.push(event)
    }
    return [...this.known]
  }

  resets(): Opportunity[][] {
    const resets = this.frames.filter(({ event }) => event === 'reset')
    return resets.map(({ data }) => Reset.parse(JSON.parse(data)).data)
  }

  /** Waits until the stream has begun, so that what is published now is live to it. */
  begun(): Promise<void> {
    return eventually(() => {
      if (this.retry_ms === null) throw new Error('the stream has not begun')
    })
  }

  /** Waits for the event with this id. */
  saw(id: string): Promise<void> {
    return eventually(() => {
      if (!this.frames.some((frame) => frame.id === id)) throw new Error(`${id} was not seen`)
    })
  }

  private async read(): Promise<void> {
    const { body } = this.response
    if (body === null) throw new Error('a stream has a body')
    let rest = ''
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) this.dispatch(block)
    }
    this.ended = true
  }

  private dispatch(block: string): void {
    let event = 'message'
    const data: string[] = []
    for (const line of block.split('\n')) {
      const [, field = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? []
      if (field === '') this.comments.push(value)
      else if (field === 'id') this.last_event_id = value
      else if (field === 'event') event = value
      else if (field === 'data') data.push(value)
      else if (field === 'retry') this.retry_ms = Number(value)
    }
    if (data.length > 0) this.frames.push({ id: this.last_event_id, event, data: data.join('\n') })
  }
}
