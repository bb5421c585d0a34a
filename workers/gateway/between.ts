/**
 * How the gateways of all workers reach each other, to cut the sockets of a key everywhere: through a
 * short stream in Redis. No event of ours passes here.
 */
import { createAdapter } from '@socket.io/redis-streams-adapter'
import { KEYS, SOCKETS_MAX } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { connectRedis } from '../publish/redis.ts'

/** The adapter opens connections that it never closes while Redis is away: they are kept here. */
export function connectGateways(redis_url: string, log: Log) {
  const redis = connectRedis(redis_url, 'patient', 'sockets', log)
  const connections = [redis]
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = (override) => {
    const copy = duplicate(override)
    connections.push(copy)
    return copy
  }
  const adapter = createAdapter(redis, {
    streamName: KEYS.sockets,
    channelPrefix: KEYS.sockets,
    maxLen: SOCKETS_MAX,
    onlyPlaintext: true,
  })
  const close = () => {
    for (const connection of connections) connection.disconnect()
  }
  return { adapter, close }
}
