/** What the edge asks of the workers about webhooks: a stream in Redis that they read. */
import { KEYS, WEBHOOK_COMMANDS_MAX } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import type { WebhookCommand } from '../../shared/webhook.ts'
import type { StoreSettings } from '../environment.ts'
import { type Answer, ask } from './answer.ts'
import { redisOver } from './clients.ts'

/** Between two replays of much to the same webhook. */
const PAUSE_MS = 10_000

export interface WebhookCommands {
  send(command: WebhookCommand): Promise<Answer<true>>
  /** 0: the replay may begin, and others wait; else how long this one has to wait */
  pause_ms(webhook_id: string, replay_id: string): Promise<Answer<number>>
}

export function webhookCommands(settings: StoreSettings, log: Log): WebhookCommands {
  const redis = redisOver(settings)
  const query = <T>(question: () => Promise<T>) => ask('redis', log, question)
  return {
    send: (command) =>
      query(async () => {
        const data = JSON.stringify(command)
        const trim = { type: 'MAXLEN', comparison: '~', threshold: WEBHOOK_COMMANDS_MAX } as const
        await redis.xadd(KEYS.webhook_commands, '*', { data }, { trim })
        return true as const
      }),
    pause_ms: (webhook_id, replay_id) =>
      query(async () => {
        const key = KEYS.replay_pause + webhook_id
        const held = await redis.set(key, replay_id, { nx: true, get: true, px: PAUSE_MS })
        // the client asks twice when it hears nothing: then it is held by this very replay
        if (held === null || held === replay_id) return 0
        return Math.max(1, await redis.pttl(key))
      }),
  }
}
