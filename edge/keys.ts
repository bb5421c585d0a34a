/**
 * Whose key this is, asked of PostgreSQL no more often than every few seconds. An answer is trusted
 * for 4.5 s from the moment PostgreSQL was asked, wherever it is kept meanwhile (this isolate, Redis),
 * so a revoked key stops within 5 s everywhere. While PostgreSQL cannot be asked, a key that was known
 * within the last day goes on working; a key that nobody knows is not let in.
 */
import type { ApiKey } from '../shared/api-key.ts'
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import { BoundedMap } from './bounded.ts'
import { Flights, type KeepAlive } from './flights.ts'
import type { Answer } from './store/answer.ts'
import type { ApiKeys, Known } from './store/keys.ts'

/** Younger answers are not asked again. */
const FRESH_MS = 3_000
/** Until then an answer serves while it is asked again. */
const TRUSTED_MS = 4_500
/** PostgreSQL is away: how long the known keys are used without asking. */
const AWAY_MS = 5_000
const USED_EVERY_MS = 60_000
const HELD_MAX = 10_000

interface Held extends Known {
  /** PostgreSQL did not answer: not asked again before */
  readonly away_until_ms: number
}

interface Around {
  readonly store: ApiKeys
  readonly clock: Clock
  readonly log: Log
  readonly keepAlive: KeepAlive
}

export class KeyRing {
  readonly #held = new BoundedMap<Held>(HELD_MAX)
  readonly #asking = new Flights<Answer<ApiKey | null>>()

  /** Whether `find` would be answered from memory. */
  holds(hash: string): boolean {
    return this.#held.get(hash)?.key != null
  }

  /** The key with this SHA-256, revoked or not; null when there is none. */
  async find(hash: string, around: Around): Promise<Answer<ApiKey | null>> {
    const held = this.#held.get(hash)
    const now_ms = around.clock.wall_ms()
    const ask = () => this.#asking.join(hash, around.keepAlive, () => this.#ask(hash, held, around))
    if (held === undefined) return ask()
    const age_ms = now_ms - held.asked_ms
    if (age_ms < FRESH_MS || now_ms < held.away_until_ms) return { ok: true, value: held.key }
    if (age_ms >= TRUSTED_MS) return ask()
    if (!this.#asking.has(hash)) around.keepAlive(ask())
    return { ok: true, value: held.key }
  }

  async #ask(
    hash: string,
    held: Held | undefined,
    { store, clock, log, keepAlive }: Around,
  ): Promise<Answer<ApiKey | null>> {
    const recalled = await store.recall(hash)
    const remembered = recalled.ok ? recalled.value : null
    const asked_ms = clock.wall_ms()
    if (remembered !== null && Math.abs(asked_ms - remembered.asked_ms) < FRESH_MS) {
      this.#held.set(hash, { ...remembered, away_until_ms: 0 })
      return { ok: true, value: remembered.key }
    }
    const found = await store.find(hash)
    if (found.ok) {
      const known: Known = { key: found.value, asked_ms }
      this.#held.set(hash, { ...known, away_until_ms: 0 })
      if (found.value !== null) {
        keepAlive(store.remember(hash, known))
        if (isUnnoted(found.value, asked_ms)) keepAlive(store.markUsed(found.value.id))
      }
      return found
    }
    const last = newer(remembered, held ?? null)
    if (last === null || last.key === null) return found
    log.warn('PostgreSQL is away: a key is taken as it was last known', {
      key_id: last.key.id,
      age_ms: asked_ms - last.asked_ms,
    })
    this.#held.set(hash, { ...last, away_until_ms: clock.wall_ms() + AWAY_MS })
    return { ok: true, value: last.key }
  }
}

function isUnnoted({ last_used_at, revoked_at }: ApiKey, now_ms: number): boolean {
  if (revoked_at !== null) return false
  return last_used_at === null || now_ms - Date.parse(last_used_at) >= USED_EVERY_MS
}

function newer(one: Known | null, other: Known | null): Known | null {
  if (one === null || other === null) return one ?? other
  return one.asked_ms >= other.asked_ms ? one : other
}
