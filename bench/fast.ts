/**
 * The fast path against `JSON.parse` and `ws` on frames that the sandbox made, and
 * on recordings of the real exchanges where they are at hand. Figures go to standard output as JSON
 * lines, a table for people to standard error. A goal that is missed is printed as such: machines
 * differ.
 */
// what is measured is compiled as the worker compiles it
import '../workers/ops/inlining.ts'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_DIR } from '../sandbox/environment.ts'
import { raceBooks, raceProcess } from './fast/figures.ts'
import { ensureRecording } from './fast/recording.ts'
import { jsonLines, table } from './fast/report.ts'
import { readTapes, type Tape } from './fast/tape.ts'

const RECORDING = join(PROJECT_DIR, '.data/bench/frames.jsonl')
const CAPTURES = join(PROJECT_DIR, '../shared/captures')
const CAPTURE_FILES = [
  'binance-spot-combined-btcusdt.hft20240808.jsonl.gz',
  'coinbase-spot-level2-ticker-matches.cf20210417.jsonl.gz',
  'kraken-spot-v2-book-btcusd.sample.cb20260802.jsonl',
]

const say = (text: string) => process.stderr.write(`${text}\n`)

say('fast bench: frames')
await ensureRecording(RECORDING)
const sandbox = await readTapes(RECORDING, 'sandbox')
const captures: Tape[] = []
for (const file of CAPTURE_FILES.map((name) => join(CAPTURES, name))) {
  if (existsSync(file)) captures.push(...(await readTapes(file, 'capture')))
}
say('fast bench: books')
const { figures, checked } = raceBooks(sandbox, captures)
say('fast bench: sockets, garbage, delays')
const all = [...figures, ...(await raceProcess(RECORDING, sandbox))]
for (const line of jsonLines(all, checked)) process.stdout.write(`${line}\n`)
say(table(all, checked))
