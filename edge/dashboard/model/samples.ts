/** Small charts of what an exchange was like: values in time, oldest first. Pure. */
import { pathOf, scale } from './scale.ts'
import { SAMPLES_MAX } from './state.ts'

/** How often an exchange is looked at. */
export const EVERY_SAMPLE_S = 3

/**
 * The line of a small chart, from zero to the greatest value. The newest stands at the right edge and
 * a short memory leaves the left empty; where there is no value the line is broken.
 */
export function sparkPath(
  values: readonly (number | null)[],
  width: number,
  height: number,
): string {
  const most = Math.max(...values.map((value) => value ?? 0), 0)
  const y = scale([0, most === 0 ? 1 : most], [height - 1, 1])
  const step = width / (SAMPLES_MAX - 1)
  const runs: { x: number; y: number }[][] = [[]]
  for (const [index, value] of values.entries()) {
    const x = width - (values.length - 1 - index) * step
    if (value === null) runs.push([])
    else runs.at(-1)?.push({ x, y: y(value) })
  }
  return runs.map(pathOf).join('')
}
