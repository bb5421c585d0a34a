import { beforeEach, describe, expect, it } from 'vitest'
import type { AssetNetwork, AssetStatus } from '../../shared/asset.ts'
import type { GuardedLeg } from './guards.ts'
import { TestBooks } from './testing.ts'
import { Transfers } from './transfers.ts'

let world: TestBooks
let transfers: Transfers

beforeEach(() => {
  world = new TestBooks()
  transfers = new Transfers()
})

const buy = (exchange: string, symbol = 'LINK/USDT'): GuardedLeg => {
  return { entry: world.add(exchange, symbol), side: 'buy' }
}
const sell = (exchange: string, symbol = 'LINK/USDT'): GuardedLeg => {
  return { entry: world.add(exchange, symbol), side: 'sell' }
}

function network(name: string, changes: Partial<AssetNetwork> = {}): AssetNetwork {
  return { network: name, deposits: true, withdrawals: true, withdrawal_fee: '1', ...changes }
}

function moves(exchange: string, networks: AssetStatus['networks'], changes = {}, asset = 'LINK') {
  transfers.set(exchange, [{ asset, deposits: true, withdrawals: true, networks, ...changes }])
}

const label = () => transfers.label([buy('binance'), sell('bybit')])

describe('a purchase here and a sale there', () => {
  it('is open where a common network lets the base out here and in there', () => {
    moves('binance', [network('ETH', { withdrawal_fee: '0.3' }), network('BSC'), network('SOL')])
    moves('bybit', [network('ETH'), network('BSC', { deposits: false }), network('BASE')])
    expect(label()).toEqual({
      transfer: 'open',
      networks: [[{ network: 'ETH', withdrawal_fee: '0.3' }], []],
    })
  })

  it('names the cheapest network first, those without a fee last', () => {
    moves('binance', [
      network('A', { withdrawal_fee: null }),
      network('B', { withdrawal_fee: '10' }),
      network('C', { withdrawal_fee: '9' }),
    ])
    moves('bybit', [network('A'), network('B'), network('C')])
    expect(label().networks[0]?.map((way) => way.network)).toEqual(['C', 'B', 'A'])
  })

  it('is closed without a common network, or with none that is open both ways', () => {
    moves('binance', [network('ETH', { withdrawals: false }), network('SOL')])
    moves('bybit', [network('ETH')])
    expect(label()).toEqual({ transfer: 'closed', networks: [[], []] })
    moves('binance', [network('SOL')])
    expect(label().transfer).toBe('closed')
  })

  it('does not care for the other direction: deposits here, withdrawals there', () => {
    moves('binance', [network('ETH', { deposits: false })], { deposits: false })
    moves('bybit', [network('ETH', { withdrawals: false })], { withdrawals: false })
    expect(label().transfer).toBe('open')
  })

  it('is closed when one side is known to be closed, whatever the other says', () => {
    moves('binance', [network('ETH')], { withdrawals: false })
    expect(label().transfer).toBe('closed')
    transfers.set('binance', [])
    moves('bybit', null, { deposits: false })
    expect(label().transfer).toBe('closed')
  })

  it('is unknown without word of either, or of this asset', () => {
    expect(label()).toEqual({ transfer: 'unknown', networks: [[], []] })
    moves('binance', [network('ETH')])
    expect(label().transfer).toBe('unknown')
    moves('bybit', [network('ETH')], {}, 'UNI')
    expect(label().transfer).toBe('unknown')
  })

  it('where one side names no networks, is open over the only one of the other', () => {
    moves('binance', null)
    moves('bybit', [network('ETH'), network('SOL', { deposits: false })])
    expect(label()).toMatchObject({
      transfer: 'open',
      // what binance charges for it, it does not say
      networks: [[{ network: 'ETH', withdrawal_fee: null }], []],
    })
    moves('bybit', [network('ETH'), network('SOL')])
    expect(label().transfer).toBe('unknown')
    moves('bybit', [network('ETH', { deposits: false })])
    expect(label().transfer).toBe('closed')
    moves('bybit', null)
    expect(label().transfer).toBe('unknown')
  })

  it('forgets what an exchange no longer says', () => {
    moves('binance', [network('ETH')])
    moves('bybit', [network('ETH')])
    expect(label().transfer).toBe('open')
    transfers.set('bybit', [])
    expect(label().transfer).toBe('unknown')
  })
})

describe('a longer chain', () => {
  it('has nothing to move within one exchange', () => {
    const legs = [buy('kraken', 'BTC/USDT'), buy('kraken', 'ETH/BTC'), sell('kraken', 'ETH/USDT')]
    expect(transfers.label(legs)).toEqual({ transfer: 'open', networks: [[], [], []] })
  })

  it('counts every step between exchanges but the last one back, and the worst of them decides', () => {
    // buys LINK on binance, sells it for dollars on kraken, and dollars for USDT on coinbase
    const legs = [buy('binance'), sell('kraken', 'LINK/USD'), buy('coinbase', 'USDT/USD')]
    moves('binance', [network('ETH')])
    const status = { deposits: true, withdrawals: true, networks: null }
    transfers.set('kraken', [
      { asset: 'LINK', ...status },
      { asset: 'USD', ...status },
    ])
    expect(transfers.label(legs).transfer).toBe('unknown')
    transfers.set('coinbase', [{ asset: 'USD', ...status, deposits: false }])
    expect(transfers.label(legs)).toMatchObject({
      transfer: 'closed',
      networks: [[{ network: 'ETH', withdrawal_fee: '1' }], [], []],
    })
  })

  it('finds an asset under each exchange’s own name', () => {
    const legs = [buy('binance', '1000SATS/USDT'), sell('bybit', 'SATS/USDT')]
    moves('binance', [network('BRC20')], {}, '1000SATS')
    moves('bybit', [network('BRC20')], {}, 'SATS')
    expect(transfers.label(legs)).toMatchObject({
      transfer: 'open',
      networks: [[{ network: 'BRC20' }], []],
    })
  })
})
