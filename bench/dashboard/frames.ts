/**
 * How long the frames of a page are while something happens to it: the times between one call of
 * requestAnimationFrame and the next. A frame that was dropped shows as one that is twice as long.
 */
import type { Page } from 'playwright-core'

export interface Frames {
  readonly frames: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly longest_ms: number
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
  await work()
  const lengths_ms = await page.evaluate(() => {
    const { watch } = globalThis as unknown as InPage
    watch.stop = true
    return watch.lengths_ms
  })
  const sorted = lengths_ms.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  return { frames: sorted.length, p50_ms: at(0.5), p99_ms: at(0.99), longest_ms: at(1) }
}
