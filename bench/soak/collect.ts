/**
 * Loaded into the worker by the soak alone (--import, --expose-gc): once a minute it collects all
 * garbage and says what is left, which is what a leak would show in. It needs `--expose-gc`.
 */
import { setInterval } from 'node:timers'

const EVERY_MS = 60_000

setInterval(() => {
  globalThis.gc?.()
  const { heapUsed } = process.memoryUsage()
  process.stderr.write(`${JSON.stringify({ heap_after_collection: heapUsed })}\n`)
}, EVERY_MS).unref()
