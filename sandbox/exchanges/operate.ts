/**
 * The commands that change how an exchange works, not what its prices are: `halt kraken ETH/USD`,
 * `open kraken ETH/USD`, `maintenance bybit on`, `refuse coinbase off`. What is halted stands still in
 * the market too, so that the known truth and the exchange's own words never contradict.
 */
import type { MarketModel } from '../market/model.ts'
import type { Operations } from './operations.ts'

export interface Operated {
  readonly model: MarketModel
  /** by exchange */
  readonly operations: ReadonlyMap<string, Operations>
}

/** @throws RangeError when there is no such command, exchange or market */
export function operate(operated: Operated, verb: string, words: readonly string[]): void {
  const [exchange = '', argument = ''] = words
  switch (verb) {
    case 'halt':
    case 'open':
      requireMarket(operated.model, exchange, argument)
      operationsOf(operated, exchange).setHalted(argument, verb === 'halt')
      break
    case 'maintenance':
      operationsOf(operated, exchange).setMaintenance(isOn(argument))
      break
    case 'refuse':
      operationsOf(operated, exchange).setRefusing(isOn(argument))
      break
    default:
      throw new RangeError(`no such command: ${verb}`)
  }
  moveWhatTrades(operated, exchange)
}

function moveWhatTrades(operated: Operated, exchange: string): void {
  const operations = operationsOf(operated, exchange)
  for (const [index, market] of operated.model.markets.entries()) {
    if (market.exchange !== exchange) continue
    operated.model.setOpen(index, operations.trades(market.symbol))
  }
}

function operationsOf({ operations }: Operated, exchange: string): Operations {
  const found = operations.get(exchange)
  if (found === undefined) throw new RangeError(`no such exchange: "${exchange}"`)
  return found
}

function requireMarket(model: MarketModel, exchange: string, symbol: string): void {
  const listed = model.markets.some((m) => m.exchange === exchange && m.symbol === symbol)
  if (!listed) throw new RangeError(`no such market: ${exchange} ${symbol}`)
}

function isOn(word: string): boolean {
  if (word !== 'on' && word !== 'off') throw new RangeError(`neither on nor off: "${word}"`)
  return word === 'on'
}
