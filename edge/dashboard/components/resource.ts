/** Something that is asked of the API for as long as a part of the page shows it. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type Poll, poll } from '../model/poll.ts'
import type { Polled } from '../model/state.ts'

export interface Resource<T> extends Polled<T> {
  /** the status of the refusal; null: it was not refused */
  readonly refused: number | null
  /** the value answers the question before, and the next answer is on its way */
  readonly is_waiting: boolean
  /** Asks again at once. */
  refresh(): void
}

interface Options<T> {
  /** null: nothing is asked; several are asked together, and what one says comes to `read` by its place */
  readonly url: string | readonly string[] | null
  readonly headers?: Readonly<Record<string, string>>
  readonly every_ms: number | null
  readonly read: (...bodies: unknown[]) => T | null
}

type Answer<T> = Polled<T> & { readonly refused: number | null; readonly url: string | null }

/** Stands in no address. */
const SEPARATOR = ' '

const nothing = { value: null, heard_ms: null, failure: null, refused: null, url: null }

/** When the address changes, the answer before stays in view until the next one comes. */
export function useResource<T>({ url: asked, headers, every_ms, read }: Options<T>): Resource<T> {
  const url = typeof asked === 'string' || asked === null ? asked : asked.join(SEPARATOR)
  const [answer, setAnswer] = useState<Answer<T>>(nothing)
  const running = useRef<Poll | null>(null)
  const authorization = headers?.authorization
  useEffect(() => {
    if (url === null) {
      setAnswer(nothing)
      return
    }
    const started = poll<T>({
      urls: url.split(SEPARATOR),
      every_ms,
      read,
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      onAnswer: (value) =>
        setAnswer({ value, heard_ms: Date.now(), failure: null, refused: null, url }),
      // What answered the question before says nothing about one that is refused.
      onFailure: (failure, error) =>
        setAnswer((before) => ({
          ...(before.url === url ? before : nothing),
          failure,
          refused: statusOf(error),
        })),
    })
    running.current = started
    return () => started.stop()
  }, [url, authorization, every_ms, read])
  const refresh = useCallback(() => running.current?.now(), [])
  const is_waiting = answer.url !== url && answer.failure === null
  return { ...answer, is_waiting, refresh }
}

function statusOf(error: unknown): number | null {
  return typeof error === 'object' && error !== null && 'status' in error
    ? Number(error.status)
    : null
}
