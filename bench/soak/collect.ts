/**
 * Loaded into the worker by the soak alone (--import, --expose-gc): once a minute it collects all
 * garbage and says what is left, which is what a leak would show in, and how much of it V8 keeps for
 * the functions it compiled: that grows for as long as V8 finds more to compile, and up to all of it.
 */
import { setInterval } from 'node:timers'
import { getHeapSpaceStatistics } from 'node:v8'

const EVERY_MS = 60_000
/** machine code, bytecode and what belongs to them; nothing of ours can be in there */
const OF_CODE = /^(code|trusted)_/

setInterval(() => {
  globalThis.gc?.()
  let [data, code] = [0, 0]
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (OF_CODE.test(space_name)) code += space_used_size
    else data += space_used_size
  }
  process.stderr.write(`${JSON.stringify({ collected: { data, code } })}\n`)
}, EVERY_MS).unref()
