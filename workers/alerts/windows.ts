/**
 * `min_interval_ms`: at most one alert an endpoint and chain of legs in that time. The first opens a
 * window and is sent at once; of what comes while it is open only the newest state is kept, and sent
 * at its end, where the next window opens. Every step may be repeated, by a worker that takes over
 * from a dead one: the same event gets the same answer, the same end gives the same state.
 */
import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Event } from '../../shared/event.ts'
import { KEYS } from '../../shared/keys.ts'
import type { Endpoint } from './endpoint.ts'
import { Message } from './message.ts'

/** A window outlives its end by so long, in case that nobody is there to see it. */
const KEEP_MS = 3_600_000

/** Stream ids compare by their two numbers, and Redis's own clock decides. */
const COMMON = `
  local function newer(a, b)
    local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
    local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
    if a_ms ~= b_ms then return tonumber(a_ms) > tonumber(b_ms) end
    return tonumber(a_seq) > tonumber(b_seq)
  end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/**
 * KEYS: window. ARGV: event id, message, interval, keep. Returns 0: send it now; -1: a newer state
 * was sent already; else the end of the window, at which the newest state is due.
 */
const OFFER = `${COMMON}
  local state = redis.call('HMGET', KEYS[1], 'until', 'sent', 'newest')
  local ends, sent, newest = tonumber(state[1] or 0), state[2], state[3]
  if sent then
    if sent == ARGV[1] then return '0' end
    if not newer(ARGV[1], sent) then return '-1' end
  end
  if ends <= now and not newest then
    redis.call('HSET', KEYS[1], 'until', string.format('%d', now + ARGV[3]), 'sent', ARGV[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[3] + ARGV[4])
    return '0'
  end
  if not newest or newer(ARGV[1], newest) then
    redis.call('HSET', KEYS[1], 'newest', ARGV[1], 'message', ARGV[2])
  end
  return string.format('%d', ends)`

/**
 * KEYS: window. ARGV: the end that has come, interval, keep. Returns the message that is due, or nil.
 * What was taken is kept until the next end, for whoever has to take it again.
 */
const TAKE = `${COMMON}
  local state = redis.call('HMGET', KEYS[1], 'until', 'newest', 'message', 'taken', 'taken_message')
  if state[4] == ARGV[1] then return state[5] end
  if state[1] ~= ARGV[1] or not state[2] then return nil end
  redis.call('HSET', KEYS[1], 'until', string.format('%d', now + ARGV[2]), 'sent', state[2],
    'taken', ARGV[1], 'taken_message', state[3])
  redis.call('HDEL', KEYS[1], 'newest', 'message')
  redis.call('PEXPIRE', KEYS[1], ARGV[2] + ARGV[3])
  return state[3]`

export type Verdict =
  | { readonly kind: 'send' }
  /** a newer state of the same legs has been sent */
  | { readonly kind: 'superseded' }
  /** in milliseconds since 1970; the end is also the window's name */
  | { readonly kind: 'wait'; readonly until_ms: number }

export interface Windows {
  offer(endpoint: Endpoint, chain: string, message: Message): Promise<Verdict>
  /** The newest state at the end of a window; null when it is gone or was overtaken. */
  take(endpoint: Endpoint, chain: string, until_ms: number): Promise<Message | null>
}

interface WindowCommands {
  alertWindowOffer(key: string, id: string, message: string, ...ms: number[]): Promise<string>
  alertWindowTake(key: string, until: string, ...ms: number[]): Promise<string | null>
}

/** `redis` is a `patient` connection. */
export function createWindows(redis: Redis): Windows {
  redis.defineCommand('alertWindowOffer', { numberOfKeys: 1, lua: OFFER })
  redis.defineCommand('alertWindowTake', { numberOfKeys: 1, lua: TAKE })
  const commands = redis as Redis & WindowCommands
  const key = ({ id }: Endpoint, chain: string) => `${KEYS.alert_window}${id}:${chain}`
  return {
    async offer(endpoint, chain, message) {
      const until_ms = Number(
        await commands.alertWindowOffer(
          key(endpoint, chain),
          message.id,
          JSON.stringify(message),
          endpoint.min_interval_ms,
          KEEP_MS,
        ),
      )
      if (until_ms === 0) return { kind: 'send' }
      return until_ms < 0 ? { kind: 'superseded' } : { kind: 'wait', until_ms }
    },
    async take(endpoint, chain, until_ms) {
      const taken = await commands.alertWindowTake(
        key(endpoint, chain),
        String(until_ms),
        endpoint.min_interval_ms,
        KEEP_MS,
      )
      return taken === null ? null : Message.parse(JSON.parse(taken))
    },
  }
}

/** What an event is about, in the same words for as long as it goes on: its type and legs. */
export function chainOf(event: Event): string {
  const words =
    event.type === 'exchange.status'
      ? [event.type, event.data.id]
      : [
          event.data.type,
          ...event.data.legs.map(({ exchange, market, side }) => `${exchange}|${market}|${side}`),
        ]
  return createHash('sha256').update(JSON.stringify(words)).digest('base64url').slice(0, 22)
}
