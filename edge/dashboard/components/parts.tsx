/** The small pieces that every page is made of. */
import type { ComponentChildren } from 'preact'
import { elapsed } from '../../../shared/figures.ts'
import type { Polled } from '../model/state.ts'
import { STALE_AFTER_MS } from '../model/view.ts'

/** A name and what it is, inside a `dl`. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** The head of a page: what it answers, in one sentence. It takes the focus when one comes here. */
export function PageHead({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="page-head">
      <h2 id="page-title" tabIndex={-1}>
        {title}
      </h2>
      <p class="hint">{children}</p>
    </div>
  )
}

interface CardProps {
  id: string
  title: string
  hint?: ComponentChildren
  class?: string
  children: ComponentChildren
}

export function Card({ id, title, hint, children, class: more = '' }: CardProps) {
  return (
    <section class={`card ${more}`} aria-labelledby={`${id}-title`} id={id}>
      <div class="card-head">
        <h3 id={`${id}-title`}>{title}</h3>
        {hint !== undefined && <div class="hint">{hint}</div>}
      </div>
      {children}
    </section>
  )
}

/** A shape in the place of what is on its way. */
export function Loading({ what, lines = 3 }: { what: string; lines?: number }) {
  return (
    <div class="loading" role="status" data-testid="loading">
      <span class="hidden">Loading {what}</span>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} class="bone" />
      ))}
    </div>
  )
}

/** Why there is nothing to show. */
export function Nothing({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty" data-testid="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}

interface FailureProps {
  what: string
  reason: string
  /** the status of a refusal */
  refused?: number | null
}

/** A question that is wrong as it stands is not asked again by itself. */
export function Failure({ what, reason, refused = null }: FailureProps) {
  const is_wrong = refused !== null && [400, 404, 422].includes(refused)
  return (
    <div class="empty" data-testid="load-failure">
      <p class="empty-title">{what} cannot be loaded</p>
      <p>{is_wrong ? reason : `Trying again by itself: ${reason}.`}</p>
    </div>
  )
}

interface AnsweredProps<T> {
  resource: Polled<T> & { readonly refused?: number | null }
  /** as in "Loading the spreads" */
  what: string
  /** as in "The spreads cannot be loaded" */
  title: string
  lines?: number
  children: (value: T) => ComponentChildren
}

/** The value once there is one, else what is going on instead. */
export function Answered<T>({ resource, what, title, lines = 3, children }: AnsweredProps<T>) {
  const { value, failure, refused = null } = resource
  if (value !== null) return <>{children(value)}</>
  if (failure !== null) return <Failure what={title} reason={failure} refused={refused} />
  return <Loading what={what} lines={lines} />
}

/** Says when an answer is from the past, and nothing while it is fresh. */
export function Staleness({ resource, now_ms }: { resource: Polled<unknown>; now_ms: number }) {
  const { heard_ms, failure } = resource
  if (heard_ms === null) return null
  const silent_ms = now_ms - heard_ms
  if (failure === null && silent_ms < STALE_AFTER_MS) return null
  return (
    <span class="stale" data-testid="stale">
      as of {elapsed(silent_ms)} ago{failure === null ? '' : `: ${failure}`}
    </span>
  )
}
