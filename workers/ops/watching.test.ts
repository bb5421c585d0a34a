/** The dashboard and the alert rules ask only for what /metrics shows, and each alert is explained. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Histogram } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { createMetrics } from './metrics.ts'
import { readPromql } from './testing-promql.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** Labels of the scrape, not of the metric. */
const SCRAPED = ['job', 'instance']

const Rules = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^[A-Z][A-Za-z]+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[smh]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
          annotations: z.strictObject({
            summary: z.string().regex(/\.$/),
            runbook_url: z.string(),
          }),
        }),
      ),
    }),
  ),
})
const alerts = Rules.parse(parse(read('workers/ops/alerts.yml'))).groups.flatMap(
  ({ rules }) => rules,
)

const Target = z.object({
  expr: z.string(),
  legendFormat: z.string(),
  datasource: z.object({ uid: z.string().regex(/^\$\{datasource\}$/) }),
})
const Panel = z.object({
  id: z.int(),
  type: z.enum(['row', 'stat', 'timeseries']),
  title: z.string().min(1),
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  targets: z.array(Target).optional(),
})
const Dashboard = z.object({
  uid: z.string(),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  annotations: z.object({ list: z.array(z.object({ expr: z.string() })) }),
  panels: z.array(Panel),
})
const dashboard = Dashboard.parse(JSON.parse(read('workers/ops/grafana/worker.json')))

/** Every series name of /metrics with the labels that it may carry. */
const known = new Map([['up', new Set(SCRAPED)], ...(await series())])

async function series(): Promise<[string, Set<string>][]> {
  const { registry } = createMetrics({
    build: { version: '0', environment: 'test' },
    exchanges: () => [],
    slow_frames: () => [],
    books: () => [],
    rejected: () => ({}),
    near_misses: () => ({}),
    outbox: () => ({ depth: 0, dropped_total: 0 }),
    stores: () => {
      const away = { ok: false, latency_ms: null, error: null }
      return { redis: away, postgres: away }
    },
    figures: () => null,
    sockets: () => ({ open: 0, let_go_total: 0 }),
    deliveries_waiting: () => 0,
    leads: () => [false],
    lateness: { quantile_ms: () => 0, reset: () => {} },
  })
  return registry.getMetricsAsArray().flatMap((metric): [string, Set<string>][] => {
    const { name, labelNames } = metric as unknown as { name: string; labelNames: string[] }
    const labels = new Set([...labelNames, ...SCRAPED])
    if (!(metric instanceof Histogram)) return [[name, labels]]
    return [
      [`${name}_bucket`, new Set([...labels, 'le'])],
      [`${name}_sum`, labels],
      [`${name}_count`, labels],
    ]
  })
}

/** @throws when the expression is malformed or asks for what /metrics does not show */
function check(expression: string): void {
  const { metrics, grouped_by } = readPromql(expression)
  expect(metrics.size).toBeGreaterThan(0)
  const offered = new Set<string>()
  for (const [metric, labels] of metrics) {
    const its = known.get(metric)
    if (its === undefined) throw new Error(`${expression}: there is no ${metric}`)
    for (const label of its) offered.add(label)
    for (const label of labels) {
      if (!its.has(label)) throw new Error(`${expression}: ${metric} has no label ${label}`)
    }
  }
  for (const label of grouped_by) {
    if (!offered.has(label)) throw new Error(`${expression}: nothing there has a label ${label}`)
  }
}

/** As renderers make an anchor of a heading of one word. */
const headings = new Set(
  read('docs/runbook.md')
    .split('\n')
    .flatMap((line) => /^#+ (\S+)$/.exec(line)?.[1]?.toLowerCase() ?? []),
)

describe('the alert rules', () => {
  it.each(alerts.map((alert) => [alert.alert, alert] as const))('%s', (name, alert) => {
    check(alert.expr)
    expect(alert.annotations.runbook_url).toBe(`docs/runbook.md#${name.toLowerCase()}`)
    expect(headings).toContain(name.toLowerCase())
    const { metrics, grouped_by } = readPromql(alert.expr)
    for (const [, label = ''] of alert.annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
      const kept =
        grouped_by.has(label) || [...metrics.keys()].every((m) => known.get(m)?.has(label))
      expect(kept, `${label} in the summary`).toBe(true)
    }
  })

  it('have names of their own', () => {
    const names = alerts.map(({ alert }) => alert)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('the dashboard', () => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')

  it.each(panels.map((panel) => [panel.title, panel] as const))('%s', (_title, panel) => {
    for (const { expr, legendFormat } of panel.targets ?? []) {
      check(expr)
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        const kept = readPromql(expr).grouped_by.has(label) || label === 'instance'
        expect(kept, `${legendFormat} of ${expr}`).toBe(true)
      }
    }
    expect(panel.targets?.length).toBeGreaterThan(0)
  })

  it('asks for its data source, marks restarts, and has no panel over another', () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'job'])
    for (const { expr } of dashboard.annotations.list) check(expr)
    const taken = new Set<string>()
    for (const { gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`)).toBe(false)
          taken.add(`${x} ${y}`)
        }
      }
    }
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('the check itself', () => {
  it.each([
    ['sum(arb_nothing_total)', /there is no arb_nothing_total/],
    ['arb_leader{exchange="x"}', /arb_leader has no label exchange/],
    ['sum by (market) (arb_book_state)', /nothing there has a label market/],
    ['sum(arb_leader', /expected \), found the end/],
    ['rate(arb_leader[5x])', /cannot read/],
    ['arb_leader >', /found the end/],
    ['arb_leader arb_leader', /expected an operator or the end/],
    ['median(arb_leader)', /expected an operator or the end, found \(/],
    ['arb_tick_to_signal_seconds', /there is no arb_tick_to_signal_seconds/],
  ])('finds what is wrong with %s', (expression, problem) => {
    expect(() => check(expression)).toThrow(problem)
  })
})
