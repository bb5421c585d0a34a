/**
 * How much one caller may ask, counted in Redis by @upstash/ratelimit (a sliding window). An isolate
 * counts for itself in between and reports at most once a second for each caller, so that neither a
 * busy nor a refused caller costs a round trip each time. What one isolate does not know of another is
 * that one second. While Redis is away every isolate counts alone: reads are served, not refused.
 */
import { Ratelimit } from '@upstash/ratelimit'
import type { Clock } from '../shared/clock.ts'
import { KEYS } from '../shared/keys.ts'
import type { Log } from '../shared/log.ts'
import { BoundedMap } from './bounded.ts'
import type { StoreSettings } from './environment.ts'
import type { KeepAlive } from './flights.ts'
import { ask } from './store/answer.ts'
import { redisOver } from './store/clients.ts'

export interface Policy {
  /** as it stands in the headers */
  readonly name: string
  readonly quota: number
}

export interface Verdict extends Policy {
  readonly allowed: boolean
  readonly remaining: number
  /** until there is more */
  readonly reset_s: number
}

/** What all quotas are for. */
export const WINDOW_S = 60
const WINDOW_MS = WINDOW_S * 1_000
const REPORT_EVERY_MS = 1_000
/** A limit that takes longer than this to look up is not worth waiting for. */
const TIMEOUT_MS = 1_000
const AWAY_MS = 5_000
const CALLERS_MAX = 20_000

interface Account {
  /** as far as this isolate knows */
  remaining: number
  reset_ms: number
  /** requests that Redis was not told of */
  unreported: number
  reported_ms: number
  /** Redis said that there is nothing left until `reset_ms` */
  blocked: boolean
}

interface Around {
  readonly settings: StoreSettings
  readonly clock: Clock
  readonly log: Log
  readonly keepAlive: KeepAlive
}

export class Meter {
  readonly #accounts = new BoundedMap<Account>(CALLERS_MAX)
  #away_until_ms = 0

  /** Counts one request of this caller and says whether it may go on. */
  async take(policy: Policy, caller: string, around: Around): Promise<Verdict> {
    const now_ms = around.clock.wall_ms()
    const name = `${policy.name}:${caller}`
    const known = this.#accounts.get(name)
    const account = known ?? opened(policy, now_ms)
    if (known === undefined) this.#accounts.set(name, account)
    if (account.blocked && now_ms < account.reset_ms) return verdict(policy, account, now_ms, false)
    account.blocked = false
    const away = now_ms < this.#away_until_ms
    if (away && now_ms >= account.reset_ms) renew(account, policy, now_ms)

    const is_due = now_ms - account.reported_ms >= REPORT_EVERY_MS && !away
    if (account.remaining <= 0 && !is_due) return verdict(policy, account, now_ms, false)
    account.remaining--
    account.unreported++
    if (is_due) {
      const report = this.#report(policy, name, account, around)
      // what is believed to be left is enough, except of a caller that was not met before
      if (known !== undefined && account.remaining >= 0) around.keepAlive(report)
      else await report
    }
    return verdict(policy, account, now_ms, account.remaining >= 0 && !account.blocked)
  }

  /** The same from memory alone: null, and nothing is counted, where `take` would do more or refuse. */
  takeKnown(policy: Policy, caller: string, clock: Clock): Verdict | null {
    const now_ms = clock.wall_ms()
    const account = this.#accounts.get(`${policy.name}:${caller}`)
    if (account === undefined || account.blocked || account.remaining <= 0) return null
    const is_due = now_ms - account.reported_ms >= REPORT_EVERY_MS
    if (is_due || now_ms < this.#away_until_ms) return null
    account.remaining--
    account.unreported++
    return verdict(policy, account, now_ms, true)
  }

  /** Whether this caller is known to have nothing left; it costs and counts nothing. */
  look(policy: Policy, caller: string, clock: Clock): Verdict {
    const now_ms = clock.wall_ms()
    const account = this.#accounts.get(`${policy.name}:${caller}`) ?? opened(policy, now_ms)
    const spent = account.blocked || account.remaining <= 0
    return verdict(policy, account, now_ms, !(spent && now_ms < account.reset_ms))
  }

  async #report(policy: Policy, name: string, account: Account, around: Around): Promise<void> {
    const { settings, clock, log } = around
    const count = account.unreported
    account.unreported = 0
    account.reported_ms = clock.wall_ms()
    const answer = await ask('redis', log, async () => {
      const limited = await limiter(policy, settings).limit(name, { rate: count })
      if (limited.reason === 'timeout') throw new DOMException('too late', 'TimeoutError')
      return limited
    })
    if (!answer.ok) {
      account.unreported += count
      this.#away_until_ms = clock.wall_ms() + AWAY_MS
      log.warn('requests are counted by each isolate alone while Redis is away')
      if (clock.wall_ms() >= account.reset_ms) renew(account, policy, clock.wall_ms())
      return
    }
    const { success, remaining, reset } = answer.value
    account.reset_ms = reset
    account.blocked = !success
    account.remaining = success ? remaining - account.unreported : 0
  }
}

function opened(policy: Policy, now_ms: number): Account {
  const reset_ms = now_ms + WINDOW_MS
  return { remaining: policy.quota, reset_ms, unreported: 0, reported_ms: 0, blocked: false }
}

function renew(account: Account, policy: Policy, now_ms: number): void {
  account.remaining = policy.quota
  account.reset_ms = now_ms + WINDOW_MS
}

function verdict(policy: Policy, account: Account, now_ms: number, allowed: boolean): Verdict {
  const reset_s = Math.max(1, Math.ceil((account.reset_ms - now_ms) / 1_000))
  return { ...policy, allowed, remaining: Math.max(0, account.remaining), reset_s }
}

/** Of one report: neither its connection nor its memory outlives the request. */
function limiter({ quota }: Policy, settings: StoreSettings): Ratelimit {
  return new Ratelimit({
    redis: redisOver(settings, TIMEOUT_MS),
    limiter: Ratelimit.slidingWindow(quota, `${WINDOW_S} s`),
    prefix: KEYS.rate,
    // who is refused is remembered above
    ephemeralCache: false,
    timeout: TIMEOUT_MS,
    enableTelemetry: false,
  })
}
