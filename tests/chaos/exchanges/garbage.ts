/** Row 6: frames that say nothing, or what nobody can mean, or too much. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../sandbox/market/random.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { withSize } from './frames.ts'
import { EXCHANGE_IDS, type ExchangesRig } from './rig.ts'
import { EXCHANGES } from './start.ts'

const TEN_MEGABYTES = 10 << 20
const TIMES = 2
const SETTLED_MS = 1_000
/** what a heap may differ by between two moments of the same work */
const HEAP_SLACK_BYTES = 48e6
/** what nobody documents, of which each exchange gets all */
const NONSENSE = [
  '{"',
  '',
  'null',
  '[]',
  '[[[[',
  '"text"',
  '{"type":"nobody-knows","channel":"nobody-knows","topic":"nobody.knows","e":"nobodyKnows"}',
  '{"channel":"book","type":"update","data":[{"symbol":7,"bids":{},"asks":null,"checksum":"x"}]}',
  '{"topic":"orderbook.50.BTCUSDT","type":"delta","data":{"s":"BTCUSDT","b":1,"a":2,"u":"3"}}',
  '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","s":"BTCUSDT","U":"a","u":{},"b":3}}',
  '{"type":"l2update","product_id":"BTC-USD","changes":[["buy"]],"time":5}',
  '\u0000\u0001\uffff',
]
/** as the feed logs it, with its count */
const UNREADABLE = 'a frame could not be read'
const STRUCTURE = /[{}[\]":,]/g
/** frames of the exchange itself, each with one character of its structure replaced */
const BROKEN = 20
const NUMBERS = ['NaN', '1e999', '-1', '1.2.3', 'Infinity', '0x10']

export const garbage: Fault = {
  row: 6,
  name: 'bad JSON, unknown type, NaN, 1e999, 10 MB frame',
  injected: 'all of them on every exchange',
  required: 'counted, no error, heap flat, live again',
  async run(context) {
    const [rig, findings] = [await context.rig(EXCHANGES), new Findings(context)]
    await rig.allLive()
    const heap_before = await heapUsed(rig)
    const complaints = rig.complaints.length
    const healed = EXCHANGE_IDS.map((exchange) => rig.doubts.begin({ exchange }))
    for (const exchange of EXCHANGE_IDS) await talkNonsense(rig, exchange, context.random)
    await rig.allLive()
    const began_ms = performance.now()
    for (let time = 0; time < TIMES; time++) {
      for (const network of rig.networks.values()) network.say(' '.repeat(TEN_MEGABYTES))
      await sleep(SETTLED_MS)
      await rig.allLive()
    }
    const took_s = (performance.now() - began_ms) / 1_000
    findings.note(`${TIMES} times 10 MB: all live again after ${took_s.toFixed(0)} s`)
    for (const end of healed) end()
    const grown = (await heapUsed(rig)) - heap_before
    findings.note(`heap ${grown < 0 ? '' : '+'}${(grown / 1e6).toFixed(0)} MB`)
    findings.hold(grown < HEAP_SLACK_BYTES, `the heap grew by ${grown} bytes`)
    findings.hold(rig.child.isRunning(), 'the worker ended')
    const unread = rig.complaints.slice(complaints).filter(({ message }) => message === UNREADABLE)
    const silent = EXCHANGE_IDS.filter((id) => !unread.some(({ exchange }) => exchange === id))
    findings.hold(silent.length === 0, `no bad frame was counted of ${silent.join(', ')}`)
    const errors = rig.complaints.slice(complaints).filter(({ level }) => level === 'error')
    findings.hold(
      errors.length === 0,
      `logged as errors: ${errors
        .slice(0, 3)
        .map(({ line }) => line)
        .join(' ')}`,
    )
    return findings.verdict()
  },
}

async function talkNonsense(rig: ExchangesRig, exchange: string, random: Random): Promise<void> {
  const network = rig.network(exchange)
  for (const text of NONSENSE) network.say(text)
  await rig.allLive()
  const { market } = rig.pick(exchange, random)
  // at once: a book that is lost already is not lost again, and asks no more rarely for it
  await network.once(market, (raw) => [
    raw,
    ...NUMBERS.map((number) => withSize(raw, number)),
    ...Array.from({ length: BROKEN }, () => broken(raw, random)),
  ])
}

/** Digits stay as they are: a wrong number would be a wrong level, which is another row's. */
function broken(raw: string, random: Random): string {
  const places = [...raw.matchAll(STRUCTURE)].map(({ index }) => index)
  const at = places[random.integer(places.length)] ?? 0
  return `${raw.slice(0, at)}?${raw.slice(at + 1)}`
}

/** The least of a few looks: between two collections it goes up by itself. */
async function heapUsed(rig: ExchangesRig): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < 10; look++) {
    least = Math.min(least, (await rig.worker.health()).memory.heapUsed ?? Number.NaN)
    await sleep(SETTLED_MS / 4)
  }
  return least
}
