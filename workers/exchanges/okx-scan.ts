/**
 * OKX's changes of one book, read from their bytes. Snapshots and everything else are left to the
 * JSON reader.
 *
 *   {"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["67500.2",
 *    "0","0","0"]],"bids":[],"ts":"1785096000130","checksum":0,"prevSeqId":450001,"seqId":450002}]}
 */
import { BookUpdate, type Levels } from '../book/update.ts'
import { type Decimals, decimalAt, digitAt, found, integerAt } from './digits.ts'
import type { FrameHandler, MarketTable } from './exchange.ts'
import type { FrameScanner } from './fast.ts'
import { timeOrNaN } from './json.ts'
import { arrived, begin, price_decimals, size_decimals } from './scan.ts'
import { bytes, phrase, phraseAt, take, WordNames } from './words.ts'

const SYMBOL = phrase('{"arg":{"channel":"books","instId":"')
const ASKS = phrase('},"action":"update","data":[{"asks":[')
const BIDS = phrase(',"bids":[')
const TIME = phrase(',"ts":"')
const CHECKSUM = phrase('","checksum":')
const PREVIOUS = phrase(',"prevSeqId":')
const ID = phrase(',"seqId":')
const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const OPEN = 0x5b
const CLOSE = 0x5d
const CLOSE_OBJECT = 0x7d

export class OkxScanner implements FrameScanner {
  private readonly update = new BookUpdate()
  private readonly names: WordNames

  constructor(markets: MarketTable) {
    this.names = new WordNames(markets)
  }

  scan(frame: Buffer, handler: FrameHandler): 'book' | null {
    if (!take(frame)) return null
    const { update } = this
    begin(update)
    let at = this.names.find(frame, phraseAt(0, SYMBOL))
    update.market = this.names.market
    at = levels(phraseAt(at, ASKS), update.asks)
    at = levels(phraseAt(at, BIDS), update.bids)
    at = number(phraseAt(at, TIME))
    update.exchange_time_ms = timeOrNaN(found.integer)
    at = number(unsigned(phraseAt(at, CHECKSUM)))
    at = number(phraseAt(at, PREVIOUS))
    update.first_id = found.integer + 1
    at = number(phraseAt(at, ID))
    update.last_id = found.integer
    if (!arrived(frame, end(at), update)) return null
    handler.book(update)
    return 'book'
  }
}

function number(from: number): number {
  return from < 0 ? -1 : integerAt(bytes, from)
}

/** Checksums were signed while there were any. */
function unsigned(at: number): number {
  return at >= 0 && bytes[at] === MINUS ? at + 1 : at
}

/** `}]}` */
function end(at: number): number {
  if (at < 0 || bytes[at] !== CLOSE_OBJECT || bytes[at + 1] !== CLOSE) return -1
  return bytes[at + 2] === CLOSE_OBJECT ? at + 3 : -1
}

/** `["8476.98","415","0","13"],…]`, added to `side`: price, size, nothing, number of orders. */
function levels(from: number, side: Levels): number {
  if (from < 0 || bytes[from] === CLOSE) return from < 0 ? -1 : from + 1
  for (let at = from; ; at++) {
    const { count } = side
    if (count === side.price.length) side.grow()
    if (bytes[at] !== OPEN || bytes[at + 1] !== QUOTE) return -1
    at = decimal(at + 2, side.price, count, price_decimals)
    if (at < 0 || side.price[count] === 0) return -1
    at = decimal(nextText(at), side.size, count, size_decimals)
    at = digits(nextText(digits(nextText(at))))
    if (at < 0 || bytes[at] !== QUOTE || bytes[at + 1] !== CLOSE) return -1
    side.count = count + 1
    at += 2
    if (bytes[at] === CLOSE) return at + 1
    if (bytes[at] !== COMMA) return -1
  }
}

function decimal(from: number, into: Float64Array, index: number, most: Decimals): number {
  return from < 0 ? -1 : decimalAt(bytes, from, into, index, most)
}

/** From a text's closing quote to what the next one says. */
function nextText(at: number): number {
  if (at < 0 || bytes[at] !== QUOTE || bytes[at + 1] !== COMMA) return -1
  return bytes[at + 2] === QUOTE ? at + 3 : -1
}

function digits(from: number): number {
  if (from < 0) return -1
  let at = from
  while (digitAt(bytes, at) >= 0) at++
  return at
}
