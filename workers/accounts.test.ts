/** The sandbox exchanges check signatures, times and rights for real. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SANDBOX_EXCHANGES } from '../sandbox/exchanges/index.ts'
import { ChurningSource, market, serve } from '../sandbox/exchanges/testing.ts'
import { systemClock } from '../shared/clock.ts'
import type { Log, LogFields } from '../shared/log.ts'
import type { Market } from '../shared/market.ts'
import { Accounts } from './accounts.ts'
import { Books } from './book/books.ts'
import { createFees } from './detection/fees.ts'
import { Transfers } from './detection/transfers.ts'
import { exchanges } from './exchanges/index.ts'

const WAIT = { timeout: 10_000, interval: 10 }
const READER = { id: 'sandbox-reader', secret: 'sandbox-reader-secret' }
const TRADER = { id: 'sandbox-trader', secret: 'sandbox-trader-secret' }

interface Entry {
  readonly level: string
  readonly message: string
  readonly fields: LogFields
}

async function start(api_keys: Record<string, { id: string; secret: string }>, ahead_ms = 0) {
  const names = SANDBOX_EXCHANGES.map(({ profile }) => profile.id)
  const source = new ChurningSource(
    names.flatMap((name) => [market(name, 'BTC', 'USDT'), market(name, 'ETH', 'USDT')]),
  )
  const servers = await Promise.all(
    SANDBOX_EXCHANGES.map(({ simulate }) => serve(simulate(source))),
  )
  const books = new Books()
  for (const name of names) books.add(listed(name, 'BTCUSDT'))
  const entries: Entry[] = []
  const note =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      entries.push({ level, message, fields })
    }
  const log: Log = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
  }
  const transfers = new Transfers()
  const accounts = new Accounts({
    exchanges,
    config: {
      exchanges: exchanges.map(({ id }) => ({
        id,
        websocket_url: null,
        rest_url: servers[names.indexOf(id)]?.rest_url ?? null,
      })),
      api_keys: new Map(Object.entries(api_keys)),
    },
    books,
    transfers,
    clock: { ...systemClock, wall_ms: () => systemClock.wall_ms() + ahead_ms },
    log,
    random: () => 0,
    assets_after_ms: 0,
  })
  accounts.start()
  onTestFinished(() => accounts.stop())
  const fees = createFees(accounts)
  const fee = (exchange: string) => {
    const entry = books.get(exchange, 'BTCUSDT')
    if (entry === undefined) throw new Error(exchange)
    return fees.of(entry.market)
  }
  const label = (buy_at: string, sell_at: string) =>
    transfers.label(
      [
        [buy_at, 'buy'],
        [sell_at, 'sell'],
      ].map(([exchange = '', side]) => {
        const entry = books.get(exchange, 'BTCUSDT')
        if (entry === undefined) throw new Error(exchange)
        return { entry, side: side as 'buy' | 'sell' }
      }),
    ).transfer
  return { books, entries, fee, label }
}

function listed(exchange: string, name: string): Market {
  return {
    exchange,
    symbol: 'BTC/USDT',
    market: name,
    base: 'BTC',
    quote: 'USDT',
    price_step: '0.01',
    size_step: '0.00001',
    minimum_size: '0',
    minimum_notional: '0',
    taker_fee_percent: '0.1',
    trading: true,
  }
}

describe('a key that may only read', () => {
  it.each(['binance', 'bybit'])('tells what the account of %s is charged', async (exchange) => {
    const { fee, books } = await start({ [exchange]: READER })
    const before = books.get(exchange, 'BTCUSDT')?.market
    await vi.waitFor(
      () => expect(fee(exchange)).toEqual({ percent: '0.25', source: 'account' }),
      WAIT,
    )
    // whoever keeps a fee sees that the market is another
    expect(books.get(exchange, 'BTCUSDT')?.market).not.toBe(before)
    expect(books.takeDirty().map(({ market }) => market.exchange)).toContain(exchange)
    expect(fee('kraken')).toEqual({ percent: '0.1', source: 'schedule' })
  })

  it('is good although our clock is an hour off: the exchange’s own time is signed', async () => {
    const { fee } = await start({ binance: READER, bybit: READER }, 3_600_000)
    for (const exchange of ['binance', 'bybit']) {
      await vi.waitFor(() => expect(fee(exchange)?.source).toBe('account'), WAIT)
    }
  })

  it('tells which assets can be moved', async () => {
    const { label } = await start({ binance: READER, bybit: READER })
    await vi.waitFor(() => expect(label('binance', 'bybit')).not.toBe('unknown'), WAIT)
  })
})

describe('a key that may do more', () => {
  it.each([
    ['binance', ['enableWithdrawals', 'enableSpotAndMarginTrading']],
    ['bybit', ['Read-Write', 'Spot: SpotTrade', 'Wallet: AccountTransfer', 'Wallet: Withdraw']],
  ])('is refused by naming the rights to remove: %s', async (exchange, remove) => {
    const { entries, fee, label } = await start({ [exchange]: TRADER })
    await vi.waitFor(() => expect(entries.map(({ level }) => level)).toContain('error'), WAIT)
    const refusal = entries.find(({ level }) => level === 'error')
    expect(refusal?.message).toMatch(/may do more than read.*remove these rights/)
    expect(refusal?.fields).toEqual({ exchange, remove })
    expect(fee(exchange)).toEqual({ percent: '0.1', source: 'schedule' })
    expect(label(exchange, 'coinbase')).toBe('unknown')
  })
})

describe('a key with a wrong secret', () => {
  it.each(['binance', 'bybit'])(
    'leaves list fees in force and shows nobody: %s',
    async (exchange) => {
      const secret = 'not-what-it-should-be'
      const { entries, fee } = await start({ [exchange]: { ...READER, secret } })
      const warned = () => entries.filter(({ message }) => message.startsWith('account fees could'))
      await vi.waitFor(() => expect(warned()).toHaveLength(1), WAIT)
      expect(String(warned()[0]?.fields.reason)).toMatch(/-1022|10004/)
      expect(JSON.stringify(entries)).not.toMatch(/not-what-it-should-be|signature=|sandbox-reader/)
      expect(fee(exchange)).toEqual({ percent: '0.1', source: 'schedule' })
    },
  )
})

describe('without keys', () => {
  it('says of the public ones what they say, and of the others that it is unknown', async () => {
    const { label, fee } = await start({})
    await vi.waitFor(() => expect(label('coinbase', 'kraken')).not.toBe('unknown'), WAIT)
    expect(label('binance', 'bybit')).toBe('unknown')
    expect(fee('binance')?.source).toBe('schedule')
  })
})
