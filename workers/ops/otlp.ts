/**
 * Sends the metrics by OpenTelemetry's protocol (OTLP over HTTP, JSON) where an address is set, for
 * those who have no Prometheus to ask. The names and values are those of /metrics. What could not be
 * sent is not kept: sums are cumulative, the next sending says it all.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { every } from './every.ts'

export interface OtlpOptions {
  readonly registry: Registry
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  /** who sends: service.name, service.instance.id, … */
  readonly resource: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly log: Log
  readonly every_ms?: number
}

const EVERY_MS = 15_000
const ANSWER_WITHIN_MS = 10_000
/** AGGREGATION_TEMPORALITY_CUMULATIVE */
const CUMULATIVE = 2

/** The function it returns ends it. */
export function startOtlp(options: OtlpOptions): () => Promise<void> {
  const { endpoint, log, clock, every_ms = EVERY_MS } = options
  const started_ms = clock.wall_ms()
  const ending = new AbortController()
  let failing = false
  const push = async () => {
    await send(options, started_ms, ending.signal)
    if (failing) log.info('metrics are sent again', { endpoint })
    failing = false
  }
  const stop = every(every_ms, push, (error) => {
    // one line an outage, not one an attempt
    if (!failing && !ending.signal.aborted) {
      log.warn('metrics could not be sent', { endpoint, error })
    }
    failing = true
  })
  return () => {
    // a collector that does not answer must not hold up the end of the process
    ending.abort()
    return stop()
  }
}

async function send(options: OtlpOptions, started_ms: number, ending: AbortSignal): Promise<void> {
  const { registry, endpoint, headers, resource, clock } = options
  const metrics = toOtlp(await registry.getMetricsAsJSON(), started_ms, clock.wall_ms())
  const body = {
    resourceMetrics: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeMetrics: [{ scope: { name: 'spreadwire' }, metrics }],
      },
    ],
  }
  const response = await fetch(`${endpoint.replace(/\/+$/, '')}/v1/metrics`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.any([ending, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    redirect: 'error',
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`the collector answered ${response.status}`)
}

type Point = Record<string, unknown>
/** prom-client names the parts of a histogram and does not declare it. */
type HistogramValue = MetricValue<string> & { readonly metricName?: string }

/** Moments are milliseconds since 1970. */
function toOtlp(
  metrics: readonly MetricObjectWithValues<MetricValue<string>>[],
  started_ms: number,
  now_ms: number,
): Record<string, unknown>[] {
  const times = { startTimeUnixNano: nanoseconds(started_ms), timeUnixNano: nanoseconds(now_ms) }
  return metrics.flatMap((metric): Record<string, unknown>[] => {
    const { name, help: description } = metric
    const type = String(metric.type)
    const points = (type === 'histogram' ? histogramPoints : numberPoints)(metric.values)
    if (points.length === 0) return []
    const dataPoints = points.map((point) => ({ ...times, ...point }))
    const unit = name.includes('_seconds') ? 's' : name.includes('_bytes') ? 'By' : '1'
    const head = { name, description, unit }
    if (type === 'histogram') {
      return [{ ...head, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } }]
    }
    if (type === 'counter') {
      const aggregation = { aggregationTemporality: CUMULATIVE, isMonotonic: true }
      return [{ ...head, sum: { ...aggregation, dataPoints } }]
    }
    return [{ ...head, gauge: { dataPoints } }]
  })
}

function numberPoints(values: readonly MetricValue<string>[]): Point[] {
  return values
    .filter(({ value }) => Number.isFinite(value))
    .map(({ labels, value }) => ({ attributes: attributesOf(labels), asDouble: value }))
}

/** Ours have no labels: one point. prom-client counts each bucket with all below it, OTLP alone. */
function histogramPoints(values: readonly HistogramValue[]): Point[] {
  const named = (ending: string) =>
    values.filter(({ metricName }) => metricName?.endsWith(ending) === true)
  const buckets = named('_bucket')
  const counts = buckets.map(({ value }, i) => value - (buckets[i - 1]?.value ?? 0))
  const bounds = buckets.flatMap(({ labels }) => (labels.le === '+Inf' ? [] : [Number(labels.le)]))
  if (buckets.length === 0) return []
  return [
    {
      attributes: [],
      explicitBounds: bounds,
      bucketCounts: counts.map(String),
      count: String(named('_count')[0]?.value ?? 0),
      sum: named('_sum')[0]?.value ?? 0,
    },
  ]
}

function attributesOf(labels: Partial<Record<string, string | number>>) {
  return Object.entries(labels).map(([key, value]) => ({
    key,
    value: { stringValue: String(value) },
  }))
}

/** As text: more digits than a JavaScript number has. */
function nanoseconds(wall_ms: number): string {
  return `${Math.round(wall_ms)}000000`
}
