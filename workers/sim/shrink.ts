/**
 * Makes a failing story short: leaves out what is not needed to break the same promise, first in
 * halves, then in ever smaller pieces, then whole markets and exchanges. The result is smallest in
 * the sense that no single part can be left out.
 */
import type { Story } from './story.ts'

/** Whether this story still breaks the promise. */
export type Breaks = (story: Story) => Promise<boolean>

export async function shrink(story: Story, breaks: Breaks): Promise<Story> {
  let best = story
  for (;;) {
    const before = sizeOf(best)
    best = await less(best, 'steps', breaks)
    best = await less(best, 'markets', breaks)
    best = await less(best, 'exchanges', breaks)
    if (sizeOf(best) === before) return best
  }
}

const sizeOf = ({ steps, markets, exchanges }: Story) =>
  steps.length + markets.length + exchanges.length

/** Tries without each piece, and with smaller pieces when none can go (delta debugging). */
async function less(
  story: Story,
  part: 'steps' | 'markets' | 'exchanges',
  breaks: Breaks,
): Promise<Story> {
  let best = story
  let piece = Math.ceil(best[part].length / 2)
  while (piece >= 1) {
    // from the end: what comes after the break goes first
    for (let end = best[part].length; end > 0; end -= piece) {
      const items = best[part]
      const without = [...items.slice(0, Math.max(0, end - piece)), ...items.slice(end)]
      const shorter = { ...best, [part]: without }
      if (await breaks(shorter)) best = shorter
    }
    piece = piece === 1 ? 0 : Math.ceil(piece / 2)
  }
  return best
}
