import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const LIMIT_BYTES = 16 << 20

/** Allocates for a second what survives for a moment, and prints the young generation's size. */
const PROGRAM = `
import { getHeapSpaceStatistics } from 'node:v8'
await import(process.argv[1])
const size = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size
let largest = 0
const kept = new Array(50_000)
for (let turn = 0; turn < 400; turn++) {
  for (let i = 0; i < 10_000; i++) kept[(turn * 10_000 + i) % kept.length] = { i, text: 'x' + i }
  largest = Math.max(largest, size())
  await new Promise((resolve) => setImmediate(resolve))
}
console.log(JSON.stringify({ largest, last: size() }))
`

it('lets the young generation grow to its limit and no further', async () => {
  const module = join(import.meta.dirname, 'heap.ts')
  const args = ['--input-type=module', '--eval', PROGRAM, module]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { largest, last } = JSON.parse(stdout)
  expect(largest).toBeLessThanOrEqual(LIMIT_BYTES * 1.1)
  expect(last).toBeGreaterThan(LIMIT_BYTES / 4)
})
