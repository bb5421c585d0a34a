/**
 * Row 26: webhooks that lead to this machine, however their address is written and whatever their name
 * resolves to by then. The rows are in PostgreSQL as if the API had let them through; the worker runs
 * as in production. Traps on the loopback count who connects.
 */

import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { until } from '../../../bench/failover/rig.ts'
import type { Fault } from '../fault.ts'
import { Findings } from '../findings.ts'
import { type NameServer, startNameServer, type Zone } from './name-server.ts'
import { DELIVERY, type DeliveryRig } from './rig.ts'

/** the only free one of the two ports that a webhook may have */
const PORT = 8443
/** public, and of a net that is not announced */
const PUBLIC = '11.0.0.1'
const WITHIN_MS = 30_000
/** a second attempt is under way by then */
const AGAIN_MS = 3_000
const REFUSED = /not allowed|not public/
const DOMAIN = 'chaos.example'

const LITERALS = [
  `https://127.0.0.1:${PORT}/`,
  `https://127.1:${PORT}/`,
  `https://0x7f.1:${PORT}/`,
  `https://2130706433:${PORT}/`,
  `https://0177.0.0.1:${PORT}/`,
  `https://0.0.0.0:${PORT}/`,
  `https://[::1]:${PORT}/`,
  `https://[::]:${PORT}/`,
  `https://[::ffff:127.0.0.1]:${PORT}/`,
  `https://[::127.0.0.1]:${PORT}/`,
  `https://[64:ff9b::7f00:1]:${PORT}/`,
  `https://[2002:7f00:1::]:${PORT}/`,
  `https://localhost:${PORT}/`,
  `https://localhost.:${PORT}/`,
  `https://user@127.0.0.1:${PORT}/`,
  `https://169.254.169.254:${PORT}/latest/meta-data`,
  `http://127.0.0.1:${PORT}/`,
]

const ZONE: Zone = {
  [`four.${DOMAIN}`]: () => ['127.0.0.1'],
  [`six.${DOMAIN}`]: () => ['::1'],
  [`mapped.${DOMAIN}`]: () => ['::ffff:127.0.0.1'],
  [`translated.${DOMAIN}`]: () => ['64:ff9b::7f00:1'],
  [`private.${DOMAIN}`]: () => ['10.0.0.1'],
  [`both.${DOMAIN}`]: () => [PUBLIC, '127.0.0.1'],
  // public when it is judged first, this machine ever after
  [`rebinds.${DOMAIN}`]: (asked) => [asked === 0 ? PUBLIC : '127.0.0.1'],
}
const REBINDS = `rebinds.${DOMAIN}`

export const privateAddresses: Fault = {
  row: 26,
  name: 'webhooks lead to this machine',
  injected: 'literal, octal, mapped addresses; names that resolve to it, at once or later',
  required: 'refused at the dial, no byte reaches the loopback',
  async run(context) {
    const rig = await context.rig(DELIVERY)
    const findings = new Findings(context)
    const traps = await Traps.set()
    const names = await startNameServer(ZONE)
    try {
      await judgeTraps(rig, findings, traps)
      const urls = [
        ...LITERALS,
        ...ownAddresses(),
        ...Object.keys(ZONE).map((name) => `https://${name}:${PORT}/`),
      ]
      const ids = new Map<string, string>()
      for (const url of urls) ids.set(await rig.endpoint({ url, symbol: 'WALL/USDT' }), url)
      await rig.exchangeWorker(asInProduction(names))
      const before = { connections: traps.connections, bytes: traps.bytes }
      await rig.detect('WALL/USDT')
      await judgeRefusals(rig, findings, ids)
      await until(
        'a name to be asked again',
        async () => (names.asked.get(REBINDS) ?? 0) > 1,
        WITHIN_MS,
      )
      await sleep(AGAIN_MS)
      const reached = traps.connections - before.connections
      findings.note(
        `${urls.length} addresses, ${names.asked.get(REBINDS)} times asked for the name that rebinds`,
      )
      findings.note(
        `${reached} connections and ${traps.bytes - before.bytes} bytes reached the loopback`,
      )
      findings.hold(reached === 0, `${reached} connections reached the loopback`)
      await rig.forget([...ids.keys()])
    } finally {
      await rig.exchangeWorker({})
      await names.close()
      await traps.close()
    }
    return findings.verdict()
  },
}

/** No way to this machine is allowed, and names are asked for here. */
function asInProduction({ address }: NameServer): Record<string, string> {
  const preload = pathToFileURL(join(import.meta.dirname, 'ask-here.mjs'))
  return {
    WEBHOOKS_ALLOW_LOCAL: 'false',
    NAME_SERVER: address,
    NODE_OPTIONS: `--import ${preload}`,
  }
}

/** Where the wall is open a connection comes: what is counted later would have been seen. */
async function judgeTraps(rig: DeliveryRig, findings: Findings, traps: Traps): Promise<void> {
  const id = await rig.endpoint({ url: `https://127.0.0.1:${PORT}/`, symbol: 'TRAP/USDT' })
  await rig.known()
  await rig.detect('TRAP/USDT')
  const isSprung = async () => traps.connections > 0
  const sprung = await until('the trap', isSprung, WITHIN_MS).then(
    () => true,
    () => false,
  )
  findings.hold(sprung, 'the trap saw nothing where the wall is open')
  await rig.forget([id])
}

async function judgeRefusals(
  rig: DeliveryRig,
  findings: Findings,
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  const errors = new Map<string, (string | null)[]>()
  const isRecorded = async () => {
    for (const [id, url] of ids) {
      errors.set(
        url,
        (await rig.attempts(id)).map(({ error }) => error),
      )
    }
    return errors.values().every((found) => found.length > 0)
  }
  await until('the refusals', isRecorded, WITHIN_MS).catch(() => {})
  for (const [url, found] of errors) {
    if (url.includes(REBINDS)) continue
    const [first] = found
    findings.hold(REFUSED.test(first ?? ''), `${url} is on record as "${first ?? 'nothing'}"`)
  }
}

/** This machine in its own nets. */
function ownAddresses(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return found
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => `https://${address}:${PORT}/`)
}

/** Listen on the loopback, take everything, answer nothing. */
class Traps {
  connections = 0
  bytes = 0
  private readonly servers: Server[] = []

  /** @throws Error when somebody else has the port */
  static async set(): Promise<Traps> {
    const traps = new Traps()
    for (const host of ['127.0.0.1', '::1']) {
      const server = createServer((socket) => {
        traps.connections++
        socket.on('data', (bytes) => {
          traps.bytes += bytes.length
          socket.destroy()
        })
        socket.on('error', () => {})
      })
      server.listen(PORT, host)
      await once(server, 'listening')
      traps.servers.push(server)
    }
    return traps
  }

  async close(): Promise<void> {
    for (const server of this.servers) {
      const closed = once(server, 'close')
      server.close()
      await closed
    }
  }
}
