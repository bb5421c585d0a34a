/**
 * Looks into workerd's own heap through its debugger: once a minute it collects all garbage of the
 * app, the hub included, and notes down what is left, which is what a leak would show in. The size of
 * the process says less: it goes up and down with when the collector likes to run.
 */
import { setInterval } from 'node:timers'
import WebSocket from 'ws'
import { z } from 'zod'
import type { Heap } from './rig.ts'

const EVERY_MS = 60_000
const ANSWERS_WITHIN_MS = 20_000

const Answer = z.object({ id: z.int(), result: z.object({ usedSize: z.number().optional() }) })

/** `inspector`: host and port. @throws Error when the debugger cannot be reached. */
export async function watchEdgeHeap(inspector: string, heaps: Heap[]): Promise<() => void> {
  const socket = new WebSocket(`ws://${inspector}/edge`)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const waiting = new Map<number, (bytes: number | undefined) => void>()
  socket.on('message', (data) => {
    const answer = Answer.safeParse(JSON.parse(String(data)))
    if (!answer.success) return
    waiting.get(answer.data.id)?.(answer.data.result.usedSize)
    waiting.delete(answer.data.id)
  })
  let last_id = 0
  const ask = (method: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const id = ++last_id
      waiting.set(id, resolve)
      socket.send(JSON.stringify({ id, method }))
      const late = new Error(`workerd did not answer ${method}`)
      setTimeout(() => reject(late), ANSWERS_WITHIN_MS).unref()
    })
  const look = async () => {
    await ask('HeapProfiler.collectGarbage')
    const bytes = await ask('Runtime.getHeapUsage')
    if (bytes !== undefined) heaps.push({ at_ms: performance.now(), bytes })
  }
  // one that is missing makes the verdict worse, never better
  const timer = setInterval(() => void look().catch(() => {}), EVERY_MS)
  return () => {
    clearInterval(timer)
    socket.terminate()
  }
}
