/**
 * The worker: exchange sockets → books → detection → Redis and Postgres, and alert jobs. This is the
 * composition root: it builds every part, joins them and takes them down again. It decides nothing.
 * `node workers/main.ts --check-config` only validates the environment and exits 0 or 1.
 */
import './ops/heap.ts'
import './ops/inlining.ts'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import packageJson from '../package.json' with { type: 'json' }
import { systemClock as clock } from '../shared/clock.ts'
import { format, fromNumber } from '../shared/decimal.ts'
import { GROUPS, KEYS } from '../shared/keys.ts'
import { hideSecretsOf } from '../shared/redact.ts'
import { Accounts } from './accounts.ts'
import { startAlerts } from './alerts/alerts.ts'
import { settledWithin } from './alerts/deadline.ts'
import { Books } from './book/books.ts'
import { describeProblems } from './config/problems.ts'
import { type Config, readConfig } from './config.ts'
import { Detector } from './detection/detector.ts'
import { createFees } from './detection/fees.ts'
import { markout } from './detection/markout.ts'
import { Transfers } from './detection/transfers.ts'
import { exchanges } from './exchanges/index.ts'
import { Gateway } from './gateway/gateway.ts'
import { Leading } from './leading.ts'
import { createIds } from './lifecycle/id.ts'
import { createBookView } from './ops/books.ts'
import { createExchangeBoard } from './ops/exchanges.ts'
import { createHealth } from './ops/health.ts'
import { createHeartbeat, startPulse } from './ops/heartbeat.ts'
import { watchLateness } from './ops/lateness.ts'
import { createLog, type OperatorLog, tellOperator } from './ops/log.ts'
import { createMetrics } from './ops/metrics.ts'
import { Operator } from './ops/operator.ts'
import { startOtlp } from './ops/otlp.ts'
import { connectPostgres, createPostgresProbe, endPostgres } from './ops/postgres.ts'
import { QueuePage } from './ops/queues.ts'
import { readinessOf } from './ops/readiness.ts'
import { startRetention } from './ops/retention.ts'
import { startOpsServer } from './ops/server.ts'
import { giveUp, installLastResort, installShutdown } from './ops/shutdown.ts'
import { watchStoreFigures } from './ops/store-figures.ts'
import { startWatchdog } from './ops/watchdog.ts'
import { Pipeline } from './pipeline.ts'
import { createArchive } from './publish/archive.ts'
import { GroupConsumer } from './publish/group.ts'
import { NearMisses } from './publish/near-misses.ts'
import { connectRedis } from './publish/redis.ts'
import { Watch } from './watch.ts'

const RECHECK_EVERY_MS = 250
/** The history may be so much behind. */
const HISTORY_GATHERS_MS = 100
const CLOSE_DEADLINE_MS = 3_000

async function start(config: Config, log: OperatorLog): Promise<void> {
  const worker_id = `${hostname().slice(0, 40)}-${randomUUID().slice(0, 8)}`
  const { version } = packageJson
  const random = Math.random

  const redis = connectRedis(config.redis_url, 'command', 'main', log)
  const pool = connectPostgres(config.database_url, log)

  const { shard_count } = config
  const books = new Books(() => setImmediate(() => pipeline.round()))
  const watch = new Watch({ exchanges, config, books, clock, log, random, shard_count })
  const transfers = new Transfers()
  const accounts = new Accounts({ exchanges, config, books, transfers, clock, log, random })
  const fees = createFees(accounts)
  const lateness = watchLateness(clock, () => pipeline.recheck())
  const detector = new Detector({
    books,
    limits: config.limits,
    fees,
    clock,
    is_simulated: (exchange) => watch.isSimulated(exchange),
    arrivals: { late: lateness.late, behind: (entry) => watch.isBehind(entry) },
    log,
    transfers,
  })
  const is_simulated = (exchange: string) => watch.isSimulated(exchange)
  const near_misses = new NearMisses({ redis, clock, is_simulated })
  const leading = new Leading({
    redis,
    clock,
    log,
    worker_id,
    shard_count,
    min_percent: config.limits.min_percent,
    books,
    newId: createIds(random),
    measure: (legs) => markout(legs, books),
    feeOf: (market) => fees.of(market),
    near_misses,
    prices: detector.prices,
    readiness: () => readinessOf(watch.statuses()),
    onPublished: (type, waited_ms) => {
      metrics.signal_to_wire.observe(waited_ms / 1_000)
      const [subject, kind] = type.split('.')
      if (subject === 'opportunity' && kind !== undefined) metrics.opportunities.inc({ kind })
    },
    onShards: (shards) => watch.watchShards(shards),
    onLead: (shard, token, kind) => pipeline.lead(shard, token, kind),
  })
  const pipeline: Pipeline = new Pipeline({
    books,
    detector,
    terms: leading.terms,
    clock,
    onSignal: (latency_ms) => metrics.tick_to_signal.observe(latency_ms / 1_000),
    onNearMisses: (refused) => near_misses.offer(refused),
  })

  const postgres_probe = createPostgresProbe(pool, clock)
  const health = createHealth({
    clock,
    thresholds: {
      min_profit_percent: format(fromNumber(config.limits.min_percent, 8)),
      min_volume_usd: format(fromNumber(config.limits.min_volume_usd, 8)),
    },
    exchanges: () => watch.statuses(),
    redis: () => heartbeat.latest(),
    postgres: () => postgres_probe.latest(),
  })
  const tokens = () => leading.tokens
  const heartbeat = createHeartbeat({ redis, clock, worker_id, version, tokens, health })
  const metrics = createMetrics({
    build: { version, environment: config.environment },
    exchanges: () => watch.statuses(),
    slow_frames: () => watch.slowFrames(),
    books: () => books.all.map(({ market, state }) => ({ exchange: market.exchange, state })),
    rejected: () => detector.rejected,
    near_misses: () => near_misses.totals,
    outbox: () => leading,
    stores: () => ({ redis: heartbeat.latest(), postgres: postgres_probe.latest() }),
    figures: () => figures.latest(),
    leads: () => leading.terms.map((_, shard) => leading.tokens.has(shard)),
    sockets: () => ({ open: gateway.sockets, let_go_total: gateway.slow_total }),
    deliveries_waiting: () => alerts.waiting(),
    lateness,
  })

  const figures = watchStoreFigures(redis, clock, log)
  const { registry } = metrics
  const { admin_token } = config
  const queue_page = new QueuePage({
    connect: () => connectRedis(config.redis_url, 'patient', 'queue-page', log),
    log,
  })
  const server = await startOpsServer({
    port: config.port,
    clock,
    log,
    health,
    metrics: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    restricted:
      admin_token === null
        ? undefined
        : {
            operator: new Operator(admin_token, clock),
            books: createBookView(books, clock),
            queues: queue_page,
          },
  })
  const gateway: Gateway = new Gateway({
    http: server.http,
    redis_url: config.redis_url,
    redis,
    pool,
    limits: config.sockets,
    clock,
    log,
  })
  log.info('worker started', { worker_id, version, port: server.port })

  const connect = (name: string) => connectRedis(config.redis_url, 'patient', name, log)
  const archive = new GroupConsumer({
    redis: connect(GROUPS.archive),
    stream: KEYS.events,
    group: GROUPS.archive,
    consumer: worker_id,
    clock,
    log,
    handle: createArchive(pool, log),
    gather_ms: HISTORY_GATHERS_MS,
  })
  const alerts = startAlerts({
    connect,
    database_url: config.database_url,
    pool,
    worker_id,
    clock,
    log,
    random,
    egress: { allow_local: config.webhooks_allow_local },
    dashboard_url: config.public_url,
    onDispatched: (type, latency_ms) => {
      metrics.alerts.inc({ type })
      metrics.alert_latency.observe(latency_ms / 1_000)
    },
    onResult: (result, latency_ms) => {
      metrics.delivery_attempts.inc({ result })
      if (latency_ms !== null) metrics.delivery_latency.observe(Math.max(0, latency_ms) / 1_000)
    },
  })

  watch.start()
  accounts.start()
  leading.start()
  archive.start()
  const stopPulse = startPulse({
    redis,
    clock,
    log,
    worker_id,
    probes: [postgres_probe, heartbeat],
    exchanges: () => watch.statuses(),
    announces: () => leading.terms[0]?.is_leading === true,
    writeExchanges: createExchangeBoard(redis, tokens),
    announce: (drafts) => pipeline.announce(drafts),
  })
  const stopRetention = startRetention({
    pool,
    clock,
    log,
    days: config.retention_days,
    is_leader: () => leading.tokens.has(0),
    onDeleted: (table, rows) => metrics.retention_deleted.inc({ table }, rows),
  })
  const resource = {
    'service.name': 'spreadwire-worker',
    'service.version': version,
    'service.instance.id': worker_id,
  }
  const stopOtlp =
    config.otlp === null
      ? async () => {}
      : startOtlp({ ...config.otlp, registry, resource, clock, log })
  const rechecks = setInterval(() => pipeline.recheck(), RECHECK_EVERY_MS)

  const stopWatchdog = startWatchdog({
    clock,
    log,
    exchanges: () => watch.statuses(),
    redis: () => heartbeat.latest(),
    giveUp: (why, fields) => giveUp(log, why, fields),
    error_log_file: config.error_log_file,
  })

  installShutdown(log, async () => {
    await stopWatchdog()
    clearInterval(rechecks)
    lateness.stop()
    pipeline.end()
    await leading.stop()
    await Promise.all([
      gateway.close(),
      watch.stop(),
      accounts.stop(),
      archive.stop(CLOSE_DEADLINE_MS),
      alerts.stop(CLOSE_DEADLINE_MS),
    ])
    queue_page.close()
    const stops = [figures.stop(), stopRetention(), stopOtlp()]
    await Promise.all(stops.map((stop) => settledWithin(stop, CLOSE_DEADLINE_MS)))
    await stopPulse()
    redis.disconnect()
    await Promise.all([endPostgres(pool, CLOSE_DEADLINE_MS), server.close()])
  })
}

hideSecretsOf(process.env)
const settings = readConfig(process.env, exchanges)
const log = createLog({
  level: settings.ok ? settings.config.log_level : 'info',
  error_log_file: settings.ok ? settings.config.error_log_file : null,
  clock,
})
if (!settings.ok) {
  tellOperator(describeProblems(settings.problems))
  process.exitCode = 1
} else if (process.argv.includes('--check-config')) {
  tellOperator('The configuration is valid.')
} else {
  installLastResort(log)
  await start(settings.config, log)
}
