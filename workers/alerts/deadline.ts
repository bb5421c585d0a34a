/** Waits for work that may never end. */

/** True when it ended in time, with whatever result. Its failure is somebody else's to tell. */
export function settledWithin(work: Promise<unknown>, deadline_ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), deadline_ms)
    work
      .catch(() => {})
      .finally(() => {
        clearTimeout(timer)
        resolve(true)
      })
  })
}
