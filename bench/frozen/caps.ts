/** One address opens more streams than it may, reads none of them, and leaves. */
import type { Redis } from 'ioredis'
import { KEYS } from '../../shared/keys.ts'
import type { Workerd } from '../edge/workerd.ts'
import { addressOf, FrozenReader } from './readers.ts'

export interface Caps {
  readonly asked: number
  readonly opened: number
  readonly refused: number
  /** until Redis counted no stream of anybody; null: it still did after all this time */
  readonly leases_gone_ms: number | null
}

const GONE_WITHIN_MS = 60_000
const LOOK_EVERY_MS = 250

export async function caps({ url }: Workerd, redis: Redis, asked: number): Promise<Caps> {
  const port = Number(new URL(url).port)
  const readers = await Promise.all(
    Array.from({ length: asked }, () => FrozenReader.open(port, addressOf(0, 1))),
  )
  const having = (wanted: number) => readers.filter(({ status }) => status === wanted).length
  const [opened, refused] = [having(200), having(429)]
  for (const reader of readers) reader.close()
  return { asked, opened, refused, leases_gone_ms: await untilNoLease(redis) }
}

/** How long until no stream is counted any more; null when it takes longer than a minute. */
export async function untilNoLease(redis: Redis): Promise<number | null> {
  const began_ms = performance.now()
  while ((await leases(redis)) > 0) {
    if (performance.now() - began_ms > GONE_WITHIN_MS) return null
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  return performance.now() - began_ms
}

/** Streams of all callers that Redis counts and that have not run out. */
export async function leases(redis: Redis): Promise<number> {
  let sum = 0
  for await (const keys of redis.scanStream({ match: `${KEYS.streams}*`, count: 1_000 })) {
    for (const key of keys as string[]) {
      for (const lease of Object.values(await redis.hgetall(key))) {
        const [count, last_ms] = lease.split(' ').map(Number)
        if ((last_ms ?? 0) > Date.now()) sum += count ?? 0
      }
    }
  }
  return sum
}
