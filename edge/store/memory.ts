/** What the edge itself must remember between two runs, in Redis: what it told the operator last. */
import { z } from 'zod'
import { KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import { Timestamp } from '../../shared/opportunity.ts'
import type { StoreSettings } from '../environment.ts'
import { type Answer, ask } from './answer.ts'
import { redisOver } from './clients.ts'

const WorkerState = z.object({ state: z.enum(['alive', 'dead']), since: Timestamp })
export type WorkerState = z.infer<typeof WorkerState>

export interface Memory {
  /** null: nothing was told yet, or what was kept cannot be read */
  workerState(): Promise<Answer<WorkerState | null>>
  setWorkerState(state: WorkerState): Promise<Answer<true>>
}

export function memoryStore(settings: StoreSettings, log: Log): Memory {
  const redis = redisOver(settings)
  return {
    workerState: () =>
      ask('redis', log, async () => {
        const text = await redis.get<string | null>(KEYS.watchdog)
        return text === null ? null : (WorkerState.safeParse(parsed(text)).data ?? null)
      }),
    setWorkerState: (state) =>
      ask('redis', log, async () => {
        await redis.set(KEYS.watchdog, JSON.stringify(state))
        return true as const
      }),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
