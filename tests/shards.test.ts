/** Two workers that share the coins: each opportunity is told once, by one of them, and none is missing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { keepTearing, longGaps } from '../bench/failover/gaps.ts'
import { Rig, type RunningWorker, until } from '../bench/failover/rig.ts'
import { KEYS, shardKey } from '../shared/keys.ts'

const SHARDS = 3
const LASTS_MS = 10_000

it('divides the coins, tells everything once, and goes on when one is killed', async () => {
  const rig = await Rig.start({
    ...{ seed: 3, symbols: 8, rate: 1, tears: 3 },
    variables: { SHARD_COUNT: String(SHARDS) },
  })
  const tearing = new AbortController()
  const holders = () =>
    Promise.all(
      Array.from({ length: SHARDS }, (_, shard) => rig.redis.get(shardKey('lease', shard))),
    )
  const allLed = async (by: readonly RunningWorker[]) => {
    const led = await holders()
    const ids = by.map(({ worker_id }) => worker_id)
    return ids.every((id) => led.includes(id)) && led.every((id) => ids.includes(id ?? ''))
  }
  try {
    const first = await rig.startWorker()
    await rig.ready(1)
    expect(await holders()).toEqual(Array.from({ length: SHARDS }, () => first.worker_id))
    const second = await rig.startWorker()
    await until('both to lead', () => allLed([first, second]))
    expect(await rig.redis.get(KEYS.shards)).toBe(String(SHARDS))

    const from_ms = Date.now()
    const torn = keepTearing(rig.sandbox, tearing.signal)
    await sleep(LASTS_MS)
    first.child.kill()
    rig.forget(first)
    await until('the other to lead all', () => allLed([second]))
    await sleep(LASTS_MS)
    tearing.abort()
    await torn
    const to_ms = Date.now()
    await rig.stopWorkers()
    await until('the ledger', () => rig.ledger.isUpToDate(rig.redis))
    await rig.sandbox.stop()
    expect(rig.ledger.faults).toEqual([])
    expect(await rig.redis.hkeys(KEYS.live)).toEqual([])
    const { gaps, missed } = await longGaps(rig.truth_file, rig.ledger.lives.values(), rig.redis, {
      ...{ from_ms, to_ms, least_ms: 8_000 },
    })
    expect(gaps).toBeGreaterThan(0)
    expect(missed).toEqual([])
  } finally {
    tearing.abort()
    await rig.stop()
  }
})
