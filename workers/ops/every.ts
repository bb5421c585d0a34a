/** A loop at a steady pace that never runs twice at a time. A failed turn waits for the next one. */
export function every(period_ms: number, work: () => Promise<void>): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const turn = async (): Promise<void> => {
    await work().catch(() => {})
    if (stopped) return
    timer = setTimeout(() => {
      running = turn()
    }, period_ms)
  }
  let running = turn()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}
