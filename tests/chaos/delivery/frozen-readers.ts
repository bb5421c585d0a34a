/**
 * Row 28: readers of the stream who come by the thousand, vanish, or never read what they are sent; and
 * an edge that dies with all its readers. No more are let in than the cap says, and no lease outlives
 * its reader's connection for long. One who never reads holds his lease while he holds his connection.
 */
import { connect, type Socket } from 'node:net'
import { until } from '../../../bench/failover/rig.ts'
import { KEYS } from '../../../shared/keys.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { Front } from '../service/front.ts'
import { DELIVERY, type DeliveryRig } from './rig.ts'

const CAP = 500
const OPENS = 2_000
const AT_ONCE = 50
/** more than a hub remembers */
const EVENTS = 4_500
const EVENTS_AT_ONCE = 250
const RETURNED_MS = 45_000
const WITHIN_MS = 120_000
const ADDRESS = '203.0.113.7'
const OTHER_ADDRESS = '203.0.113.8'

export const frozenReaders: Fault = {
  row: 28,
  name: 'readers vanish or never read',
  injected: `${OPENS} opens; FIN, RST, frozen; then the edge is killed`,
  required: `${CAP} let in, 429 beyond; leases back <= 45 s after their connections`,
  async run(context) {
    const rig = await context.rig(DELIVERY)
    const findings = new Findings(context)
    const { redis_url, database_url } = rig
    const variables = { ANONYMOUS_STREAMS: String(CAP) }
    const front = await Front.start({ redis_url, database_url, variables })
    const readers: RawReader[] = []
    try {
      const port = Number(new URL(front.url).port)
      readers.push(...(await openMany(port, ADDRESS, OPENS)))
      const statuses = Map.groupBy(readers, ({ status }) => status)
      const [open = [], refused = []] = [statuses.get(200), statuses.get(429)]
      findings.note(`${open.length} let in, ${refused.length} refused`)
      findings.hold(open.length === CAP, `${open.length} of ${CAP} were let in`)
      findings.hold(
        open.length + refused.length === OPENS,
        `others were answered ${[...statuses.keys()].join(', ')}`,
      )
      await until('the leases', async () => (await leased(rig, ADDRESS)) === open.length, WITHIN_MS)
      const frozen = open.filter((_, i) => i % WAYS.length === WAYS.indexOf('freeze'))
      for (const [i, reader] of open.entries()) reader.leave(WAYS[i % WAYS.length] ?? 'close')
      const left_ms = Date.now()
      await flood(rig)
      const vanished_ms = await returned(rig, ADDRESS, left_ms, frozen.length)
      findings.within('leases of the vanished back after', vanished_ms, RETURNED_MS)
      for (const reader of frozen) reader.leave('close')
      const frozen_ms = await returned(rig, ADDRESS, Date.now())
      findings.within(
        `of ${frozen.length} that never read, once they leave, after`,
        frozen_ms,
        RETURNED_MS,
      )
      const again = await openMany(port, ADDRESS, 1)
      readers.push(...again)
      findings.hold(again[0]?.status === 200, `afterwards one more got ${again[0]?.status}`)

      const others = await openMany(port, OTHER_ADDRESS, AT_ONCE)
      readers.push(...others)
      await until(
        'the leases',
        async () => (await leased(rig, OTHER_ADDRESS)) === AT_ONCE,
        WITHIN_MS,
      )
      await front.kill()
      const killed_ms = Date.now()
      findings.within(
        'of a dead edge after',
        await returned(rig, OTHER_ADDRESS, killed_ms),
        RETURNED_MS,
      )
    } finally {
      for (const reader of readers) reader.leave('close')
      await front.stop()
    }
    return findings.verdict()
  },
}

type Way = 'close' | 'reset' | 'freeze'
const WAYS: readonly Way[] = ['close', 'reset', 'freeze']

/** One reader on a socket of its own. */
class RawReader {
  /** of the answer; 0 when there was none */
  status = 0
  private readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
  }

  /** Resolves with the first of the answer. */
  static open(port: number, address: string): Promise<RawReader> {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      const reader = new RawReader(socket)
      socket.on('error', () => {})
      socket.once('close', () => resolve(reader))
      socket.write(
        `GET /v1/stream HTTP/1.1\r\nhost: 127.0.0.1\r\ncf-connecting-ip: ${address}\r\n\r\n`,
      )
      socket.once('data', (bytes) => {
        reader.status = Number(/^HTTP\/1\.1 (\d+)/.exec(bytes.toString('latin1'))?.[1] ?? 0)
        if (reader.status === 200) socket.resume()
        else socket.destroy()
        resolve(reader)
      })
    })
  }

  leave(way: Way): void {
    if (way === 'close') this.socket.destroy()
    else if (way === 'reset') this.socket.resetAndDestroy()
    else this.socket.pause()
  }
}

async function openMany(port: number, address: string, count: number): Promise<RawReader[]> {
  const readers: RawReader[] = []
  while (readers.length < count) {
    const some = Math.min(AT_ONCE, count - readers.length)
    const opening = Array.from({ length: some }, () => RawReader.open(port, address))
    readers.push(...(await Promise.all(opening)))
  }
  return readers
}

/** Streams that Redis counts for the caller. */
async function leased({ redis }: DeliveryRig, address: string): Promise<number> {
  const leases = await redis.hvals(KEYS.streams + address)
  return leases.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0)
}

/** Milliseconds until no more are leased than those; infinite when that does not come. */
function returned(
  rig: DeliveryRig,
  address: string,
  since_ms: number,
  others = 0,
): Promise<number> {
  return until('leases', async () => (await leased(rig, address)) <= others, WITHIN_MS).then(
    () => Date.now() - since_ms,
    () => Number.POSITIVE_INFINITY,
  )
}

async function flood(rig: DeliveryRig): Promise<void> {
  for (let sent = 0; sent < EVENTS; sent += EVENTS_AT_ONCE) {
    await Promise.all(Array.from({ length: EVENTS_AT_ONCE }, () => rig.detect('FLOOD/USDT')))
  }
}
