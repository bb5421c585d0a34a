/**
 * What is said about an event, the same for every vendor: a headline that a locked phone can show, and
 * a few facts below it. Plain text: it knows no markup and escapes nothing.
 */

export interface Fact {
  readonly label: string
  readonly value: string
}

export interface Message {
  /** what happened, in a line */
  readonly headline: string
  /** the most important first */
  readonly facts: readonly Fact[]
  /** something to act on, something that is wrong, or neither */
  readonly tone: 'good' | 'bad' | 'neutral'
  /** where to read more; null: nowhere */
  readonly link: { readonly text: string; readonly url: string } | null
}

export interface Context {
  /** where the dashboard is; null: not known, and messages have no link */
  readonly dashboard_url: string | null
  readonly now_ms: number
}

/** Ready for one POST. */
export interface Request {
  readonly url: string
  readonly body: string
  readonly content_type: string
}
