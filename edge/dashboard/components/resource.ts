/** Something that is asked of the API for as long as a part of the page shows it. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type Poll, poll } from '../model/poll.ts'
import type { Polled } from '../model/state.ts'

export interface Resource<T> extends Polled<T> {
  /** the status of the refusal; null: it was not refused */
  readonly refused: number | null
  /** false: the value answers the question before, and the next answer is on its way */
  readonly is_current: boolean
  /** Asks again at once. */
  refresh(): void
}

interface Options<T> {
  /** null: nothing is asked */
  readonly url: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly every_ms: number | null
  readonly read: (body: unknown) => T | null
}

type Answer<T> = Polled<T> & { readonly refused: number | null; readonly url: string | null }

const nothing = { value: null, heard_ms: null, failure: null, refused: null, url: null }

/** When the address changes, the answer before stays in view until the next one comes. */
export function useResource<T>({ url, headers, every_ms, read }: Options<T>): Resource<T> {
  const [answer, setAnswer] = useState<Answer<T>>(nothing)
  const running = useRef<Poll | null>(null)
  const authorization = headers?.authorization
  useEffect(() => {
    if (url === null) {
      setAnswer(nothing)
      return
    }
    const started = poll<T>({
      url,
      every_ms,
      read,
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      onAnswer: (value) =>
        setAnswer({ value, heard_ms: Date.now(), failure: null, refused: null, url }),
      onFailure: (failure, error) =>
        setAnswer((before) => ({ ...before, failure, refused: statusOf(error) })),
    })
    running.current = started
    return () => started.stop()
  }, [url, authorization, every_ms, read])
  const refresh = useCallback(() => running.current?.now(), [])
  return { ...answer, is_current: answer.url === url, refresh }
}

function statusOf(error: unknown): number | null {
  return typeof error === 'object' && error !== null && 'status' in error
    ? Number(error.status)
    : null
}
