import { describe, expect, it } from 'vitest'
import { Book } from '../book/book.ts'
import { BookUpdate } from '../book/update.ts'
import { FrameError, type FrameHandler, type Pong } from './exchange.ts'
import { kraken } from './kraken.ts'
import { KrakenChecksum } from './kraken-checksum.ts'

const BIDS = `45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000
  45280.3/1.54592586 45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000
  45277.3/1.54602737 45276.6/0.15445238`
const ASKS = `45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911
  45290.2/0.15890660 45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000
  45297.5/0.09945542 45299.5/0.18772827`

const levels = (text: string) =>
  text
    .split(/\s+/)
    .map((level) => level.split('/'))
    .map(([price, qty]) => `{"price":${price},"qty":${qty}}`)
    .join(',')

const frame = (type: string, bids: string, asks: string, sum = 0) =>
  `{"channel":"book","type":"${type}","data":[{"symbol":"BTC/USD","bids":[${bids}],"asks":[${asks}],"checksum":${sum}}]}`

/** Nothing is remembered: whatever was applied last, the whole book is looked at. */
const checksum = (book: Book) => new KrakenChecksum().of(book, new BookUpdate())

const handler: FrameHandler = {
  book: () => {},
  subscribed: () => {},
  refused: () => {},
  system: () => {},
  trading: () => {},
  closing: () => {},
}

function readInto(book: Book, ...frames: string[]): { depth: number; checksum: number } {
  const reader = kraken.reader({ find: (market) => (market === 'BTC/USD' ? 0 : -1) })
  const last = { depth: 0, checksum: -1 }
  for (const text of frames) {
    reader.read(Buffer.from(text), {
      ...handler,
      book: (update) => {
        last.depth = update.depth
        last.checksum = update.checksum
        book.apply(update, 0)
      },
    })
  }
  return last
}

describe('checksum', () => {
  // the worked example of https://docs.kraken.com/api/docs/guides/spot-ws-book-v2
  it('is 3310070434 for the book of the official guide', () => {
    const book = new Book()
    const read = readInto(book, frame('snapshot', levels(BIDS), levels(ASKS), 3310070434))
    expect(checksum(book)).toBe(3310070434)
    expect(read.checksum).toBe(3310070434)
  })

  it('changes with a single digit', () => {
    const book = new Book()
    readInto(
      book,
      frame('snapshot', levels(BIDS.replace('0.15445238', '0.15445239')), levels(ASKS)),
    )
    expect(checksum(book)).not.toBe(3310070434)
  })

  it('covers ten levels a side whatever the book holds', () => {
    const book = new Book()
    readInto(
      book,
      frame('snapshot', levels(`${BIDS} 45000.0/1.00000000`), levels(`${ASKS} 46000.0/1.00000000`)),
    )
    expect(book.bids.length).toBe(11)
    expect(checksum(book)).toBe(3310070434)
  })

  it('reads digits that are printed with an exponent as if they were not', () => {
    const [plain, exponent] = [new Book(), new Book()]
    readInto(plain, frame('snapshot', '{"price":0.00000612,"qty":1.5}', ''))
    readInto(exponent, frame('snapshot', '{"price":6.12e-6,"qty":1.5}', ''))
    expect(exponent.price_decimals).toBe(8)
    expect(checksum(exponent)).toBe(checksum(plain))
  })
})

describe('the window of levels', () => {
  const ack = (depth: number) =>
    `{"method":"subscribe","result":{"channel":"book","depth":${depth},"snapshot":true,"symbol":"BTC/USD"},"success":true}`

  it('is what the exchange acknowledged', () => {
    const { depth } = readInto(new Book(), ack(100), frame('snapshot', levels(BIDS), levels(ASKS)))
    expect(depth).toBe(100)
  })

  it('is the smallest legal depth that holds the snapshot where nothing was acknowledged', () => {
    const eleven = `${BIDS} 45000.0/1.00000000`
    expect(readInto(new Book(), frame('snapshot', levels(BIDS), levels(ASKS))).depth).toBe(10)
    expect(readInto(new Book(), frame('snapshot', levels(eleven), levels(ASKS))).depth).toBe(25)
  })

  it('is never smaller than the snapshot', () => {
    const eleven = `${BIDS} 45000.0/1.00000000`
    const { depth } = readInto(new Book(), ack(10), frame('snapshot', levels(eleven), levels(ASKS)))
    expect(depth).toBe(25)
  })
})

it('tells the times of a pong that answers a ping of ours, and shrugs at any other', () => {
  const told: Pong[] = []
  const reader = kraken.reader({ find: () => -1 })
  const read = (frame: string) =>
    reader.read(Buffer.from(frame), { ...handler, pong: (pong) => told.push(pong) })
  const times = '"time_in":"2026-07-26T12:00:00.123456Z","time_out":"2026-07-26T12:00:00.125556Z"'
  expect(read(`{"method":"pong","req_id":1234,${times}}`)).toBe('control')
  const came_ms = Date.parse('2026-07-26T12:00:00.123Z')
  expect(told).toEqual([{ sent_ms: 1_234, came_ms, left_ms: came_ms + 2 }])
  for (const other of [`{"method":"pong",${times}}`, '{"method":"pong","req_id":1}']) {
    expect(read(other)).toBe('control')
  }
  expect(told).toHaveLength(1)
  expect(kraken.keepalive.ping?.frame(1_234.9)).toBe('{"method":"ping","req_id":1234}')
})

it('hands nothing over when the second book of a frame is broken', () => {
  const entry = (price: string) =>
    `{"symbol":"BTC/USD","bids":[{"price":${price},"qty":1.0}],"asks":[],"checksum":1}`
  const reader = kraken.reader({ find: () => 0 })
  let books = 0
  const text = `{"channel":"book","type":"update","data":[${entry('1.0')},${entry('"x"')}]}`
  const read = () => reader.read(Buffer.from(text), { ...handler, book: () => books++ })
  expect(read).toThrow(FrameError)
  expect(books).toBe(0)
})

describe('instruments', () => {
  const pair = (more: object) => ({
    altname: 'XBTUSDT',
    wsname: 'XBT/USDT',
    base: 'XXBT',
    quote: 'USDT',
    cost_decimals: 5,
    pair_decimals: 1,
    lot_decimals: 8,
    fees: [
      [0, 0.4],
      [10000, 0.35],
    ],
    ordermin: '0.00005',
    costmin: '0.5',
    tick_size: '0.1',
    status: 'online',
    ...more,
  })
  const parse = (pairs: Record<string, object>) =>
    kraken.instruments.parse([JSON.stringify({ error: [], result: pairs })])

  it('speaks of BTC where REST says XBT', () => {
    expect(parse({ XBTUSDT: pair({}) })).toEqual([
      {
        exchange: 'kraken',
        symbol: 'BTC/USDT',
        market: 'BTC/USDT',
        base: 'BTC',
        quote: 'USDT',
        price_step: '0.1',
        size_step: '0.00000001',
        minimum_size: '0.00005',
        minimum_notional: '0.5',
        taker_fee_percent: '0.8',
        trading: true,
      },
    ])
  })

  it('speaks of DOGE where REST says XDG', () => {
    expect(parse({ XDGUSD: pair({ wsname: 'XDG/USD' }) })[0]?.market).toBe('DOGE/USD')
  })

  it('falls back to the list fee and to the decimals of older answers', () => {
    const [market] = parse({ XBTUSDT: pair({ fees: undefined, tick_size: undefined }) })
    expect([market?.taker_fee_percent, market?.price_step]).toEqual(['0.8', '0.1'])
  })

  it.each([
    // the published list is newer than some pairs' own schedules
    ['XBT/USD', 0.4, '0.8'],
    ['XBT/USD', 0.8, '0.8'],
    ['XBT/USD', 0.9, '0.9'],
    ['USDT/USD', 0.2, '0.2'],
    ['EUR/USD', 0.1, '0.2'],
    ['USDC/EUR', 0.4, '0.4'],
    ['USDG/USD', 0.01, '0.01'],
    ['USDG/USD', 0, '0.01'],
  ])(
    'charges on %s, which states %d %%, the higher of that and the list: %s',
    (wsname, stated, fee) => {
      const [market] = parse({ P: pair({ wsname, fees: [[0, stated]] }) })
      expect(market?.taker_fee_percent).toBe(fee)
    },
  )

  it('leaves out shares even where they are not marked', () => {
    expect(
      parse({ D: pair({ wsname: 'AAPLx/USD' }), E: pair({ wsname: 'ZRX/USD' }) }),
    ).toMatchObject([{ market: 'ZRX/USD' }])
  })

  it('leaves out dark pools, routed pairs and tokenised stocks, and knows what does not trade', () => {
    const markets = parse({
      A: pair({ wsname: undefined }),
      B: pair({ wsname: 'XBT/USD:BTNL' }),
      C: pair({ execution_venue: 'bitnomial_exchange' }),
      D: pair({ aclass_base: 'tokenized_asset', wsname: 'AAPLx/USD' }),
      E: pair({ status: 'cancel_only' }),
    })
    expect(markets.map(({ trading }) => trading)).toEqual([false])
  })

  it('refuses an answer that carries errors with status 200', () => {
    const body = '{"error":["EService:Unavailable"]}'
    expect(() => kraken.instruments.parse([body])).toThrow('EService:Unavailable')
  })
})
