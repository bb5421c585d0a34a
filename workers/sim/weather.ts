/** Lets the steps of a story happen, each in the part of the world that it names. */
import type { Change } from '../exchanges/testing.ts'
import { seededRandom } from '../replay/random.ts'
import type { Outside } from './outside.ts'
import type { Port } from './port.ts'
import type { Step } from './story.ts'
import type { TrueMarket } from './true-market.ts'
import type { View, Views } from './views.ts'

/** What steps can reach. Those that concern our own side are the world's business. */
export interface Scene {
  readonly views: Views
  /** the account's fee was read anew; null: it is not known any more */
  readonly setFee: (view: View, percent: string | null) => void
  readonly stall: (for_ms: number) => void
  readonly takeOver: () => void
}

type MarketStep = Extract<Step, { market: string }>
type ExchangeStep = Extract<Step, { exchange: string }>

export class Weather {
  private readonly scene: Scene
  private readonly ports: ReadonlySet<Port>

  constructor(scene: Scene) {
    this.scene = scene
    this.ports = new Set(scene.views.all.map(({ port }) => port))
  }

  /** A step that names what is not there any more does nothing: stories are shortened. */
  happen(step: Step, at_ms: number): void {
    if ('market' in step) {
      const view = this.scene.views.called(step.market)
      if (view !== undefined) this.happenToMarket(view, step, at_ms)
    } else if ('exchange' in step) {
      for (const port of this.ports) {
        if (port.exchange.id === step.exchange) this.happenToExchange(port, step, at_ms)
      }
    } else if (step.kind === 'stall') {
      this.scene.stall(step.for_ms)
    } else {
      this.scene.takeOver()
    }
  }

  /** From now on nothing goes wrong, every price is fair and everybody trades. */
  clear(random: () => number, at_ms: number): void {
    for (const port of this.ports) {
      port.outside.clear()
      this.setMaintenance(port, false, at_ms)
    }
    for (const view of this.scene.views.all) {
      publish(view, view.market.move(0, random), at_ms)
      this.setTrading(view, true, at_ms)
    }
  }

  /** Every market changes. */
  breathe(random: () => number, at_ms: number): void {
    for (const view of this.scene.views.all) publish(view, view.market.tick(random), at_ms)
  }

  private happenToMarket(view: View, step: MarketStep, at_ms: number): void {
    if (step.kind === 'trading') this.setTrading(view, step.open, at_ms)
    else if (step.kind === 'fee') this.scene.setFee(view, step.percent)
    else publish(view, changesOf(view.market, step), at_ms)
  }

  private happenToExchange(port: Port, step: ExchangeStep, at_ms: number): void {
    const { outside } = port
    const { kind } = step
    if (kind === 'maintenance') this.setMaintenance(port, step.on, at_ms)
    else if (kind === 'replace') outside.tell(at_ms, () => port.closing())
    else spoil(outside, step, at_ms)
  }

  private setTrading(view: View, open: boolean, at_ms: number): void {
    const { port, market } = view
    port.outside.tell(at_ms, (now_ms) => {
      view.is_closed = !open
      port.intake.tradingFrame(market.name, open, now_ms)
    })
  }

  private setMaintenance(port: Port, on: boolean, at_ms: number): void {
    port.outside.tell(at_ms, (now_ms) => {
      for (const view of this.scene.views.all) if (view.port === port) view.is_down = on
      port.intake.systemFrame(on ? 'maintenance' : 'online', 'for a while', now_ms)
    })
  }
}

function publish({ port, market }: View, changes: readonly Change[], at_ms: number): void {
  port.outside.publish(market, changes, at_ms)
}

function changesOf(
  market: TrueMarket,
  step: Exclude<MarketStep, { kind: 'trading' | 'fee' }>,
): readonly Change[] {
  const random = seededRandom(step.seed)
  switch (step.kind) {
    case 'tick':
      return market.tick(random)
    case 'cross':
      return market.cross(random)
    case 'empty':
      return market.empty(step.side)
    case 'move':
      return market.move(step.percent, random)
  }
}

function spoil(
  outside: Outside,
  step: Exclude<ExchangeStep, { kind: 'maintenance' | 'replace' }>,
  at_ms: number,
): void {
  switch (step.kind) {
    case 'cut':
      outside.cut(at_ms)
      break
    case 'mute':
      outside.mute()
      break
    case 'hold':
      outside.hold(at_ms + step.for_ms)
      break
    case 'clock':
      outside.setClock(step.by_ms)
      break
    case 'rest':
      outside.answer(step.answer)
      break
    default:
      outside.spoil(step.kind)
  }
}
