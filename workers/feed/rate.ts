/** Messages a second over the last few seconds, from a counter that only grows. */

const WINDOW_MS = 5_000

export class Rate {
  per_second = 0
  private samples: { total: number; at_ms: number }[]

  constructor(now_ms: number) {
    this.samples = [{ total: 0, at_ms: now_ms }]
  }

  sample(total: number, now_ms: number): void {
    this.samples.push({ total, at_ms: now_ms })
    while (this.samples.length > 2 && now_ms - (this.samples[1]?.at_ms ?? now_ms) >= WINDOW_MS) {
      this.samples.shift()
    }
    const oldest = this.samples[0]
    if (oldest === undefined || now_ms <= oldest.at_ms) return
    const rate = ((total - oldest.total) * 1_000) / (now_ms - oldest.at_ms)
    this.per_second = Math.round(rate * 10) / 10
  }
}
