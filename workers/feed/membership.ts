/**
 * Which markets a feed follows: those that join are subscribed beside the others, those that leave
 * are halted and left, changed rules are taken over. It chooses no market and subscribes none itself.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Market } from '../../shared/market.ts'
import type { Books } from '../book/books.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { Fleet } from './fleet.ts'
import type { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import type { Recovery } from './recovery.ts'

export interface MembershipOptions {
  readonly exchange: Exchange
  readonly books: Books
  readonly clock: Clock
  readonly log: Log
  readonly intake: Intake
  readonly fleet: Fleet
  readonly recovery: Recovery
  /** a market opened or closed: the list that it is on should explain that */
  readonly onListChanged?: () => void
}

export class Membership {
  private readonly options: MembershipOptions
  /** markets that do not trade, those that left among them */
  private closed = 0

  constructor(options: MembershipOptions) {
    this.options = options
  }

  watch(markets: readonly Market[]): void {
    const { exchange, books, log, intake, fleet } = this.options
    const wanted = new Map(markets.map((market) => [market.market, market]))
    for (const lane of intake.lanes.filter(({ watched }) => watched)) {
      const market = wanted.get(lane.market)
      wanted.delete(lane.market)
      if (market === undefined) this.leave(lane)
      else if (!isDeepStrictEqual(market, lane.entry.market)) books.revise(lane.entry, market)
    }
    const joining = [...wanted.values()].map((market) => this.join(market))
    if (joining.length > 0) {
      const names = joining.map((lane) => lane.market)
      log.info('markets join', { exchange: exchange.id, markets: names })
    }
    fleet.add(joining)
    this.closed = this.countClosed()
  }

  /** Call it a few times a second: a market that opens or closes is news of the list. */
  sweep(): void {
    const { closed } = this
    this.closed = this.countClosed()
    if (this.closed !== closed) this.options.onListChanged?.()
  }

  private join(market: Market): Lane {
    const { books, exchange, intake } = this.options
    const known = books.get(exchange.id, market.market)
    if (known !== undefined) books.revise(known, market)
    return intake.watch(known ?? books.add(market))
  }

  private leave(lane: Lane): void {
    const { exchange, books, log, fleet, recovery, intake, clock } = this.options
    log.info('a market leaves', { exchange: exchange.id, market: lane.market })
    fleet.remove(lane)
    recovery.forget(lane)
    books.revise(lane.entry, { ...lane.entry.market, trading: false })
    intake.leave(lane, clock.monotonic_ms())
  }

  private countClosed(): number {
    return this.options.intake.lanes.filter(({ trading }) => !trading).length
  }
}
