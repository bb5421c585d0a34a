/**
 * A loop at a steady pace that never runs twice at a time. A turn that failed is told and waits for
 * the next one. The function it returns ends the loop.
 */
export function every(
  period_ms: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const turn = async (): Promise<void> => {
    await work().catch(onError)
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
