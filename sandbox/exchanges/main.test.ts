import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { SANDBOX_EXCHANGES } from './index.ts'
import { Client, get, until } from './testing.ts'

type Addresses = Record<string, { websocket_url: string; rest_url: string }>

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'exchanges-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

function run(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const output = { out: '', err: '' }
  child.stdout.on('data', (data) => {
    output.out += data
  })
  child.stderr.on('data', (data) => {
    output.err += data
  })
  return { child, output }
}

async function start(...args: string[]) {
  const { child, output } = run(...args)
  await until(() => output.out.endsWith('\n') || child.exitCode !== null)
  expect(output.err).toBe('')
  const { exchanges } = JSON.parse(output.out) as { exchanges: Addresses }
  return { child, output, exchanges }
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}

it('serves, records and ends cleanly; the recording can be played', {
  timeout: 60_000,
}, async () => {
  const path = await folder()
  // in a folder of its own: what is played is all that lies beside it
  const [truth, recording] = [join(await folder(), 'truth.jsonl'), join(path, 'recording.jsonl.gz')]
  const { child, output, exchanges } = await start(
    ...['--seed', '5', '--symbols', '3', '--rate', '2', '--truth', truth, '--record', recording],
  )
  expect(Object.keys(exchanges)).toEqual(SANDBOX_EXCHANGES.map(({ profile }) => profile.id))
  expect(exchanges.binance?.websocket_url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/stream$/)
  expect(exchanges.bybit?.websocket_url).toMatch(/\/v5\/public\/spot$/)
  expect(exchanges.kraken?.websocket_url).toMatch(/\/v2$/)
  const { websocket_url, rest_url } = exchanges.kraken as Addresses[string]
  const { body } = await get(`${rest_url}/0/public/AssetPairs`)
  expect(Object.keys(body.result as object)).toContain('XXBTZUSD')
  const client = await Client.connect(websocket_url)
  client.send({ method: 'subscribe', params: { channel: 'book', symbol: ['BTC/USD'] } })
  await until(() => client.having({ channel: 'book', type: 'update' }).length > 10)
  child.kill('SIGTERM')
  expect(await exitOf(child)).toBe(0)
  expect(output.out.split('\n')).toHaveLength(2)
  await readFile(truth, 'utf8')
  const lines = gunzipSync(await readFile(recording))
    .toString()
    .trimEnd()
    .split('\n')
  const dirs = new Set(lines.map((line) => JSON.parse(line).dir))
  expect(dirs).toEqual(new Set(['http', 'open', 'in', 'out']))
  const again = await start('--captures', path, '--rate', '10')
  expect(Object.keys(again.exchanges)).toEqual(['kraken'])
  again.child.kill('SIGINT')
  expect(await exitOf(again.child)).toBe(0)
})

it('serves those that it is told to, in the order of the registry', async () => {
  const truth = join(await folder(), 'truth.jsonl')
  const market = ['--seed', '1', '--symbols', '1', '--rate', '1', '--truth', truth]
  const { exchanges } = await start(...market, '--exchanges', 'kraken,bybit')
  expect(Object.keys(exchanges)).toEqual(['bybit', 'kraken'])
})

it('ends when its standard input ends', async () => {
  const truth = join(await folder(), 'truth.jsonl')
  const { child } = await start('--seed', '1', '--symbols', '1', '--rate', '1', '--truth', truth)
  child.stdin?.end()
  expect(await exitOf(child)).toBe(0)
})

it.each([
  [[], '--seed is missing'],
  [['--seed', 'x'], '--seed is no number'],
  [['--nope'], 'nope'],
  [
    ['--seed', '1', '--symbols', '1', '--truth', 'x', '--exchanges', 'bybit,mtgox'],
    '--exchanges: "mtgox", expected some of binance,',
  ],
  [['--captures', '/nonexistent'], 'nonexistent'],
])('tells what is wrong with %j', async (args, problem) => {
  const { child, output } = run(...args)
  expect(await exitOf(child)).toBeGreaterThan(0)
  await until(() => output.err.includes(problem))
  expect(output.out).toBe('')
})
