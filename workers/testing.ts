/**
 * Two sandbox exchanges that speak the real protocols over real sockets, with one market in common
 * whose prices the test moves: what the worker's own tests need of the outside world.
 */

import { SANDBOX_EXCHANGES } from '../sandbox/exchanges/index.ts'
import { listen } from '../sandbox/exchanges/server.ts'
import type {
  ChangeListener,
  Level,
  LevelChange,
  MarketSource,
  SimulatedMarket,
  Snapshot,
} from '../sandbox/market/source.ts'

const EXCHANGES = ['bybit', 'kraken'] as const
/** lots of 10^-5: 100 BTC a level */
const SIZE = 10_000_000
const DEPTH = 20

/** Books around a middle price of its own each: equal at first, apart when the test says so. */
class MovableSource implements MarketSource {
  readonly markets: readonly SimulatedMarket[] = [
    market('bybit', 'BTC', 'USDT'),
    market('kraken', 'BTC', 'USDT'),
    // What a tether is worth in dollars: without it no size is known in dollars.
    market('kraken', 'USDT', 'USD'),
  ]
  private readonly middles = [10_000, 10_000, 100]
  private readonly versions = this.markets.map(() => 0)
  private readonly listeners = new Set<ChangeListener>()
  private size = SIZE

  snapshot(market: number): Snapshot {
    const middle = this.middles[market] ?? 0
    const side = (away: 1 | -1): Level[] =>
      Array.from({ length: DEPTH }, (_, i) => ({ price: middle + away * (i + 1), size: this.size }))
    return { bids: side(-1), asks: side(1), version: this.versions[market] ?? 0 }
  }

  onChange(listener: ChangeListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  move(market: number, middle: number): void {
    this.change(market, () => {
      this.middles[market] = middle
    })
  }

  /** Changes sizes only, so that every book keeps being confirmed. */
  breathe(): void {
    this.size = this.size === SIZE ? SIZE + 1 : SIZE
    for (const market of this.markets.keys()) this.change(market, () => {})
  }

  private change(market: number, apply: () => void): void {
    const gone = this.levels(market).map((level): LevelChange => ({ ...level, size: 0 }))
    apply()
    const here = this.levels(market)
    const kept = new Set(here.map(({ side, price }) => `${side} ${price}`))
    const changes = [...gone.filter(({ side, price }) => !kept.has(`${side} ${price}`)), ...here]
    this.versions[market] = (this.versions[market] ?? 0) + changes.length
    for (const listener of this.listeners) {
      listener(market, changes, this.versions[market] ?? 0, Date.now())
    }
  }

  private levels(market: number): LevelChange[] {
    const { bids, asks } = this.snapshot(market)
    return [
      ...bids.map((level): LevelChange => ({ side: 'bid', ...level })),
      ...asks.map((level): LevelChange => ({ side: 'ask', ...level })),
    ]
  }
}

function market(exchange: string, base: string, quote: string): SimulatedMarket {
  return {
    exchange,
    base,
    quote,
    symbol: `${base}/${quote}`,
    price_decimals: 2,
    size_decimals: 5,
    minimum_size: '0.00001',
    minimum_notional: '1',
    taker_fee_percent: '0.1',
  }
}

export interface TestExchanges {
  /** EXCHANGES and the addresses, for the worker's environment */
  readonly env: Readonly<Record<string, string>>
  /** BTC is 3 % dearer on Kraken from now on */
  openGap(): void
  closeGap(): void
  close(): Promise<void>
}

export async function startExchanges(): Promise<TestExchanges> {
  const source = new MovableSource()
  const servers = SANDBOX_EXCHANGES.filter(({ profile }) =>
    EXCHANGES.some((name) => name === profile.id),
  ).map(({ simulate }) => simulate(source))
  const listening = await Promise.all(servers.map((server) => listen(server)))
  const breath = setInterval(() => source.breathe(), 200)
  const env: Record<string, string> = { EXCHANGES: EXCHANGES.join(',') }
  for (const [index, { id }] of servers.entries()) {
    env[`${id.toUpperCase()}_WS_URL`] = listening[index]?.websocket_url ?? ''
    env[`${id.toUpperCase()}_REST_URL`] = listening[index]?.rest_url ?? ''
  }
  return {
    env,
    openGap: () => source.move(1, 10_300),
    closeGap: () => source.move(1, 10_000),
    close: async () => {
      clearInterval(breath)
      await Promise.all(listening.map((one) => one.close()))
    },
  }
}
