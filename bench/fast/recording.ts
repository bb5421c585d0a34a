/**
 * The bench's own frames: the sandbox exchanges, subscribed to as the worker would, write down the
 * conversation as a capture file. It is made once and kept. It measures nothing.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import type { Exchange } from '../../workers/exchanges/exchange.ts'
import { exchanges } from '../../workers/exchanges/index.ts'
import { chooseMarkets } from '../../workers/feed/choose.ts'
import { Sandbox } from '../load/sandbox.ts'

const SEED = 7
const COINS = 40
/** multiple of the sandbox's usual number of level changes a second */
const RATE = 6
/** of each exchange */
const MARKETS = 50
/** so often, one REST snapshot each stays under every limit */
const SNAPSHOT_EVERY_MS = 20
const SECONDS = 30

/** Makes the recording unless it is there. */
export async function ensureRecording(file: string): Promise<void> {
  if (existsSync(file)) return
  mkdirSync(dirname(file), { recursive: true })
  const [record_file, truth_file] = [`${file}.part`, `${file}.truth`]
  const sandbox = new Sandbox({ seed: SEED, symbols: COINS, rate: RATE, truth_file, record_file })
  try {
    const addresses = await sandbox.addresses()
    const sockets = await Promise.all(
      exchanges.map((exchange) => {
        const address = addresses.get(exchange.id)
        if (address === undefined) throw new Error(`the sandbox has no ${exchange.id}`)
        return converse(exchange, address)
      }),
    )
    await sleep(SECONDS * 1_000)
    for (const socket of sockets) socket.terminate()
  } finally {
    await sandbox.stop()
  }
  rmSync(truth_file, { force: true })
  renameSync(record_file, file)
}

/** Subscribes to the exchange's best-known markets; the sandbox records both sides. */
async function converse(
  exchange: Exchange,
  address: { readonly websocket_url: string; readonly rest_url: string },
): Promise<WebSocket> {
  const bodies: string[] = []
  for (const path of exchange.instruments.paths) {
    bodies.push(await (await fetch(address.rest_url + path)).text())
  }
  const listed = exchange.instruments.parse(bodies)
  const markets = chooseMarkets(listed, { max_symbols: MARKETS }).map(({ market }) => market)
  const socket = new WebSocket(address.websocket_url, { perMessageDeflate: false })
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  const { markets_per_frame, frames_per_second } = exchange.limits
  for (let i = 0; i < markets.length; i += markets_per_frame) {
    const frames = exchange.subscribe(markets.slice(i, i + markets_per_frame))
    for (const frame of frames) socket.send(frame)
    await sleep(1_000 / frames_per_second)
  }
  const { snapshot } = exchange
  if (snapshot === undefined) return socket
  for (const market of markets) {
    await fetch(address.rest_url + snapshot.path(market))
    await sleep(SNAPSHOT_EVERY_MS)
  }
  return socket
}
