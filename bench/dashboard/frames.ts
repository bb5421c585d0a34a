/**
 * How long the frames of a page are while something happens to it: the times between one call of
 * requestAnimationFrame and the next. A frame that was dropped shows as one that is twice as long. Beside
 * it the processor time of the page's main thread, which other programs cannot make longer.
 */
import type { Page } from 'playwright-core'

export interface Frames {
  readonly frames: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly longest_ms: number
  /** of one core, what the watching itself costs included */
  readonly main_thread_percent: number
}

/** What the page has beyond the types of Node. */
interface InPage {
  watch: { lengths_ms: number[]; stop: boolean }
  requestAnimationFrame(onFrame: (now_ms: number) => void): void
}

/** Measures for as long as `work` takes. */
export async function framesDuring(page: Page, work: () => Promise<void>): Promise<Frames> {
  await page.evaluate(() => {
    const here = globalThis as unknown as InPage
    const watch: InPage['watch'] = { lengths_ms: [], stop: false }
    here.watch = watch
    let before_ms: number | null = null
    const onFrame = (now_ms: number) => {
      if (before_ms !== null) watch.lengths_ms.push(now_ms - before_ms)
      before_ms = now_ms
      if (!watch.stop) here.requestAnimationFrame(onFrame)
    }
    here.requestAnimationFrame(onFrame)
  })
  const processor = await processorTime(page)
  const began_ms = performance.now()
  const before_s = await processor()
  await work()
  const busy_ms = ((await processor()) - before_s) * 1_000
  const main_thread_percent = (busy_ms / (performance.now() - began_ms)) * 100
  const lengths_ms = await page.evaluate(() => {
    const { watch } = globalThis as unknown as InPage
    watch.stop = true
    return watch.lengths_ms
  })
  const sorted = lengths_ms.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  const [p50_ms, p99_ms, longest_ms] = [at(0.5), at(0.99), at(1)]
  return { frames: sorted.length, p50_ms, p99_ms, longest_ms, main_thread_percent }
}

/** @returns what reads how long the main thread has worked, in seconds of processor time */
async function processorTime(page: Page): Promise<() => Promise<number>> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN
  }
}
