/**
 * The simulated market and its exchanges: steps the model by the wall clock, writes what could truly
 * be taken, and lets the exchanges serve it. It moves no price and speaks no protocol.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { systemClock } from '../../shared/clock.ts'
import type { ListingFault } from '../market/faults.ts'
import { createMarketModel } from '../market/model.ts'
import { createTruth } from '../market/truth.ts'
import type { Controls } from './commands.ts'
import type { SandboxExchange } from './exchange.ts'
import { type Host, openHost } from './host.ts'
import type { Observer } from './server.ts'

export const STEP_EVERY_MS = 10

export interface SimulationOptions {
  readonly exchanges: readonly SandboxExchange[]
  readonly seed: number
  readonly symbols: number
  readonly rate: number
  /** where the truth is written */
  readonly truth: string
  readonly min_percent: number
  readonly min_volume_usd: number
  readonly tears: number
  readonly faults: readonly ListingFault[]
}

export interface Simulation {
  readonly hosts: readonly Host[]
  readonly controls: Controls
  stop(): void
}

/** Opens every exchange, then lets the market go. `observe` sees what they say and hear. */
export async function simulate(
  options: SimulationOptions,
  observe: Observer | undefined,
): Promise<Simulation> {
  const model = createMarketModel({
    ...options,
    exchanges: options.exchanges.map(({ profile }) => profile),
  })
  const file = openSync(options.truth, 'w')
  const truth = createTruth({ ...options, model, write: (line) => writeSync(file, `${line}\n`) })
  const hosts: Host[] = []
  for (const { simulate: serve } of options.exchanges) {
    hosts.push(await openHost(serve(model), observe))
  }
  let paused = false
  let steps = 0
  const timer = setInterval(() => {
    if (paused) return
    const now_ms = systemClock.wall_ms()
    model.step(now_ms)
    truth.afterStep(now_ms)
    steps++
  }, STEP_EVERY_MS)
  return {
    hosts,
    controls: {
      model,
      operations: new Map(hosts.map(({ id, operations }) => [id, operations])),
      pause: () => {
        paused = true
        model.pause()
      },
      resume: () => {
        paused = false
      },
      status: () => ({ frames_sent: framesSent(hosts), cpu_seconds: cpuSeconds(), steps }),
    },
    stop: () => {
      clearInterval(timer)
      truth.close(systemClock.wall_ms())
      closeSync(file)
    },
  }
}

function framesSent(hosts: readonly Host[]): number {
  return hosts.reduce((sum, { frames_sent }) => sum + frames_sent, 0)
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
