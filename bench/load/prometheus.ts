/**
 * Prometheus's text format, as far as one scrape is compared with an earlier one: sums of counters
 * and quantiles of histograms over what happened between them.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */

type Labels = Readonly<Record<string, string>>

interface Sample {
  readonly name: string
  readonly labels: Labels
  readonly value: number
}

export type Samples = readonly Sample[]

export function parseMetrics(text: string): Samples {
  return text.split('\n').flatMap((line) => {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line)
    if (match === null) return []
    const [, name = '', labels = '', value] = match
    return [{ name, labels: labelsOf(labels), value: Number(value) }]
  })
}

/** The sum over all samples of that name whose labels include `labels`; 0 when there are none. */
export function sum(samples: Samples, name: string, labels: Labels = {}): number {
  return samples
    .filter((sample) => sample.name === name && includes(sample.labels, labels))
    .reduce((total, { value }) => total + value, 0)
}

/**
 * A quantile of what a histogram counted between two scrapes, interpolated within its bucket as
 * PromQL's histogram_quantile does; null when it counted nothing.
 */
export function quantile(
  before: Samples,
  after: Samples,
  histogram: string,
  share: number,
): number | null {
  const name = `${histogram}_bucket`
  const buckets = after
    .filter((sample) => sample.name === name)
    .map(({ labels }) => labels.le ?? '')
    .map((le) => ({
      bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
      count: sum(after, name, { le }) - sum(before, name, { le }),
    }))
    .sort((a, b) => a.bound - b.bound)
  const rank = share * (buckets.at(-1)?.count ?? 0)
  if (rank === 0) return null
  let below = { bound: 0, count: 0 }
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (bucket.bound === Number.POSITIVE_INFINITY) return below.bound
      const within = (rank - below.count) / (bucket.count - below.count)
      return below.bound + (bucket.bound - below.bound) * within
    }
    below = bucket
  }
  return below.bound
}

function labelsOf(text: string): Labels {
  const pairs = text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]))
}

function includes(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value)
}
