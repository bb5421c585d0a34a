/**
 * Makes the bench's own frames: starts the sandbox exchanges, subscribes to them as the worker
 * would, and keeps what they recorded of the conversation. It measures nothing.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import type { Exchange } from '../workers/exchanges/exchange.ts'
import { exchanges } from '../workers/exchanges/index.ts'
import { chooseMarkets } from '../workers/feed/choose.ts'

const PROJECT = join(import.meta.dirname, '..')
const SEED = 7
const COINS = 40
/** multiple of the sandbox's usual number of batches a second */
const RATE = 6
const MARKETS = 50
/** one REST snapshot each this often stays under every exchange's weight limit */
const SNAPSHOT_EVERY_MS = 20
const SECONDS = 30

interface Address {
  readonly websocket_url: string
  readonly rest_url: string
}

/** Records SECONDS of all exchanges into `file`, a capture file. Overwrites it. */
export async function recordSandbox(file: string): Promise<void> {
  mkdirSync(dirname(file), { recursive: true })
  const part = `${file}.part`
  const truth = `${file}.truth`
  const options = ['--seed', SEED, '--symbols', COINS, '--rate', RATE, '--truth', truth]
  const child = spawn(
    process.execPath,
    [join(PROJECT, 'sandbox/exchanges/main.ts'), ...options.map(String), '--record', part],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  try {
    const line = await firstLine(child.stdout, ended)
    const addresses = (JSON.parse(line) as { exchanges: Record<string, Address> }).exchanges
    const sockets = await Promise.all(
      exchanges.map((exchange) => converse(exchange, addresses[exchange.id])),
    )
    await sleep(SECONDS * 1_000)
    for (const socket of sockets) socket?.terminate()
  } finally {
    child.kill('SIGTERM')
    await ended
  }
  rmSync(truth, { force: true })
  renameSync(part, file)
}

async function firstLine(output: NodeJS.ReadableStream, ended: Promise<void>): Promise<string> {
  let text = ''
  const line = new Promise<string>((resolve) => {
    output.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
    })
  })
  const failed = ended.then(() => Promise.reject(new Error('the sandbox exchanges did not start')))
  return Promise.race([line, failed])
}

/** Subscribes to the exchange's best-known markets; the sandbox records both sides. */
async function converse(
  exchange: Exchange,
  address: Address | undefined,
): Promise<WebSocket | undefined> {
  if (address === undefined) return undefined
  const bodies = await Promise.all(
    exchange.instruments.paths.map(async (path) => (await fetch(address.rest_url + path)).text()),
  )
  const listed = exchange.instruments.parse(bodies)
  const markets = chooseMarkets(listed, { max_symbols: MARKETS }).map(({ market }) => market)
  const socket = new WebSocket(address.websocket_url, { perMessageDeflate: false })
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  const { markets_per_frame, frames_per_second } = exchange.limits
  for (let i = 0; i < markets.length; i += markets_per_frame) {
    for (const frame of exchange.subscribe(markets.slice(i, i + markets_per_frame))) {
      socket.send(frame)
    }
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
