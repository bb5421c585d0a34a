/** One caller that asks the usual things all the while, a few times a second, and waits for each answer. */
import { request } from 'node:http'

const EVERY_MS = 20
const GIVES_UP_AFTER_MS = 10_000

export class HealthyCaller {
  private took_ms: number[] = []
  private failed = 0
  private readonly port: number
  private readonly timer: NodeJS.Timeout

  constructor(port: number) {
    this.port = port
    this.timer = setInterval(() => void this.ask(), EVERY_MS)
  }

  /** Since it was asked before. */
  since(): { readonly p50_ms: number; readonly p99_ms: number; readonly failed: number } {
    const sorted = this.took_ms.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
    const found = { p50_ms: at(0.5), p99_ms: at(0.99), failed: this.failed }
    this.took_ms = []
    this.failed = 0
    return found
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private ask(): void {
    const began_ms = performance.now()
    const fail = () => void this.failed++
    const asked = request(
      { port: this.port, host: '127.0.0.1', path: '/v1/opportunities', timeout: GIVES_UP_AFTER_MS },
      (response) => {
        response.resume().on('end', () => {
          this.took_ms.push(performance.now() - began_ms)
          if (response.statusCode !== 200) fail()
        })
      },
    )
    asked.on('error', fail)
    asked.on('timeout', () => asked.destroy())
    asked.end()
  }
}
