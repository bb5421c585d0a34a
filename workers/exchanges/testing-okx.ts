/** For tests: OKX's frames, written from the protocol and sharing no code with its reader. */
import { type Dialect, type Published, sideOf, type TrueBook } from './testing-dialect.ts'

type Levels = readonly (readonly (string | undefined)[])[]

const SNAPSHOT_ID = 450_001
/** ids grow by any step */
const idOf = (batch: number) => SNAPSHOT_ID + 7 * batch

function frame(
  action: 'snapshot' | 'update',
  market: string,
  [bids, asks]: readonly [Levels, Levels],
  { time_ms }: TrueBook,
  [prevSeqId, seqId]: readonly [number, number],
): string {
  const levels = (side: Levels) =>
    side.map(([price, size]) => [price, size, '0', Number(size) === 0 ? '0' : '3'])
  const data = { asks: levels(asks), bids: levels(bids), ts: String(time_ms), checksum: 0 }
  return JSON.stringify({
    arg: { channel: 'books', instId: market },
    action,
    data: [{ ...data, prevSeqId, seqId }],
  })
}

const maintenance = (state: string) =>
  JSON.stringify({
    arg: { channel: 'status' },
    data: [
      {
        ...{ begin: '1785096000000', end: '1785099600000', href: '', preOpenBegin: '' },
        ...{ scheDesc: '', serviceType: '5', state, system: 'unified', maintType: '1', env: '1' },
        ...{ title: 'Trading service upgrade', ts: '1785096000001' },
      },
    ],
  })

const okx: Dialect = {
  market: 'BTC-USDT',
  stranger: 'ETH-USDT',
  snapshots: 'socket',
  halting: { closed: maintenance('ongoing'), open: maintenance('completed') },
  snapshot: (book, market = 'BTC-USDT') =>
    frame('snapshot', market, [book.levels('bids', 400), book.levels('asks', 400)], book, [
      -1,
      SNAPSHOT_ID,
    ]),
  delta: (book, changes, batch, market = 'BTC-USDT') =>
    frame('update', market, [sideOf(changes, 'bid'), sideOf(changes, 'ask')], book, [
      idOf(batch - 1),
      idOf(batch),
    ]),
  others: [
    'pong',
    '{"id":"b1","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}',
    '{"event":"unsubscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}',
    '{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"abcd1234"}',
    '{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],"ts":"1597026383085","seqId":123456}]}',
    '{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3"}]}',
    maintenance('scheduled'),
  ],
}

/** by the name of the protocol */
export const dialects: Readonly<Record<string, Dialect>> = { okx }

/** https://www.okx.com/docs-v5/en/#overview-websocket */
export const published: Published = {
  name: (n) => `LONGCOIN${n}-USDT`,
  topics: ({ args }) =>
    (args as { channel: string; instId: string }[]).flatMap(({ channel, instId }) =>
      channel === 'books' ? [instId] : [],
    ),
  frame_bytes: 65_536,
  connects: { count: 3, window_ms: 1_000 },
  connections: 2,
  time: { body: '{"code":"0","data":[{"ts":"1762820224123"}],"msg":""}', at_ms: 1_762_820_224_123 },
}
