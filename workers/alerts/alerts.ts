/**
 * The alerts of one worker, put together: event stream → `alerts` queue → router → `deliveries` queue
 * → receivers, with the subscriptions, the commands of the API and the records beside it. It builds
 * every part and takes them down again in order; it decides nothing.
 */
import type { Redis } from 'ioredis'
import type { Pool } from 'pg'
import type { Clock } from '../../shared/clock.ts'
import type { EventType } from '../../shared/event.ts'
import { GROUPS, KEYS } from '../../shared/keys.ts'
import type { Log } from '../../shared/log.ts'
import type { AttemptResult } from '../../shared/webhook.ts'
import { newMessageId } from '../../shared/webhook.ts'
import { GroupConsumer, type GroupOptions } from '../publish/group.ts'
import { createAttempt } from './attempt.ts'
import { createCommands } from './commands.ts'
import { settledWithin } from './deadline.ts'
import { startDeliveries } from './deliver.ts'
import { createDeliveryLog } from './delivery-log.ts'
import { createDisable } from './disable.ts'
import { startDispatcher } from './dispatch.ts'
import { createEgress, type EgressOptions } from './egress.ts'
import type { Endpoint } from './endpoint.ts'
import { createGate } from './gate.ts'
import { createQueues, type DisableJob, disableJob } from './jobs.ts'
import { createEnqueue } from './queue.ts'
import { createRecords } from './records.ts'
import { createRouter } from './route.ts'
import { SCHEDULES, type Schedules } from './schedule.ts'
import { createStandings } from './standings.ts'
import { Subscriptions } from './subscriptions.ts'
import { createWindows } from './windows.ts'

export interface AlertsOptions {
  /** makes `patient` connections of their own */
  readonly connect: (name: string) => Redis
  readonly database_url: string
  readonly pool: Pool
  readonly worker_id: string
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly egress: Omit<EgressOptions, 'clock'>
  /** where messages for people link to; null: nowhere */
  readonly dashboard_url: string | null
  readonly schedules?: Schedules
  readonly onDispatched: (type: EventType, latency_ms: number) => void
  readonly onResult: (result: AttemptResult, latency_ms: number | null) => void
}

export interface Alerts {
  /** Deliveries that waited when Redis was asked last. */
  readonly waiting: () => number
  readonly stop: (deadline_ms: number) => Promise<void>
}

/** What a dead worker had read is read again this soon: an alert is worth 15 s, and records wait for its
 * messages. */
const CLAIM_AFTER_MS = 2_000
const COUNT_EVERY_MS = 2_000
/** What became of an attempt is looked at by people. */
const RECORDS_GATHER_MS = 200

export function startAlerts(options: AlertsOptions): Alerts {
  const { connect, database_url, pool, worker_id, clock, log, random } = options
  const { schedules = SCHEDULES } = options
  const redis = connect('alerts')
  const queues = createQueues(redis, log)
  const delivery_log = createDeliveryLog(redis)
  const subscriptions = new Subscriptions({ database_url, log })
  const egress = createEgress({ ...options.egress, clock })
  const router = createRouter({
    subscriptions,
    windows: createWindows(redis),
    queues,
    delivery_log,
    schedules,
    clock,
    onResult: options.onResult,
  })
  const switchOff = (endpoint: Endpoint, reason: DisableJob['reason']) => {
    const job = { webhook_id: endpoint.id, reason, at_ms: clock.wall_ms() }
    return queues.alert([disableJob({ ...job, message_id: newMessageId() })])
  }
  const standings = createStandings({
    pool,
    clock,
    log,
    onHopeless: (endpoint) => switchOff(endpoint, 'failing'),
  })
  const consume = (
    stream: string,
    group: string,
    handle: GroupOptions['handle'],
    more: Partial<GroupOptions> = {},
  ) => {
    const own = { redis: connect(group), consumer: worker_id, clock, log }
    const consumer = new GroupConsumer({ ...own, stream, group, handle, ...more })
    consumer.start()
    return consumer
  }

  subscriptions.start()
  const dispatcher = startDispatcher({
    redis: connect('dispatch'),
    clock,
    log,
    subscriptions,
    router,
    disable: createDisable({ pool, log, subscriptions, router }),
    onDispatched: options.onDispatched,
  })
  const deliveries = startDeliveries({
    redis: connect('deliver'),
    clock,
    log,
    random,
    subscriptions,
    attempt: createAttempt({ egress, clock, dashboard_url: options.dashboard_url }),
    gate: createGate({ clock, recall: queues.hurry }),
    standings,
    delivery_log,
    schedules,
    onGone: async (endpoint) => {
      subscriptions.turnOff(endpoint.id)
      await switchOff(endpoint, 'gone')
    },
    onResult: options.onResult,
  })
  const events = consume(KEYS.events, GROUPS.alerts, createEnqueue(queues, log), {
    claim_after_ms: CLAIM_AFTER_MS,
  })
  const commands = consume(
    KEYS.webhook_commands,
    GROUPS.commands,
    createCommands({ pool, clock, log, subscriptions, queues, delivery_log }),
  )
  const records = consume(KEYS.delivery_log, GROUPS.records, createRecords({ pool, clock, log }), {
    remove: true,
    claim_after_ms: CLAIM_AFTER_MS,
    gather_ms: RECORDS_GATHER_MS,
  })

  let waiting = 0
  const count = setInterval(() => {
    queues.waiting().then(
      (number) => {
        waiting = number
      },
      (error) => log.debug('waiting deliveries were not counted', { error }),
    )
  }, COUNT_EVERY_MS)

  return {
    waiting: () => waiting,
    stop: async (deadline_ms) => {
      clearInterval(count)
      await Promise.all([events.stop(deadline_ms), commands.stop(deadline_ms)])
      await Promise.all([dispatcher.close(deadline_ms), deliveries.close(deadline_ms)])
      await Promise.all([
        records.stop(deadline_ms),
        settledWithin(standings.stop(), deadline_ms),
        settledWithin(subscriptions.stop(), deadline_ms),
        settledWithin(egress.close(), deadline_ms),
      ])
      redis.disconnect()
    },
  }
}
