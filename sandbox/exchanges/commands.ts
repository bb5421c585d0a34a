/**
 * What the process that started the sandbox exchanges may tell them on standard input while they
 * run: a line a command, one JSON line each in answer. `rate 5`, `pause`, `resume`, `status`,
 * `books binance`, `peg USDC 0.93`, `cross kraken ETH/USD 800` (ms), `tear kraken ETH/USD 1.02 9000`
 * (factor, ms), and those of operate.ts. It moves no price: the market does what it is told and says
 * how it stands.
 */
import { createInterface } from 'node:readline'
import type { MarketModel } from '../market/model.ts'
import type { Level } from '../market/source.ts'
import { digits } from './books.ts'
import { type Operated, operate } from './operate.ts'

/** A market that can be held still and hurried. */
export interface Controls extends Operated {
  pause(): void
  resume(): void
  status(): Status
}

/** All since the beginning. */
export interface Status {
  /** handed to sockets */
  readonly frames_sent: number
  /** of the whole process, on all cores */
  readonly cpu_seconds: number
  /** of the market, which tries one every STEP_EVERY_MS */
  readonly steps: number
}

/** Price and size as the exchange prints them, without what it pads them with. */
type PrintedLevel = readonly [price: string, size: string]

/** One whole book of the market itself, whatever a feed shows of it. */
export interface TrueBook {
  readonly symbol: string
  /** grows with every change: two answers with the same version are the same book */
  readonly version: number
  /** best first */
  readonly bids: readonly PrintedLevel[]
  readonly asks: readonly PrintedLevel[]
}

export type Answer =
  | { readonly command: string; readonly ok: true; readonly value: unknown }
  | { readonly command: string; readonly ok: false; readonly error: string }

const NO_MARKET = 'recordings are played here: there is no market to command'

/** Answers every line of `input` on `write`. `controls` undefined: there is no market. */
export function hearCommands(
  input: NodeJS.ReadableStream,
  controls: Controls | undefined,
  write: (line: string) => void,
): void {
  createInterface({ input }).on('line', (command) => {
    write(JSON.stringify(obey(command, controls)))
  })
}

/** Does what one line says. What it cannot do is answered, never thrown. */
export function obey(command: string, controls: Controls | undefined): Answer {
  if (controls === undefined) return { command, ok: false, error: NO_MARKET }
  const [verb = '', ...words] = command.trim().split(/\s+/)
  const [argument = ''] = words
  switch (verb) {
    case 'rate':
      return answer(command, () => {
        controls.model.setRate(Number(argument))
        return Number(argument)
      })
    case 'pause':
      controls.pause()
      return { command, ok: true, value: null }
    case 'resume':
      controls.resume()
      return { command, ok: true, value: null }
    case 'status':
      return { command, ok: true, value: controls.status() }
    case 'books':
      return { command, ok: true, value: trueBooks(controls.model, argument) }
    case 'peg':
      return answer(command, () => controls.model.setPeg(argument, Number(words[1])))
    case 'cross':
      return answer(command, () => cross(controls.model, words))
    case 'tear':
      return answer(command, () => tear(controls.model, words))
    default:
      return answer(command, () => operate(controls, verb, words))
  }
}

/** What the market refuses is an answer, too. */
function answer(command: string, act: () => unknown): Answer {
  try {
    return { command, ok: true, value: act() ?? null }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { command, ok: false, error: error.message }
  }
}

function cross(model: MarketModel, [exchange, symbol, duration]: readonly string[]): void {
  model.cross(marketOf(model, exchange, symbol), durationOf(duration))
}

function tear(model: MarketModel, [exchange, symbol, factor, duration]: readonly string[]): void {
  model.tear(marketOf(model, exchange, symbol), Number(factor), durationOf(duration))
}

function marketOf(model: MarketModel, exchange?: string, symbol?: string): number {
  const market = model.markets.findIndex((m) => m.exchange === exchange && m.symbol === symbol)
  if (market < 0) throw new RangeError(`no such market: ${exchange} ${symbol}`)
  return market
}

function durationOf(text = ''): number {
  const duration_ms = Number(text)
  if (!(duration_ms > 0)) throw new RangeError(`no duration in milliseconds: "${text}"`)
  return duration_ms
}

function trueBooks(model: MarketModel, exchange: string): TrueBook[] {
  return model.markets.flatMap((market, index) => {
    if (market.exchange !== exchange) return []
    const { bids, asks, version } = model.snapshot(index)
    const print = ({ price, size }: Level): PrintedLevel => [
      digits(price, market.price_decimals),
      digits(size, market.size_decimals),
    ]
    return [{ symbol: market.symbol, version, bids: bids.map(print), asks: asks.map(print) }]
  })
}
