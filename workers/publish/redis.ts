/**
 * Redis connections as this worker needs them. A `command` connection fails fast, because its users
 * keep what they could not send; a `patient` one waits through an outage, because its users have
 * nothing better to do. Neither ever throws by itself: losing Redis is an expected state, told in the log.
 */
import { Redis } from 'ioredis'
import type { Log } from '../../shared/log.ts'

export type ConnectionKind = 'command' | 'patient'

/** A dead link answers nothing: a command without an answer for so long has failed. */
const COMMAND_TIMEOUT_MS = 3_000
/** Longer than the longest read that waits for news (BullMQ's takes up to 10 s). */
const PATIENT_SILENCE_MS = 30_000
/** As short: what waits in the outbox should be on its way seconds after the network is back. */
const CONNECT_TIMEOUT_MS = 3_000
const RECONNECT_FIRST_MS = 50
/** Redis is the meeting point of everything: look for it often. */
const RECONNECT_MAX_MS = 1_000

export function connectRedis(url: string, kind: ConnectionKind, name: string, log: Log): Redis {
  const redis = new Redis(url, {
    connectionName: `spreadwire-${name}`,
    // Railway's private network is IPv6 only: ask for both families.
    family: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) =>
      Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS),
    // After a failover the old address may answer as a replica: connect again. Who waits anyway has
    // the command sent once more (2), the others send it again themselves.
    reconnectOnError: (error) => isFailover(error) && (kind === 'patient' ? 2 : 1),
    ...(kind === 'command'
      ? {
          enableOfflineQueue: false,
          maxRetriesPerRequest: 1,
          commandTimeout: COMMAND_TIMEOUT_MS,
          socketTimeout: COMMAND_TIMEOUT_MS,
        }
      : { maxRetriesPerRequest: null, socketTimeout: PATIENT_SILENCE_MS }),
  })
  reportOutages(redis, name, log)
  return redis
}

/** Also out of a script, whose words come first in older versions. */
function isFailover({ message }: Error): boolean {
  return /(^|-)(READONLY|LOADING|MASTERDOWN) /.test(message)
}

/** One line when the connection is lost and one when it is back, not one an attempt. */
function reportOutages(redis: Redis, name: string, log: Log): void {
  let told = false
  redis.on('error', (error: Error) => {
    if (told) return
    told = true
    log.warn('redis is not reachable', { connection: name, error })
  })
  redis.on('ready', () => {
    if (told) log.info('redis is reachable again', { connection: name })
    told = false
  })
}

/** Resolves when the connection is usable, or after `at_most_ms` in any case. */
export function untilReady(redis: Redis, at_most_ms: number): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      redis.off('ready', done)
      resolve()
    }
    const timer = setTimeout(done, at_most_ms)
    redis.once('ready', done)
  })
}
