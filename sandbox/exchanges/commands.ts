/**
 * What the process that started the sandbox exchanges may tell them on standard input while they
 * run: a line a command, one JSON line each in answer. `rate 5`, `pause`, `resume`, `status` and
 * `books binance`. It moves no price: the market does what it is told and says how it stands.
 */
import { createInterface } from 'node:readline'
import type { MarketModel } from '../market/model.ts'
import type { Level } from '../market/source.ts'
import { digits } from './books.ts'

/** A market that can be held still and hurried. */
export interface Controls {
  readonly model: MarketModel
  pause(): void
  resume(): void
  status(): Status
}

/** Both since the beginning. */
export interface Status {
  /** handed to sockets */
  readonly frames_sent: number
  /** of the whole process, on all cores */
  readonly cpu_seconds: number
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
  const [verb = '', argument = ''] = command.trim().split(/\s+/)
  switch (verb) {
    case 'rate':
      return setRate(command, Number(argument), controls.model)
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
    default:
      return { command, ok: false, error: `no such command: ${verb}` }
  }
}

function setRate(command: string, rate: number, model: MarketModel): Answer {
  try {
    model.setRate(rate)
    return { command, ok: true, value: rate }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { command, ok: false, error: error.message }
  }
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
