/** Waiting and chance for the edge. Both have their only home here, so that nothing else rolls dice. */

/** Resolves after `delay_ms`, or at once when `signal` aborts: the caller looks at the signal. */
export function sleep(delay_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, delay_ms)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}

/** `value_ms` give or take `share` of it, so that many clients do not move in step. */
export function jittered(value_ms: number, share: number): number {
  return Math.round(value_ms * (1 - share + 2 * share * Math.random()))
}
