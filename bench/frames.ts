/**
 * What a frame costs: JSON.parse of it, our road from the frame to the book with every check on, and
 * the same with detection, for each exchange and for the mix as it arrives. Frames are recorded from
 * the sandbox exchanges, once; recordings of real exchanges join when their folder is there.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { collectGarbage, race } from './fast/race.ts'
import { Rig } from './fast/rig.ts'
import { readTapes, type Tape } from './fast/tape.ts'
import { recordSandbox } from './record.ts'

const PROJECT = join(import.meta.dirname, '..')
const RECORDING = join(PROJECT, '.data', 'bench', 'sandbox.jsonl')
const CAPTURES = join(PROJECT, '..', 'shared', 'captures')
const REAL = [
  'binance-spot-combined-btcusdt.hft20240808.jsonl.gz',
  'coinbase-spot-level2-ticker-matches.cf20210417.jsonl.gz',
  'kraken-spot-v2-book-btcusd.sample.cb20260802.jsonl',
]
const ROUNDS = 9

/** Frames of several exchanges in the order in which they arrived. */
interface Arrival {
  readonly tape: number
  readonly frame: Buffer
  readonly at_ms: number
}

function arrivals(tapes: readonly Tape[]): Arrival[] {
  const all = tapes.flatMap(({ frames, times_ms }, tape) =>
    frames.map((frame, i) => ({ tape, frame, at_ms: times_ms[i] as number })),
  )
  all.sort((a, b) => a.at_ms - b.at_ms)
  const first_ms = all[0]?.at_ms ?? 0
  return all.map((one) => ({ ...one, at_ms: one.at_ms - first_ms }))
}

function parseAll(sequence: readonly Arrival[]) {
  return () => () => {
    for (const { frame } of sequence) JSON.parse(frame.toString())
  }
}

function playAll(tapes: readonly Tape[], sequence: readonly Arrival[], detection: boolean) {
  const rig = new Rig(tapes, detection)
  return () => {
    refuseBroken('played again', rig)
    rig.rewind()
    return () => {
      for (const { tape, frame, at_ms } of sequence) rig.frame(tape, frame, at_ms)
    }
  }
}

/** Bytes of the heap that a run leaves for the collector, a frame. */
function garbage(prepare: () => () => void, frames: number): number {
  const run = prepare()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  run()
  return Math.max(0, process.memoryUsage().heapUsed - before) / frames
}

function verify(name: string, tapes: readonly Tape[], sequence: readonly Arrival[]) {
  const rig = new Rig(tapes, true)
  for (const { tape, frame, at_ms } of sequence) rig.frame(tape, frame, at_ms)
  return refuseBroken(name, rig)
}

/** @throws when a frame was not applied as it must be: a fast wrong book is worth nothing */
function refuseBroken(name: string, rig: Rig) {
  const counts = rig.counts()
  const { gaps, checksums_failed } = counts
  if (gaps + checksums_failed > 0) {
    throw new Error(`${name}: ${JSON.stringify(counts)}`)
  }
  return counts
}

function measure(name: string, tapes: readonly Tape[]): void {
  const sequence = arrivals(tapes)
  const counts = verify(name, tapes, sequence)
  const frames = sequence.length
  const parse = parseAll(sequence)
  const book = playAll(tapes, sequence, false)
  const detect = playAll(tapes, sequence, true)
  const costs = race(
    [
      { name: 'parse', frames, prepare: parse },
      { name: 'book', frames, prepare: book },
      { name: 'detect', frames, prepare: detect },
    ],
    ROUNDS,
  )
  const [parse_ns, book_ns, detect_ns] = ['parse', 'book', 'detect'].map(
    (one) => costs.get(one) ?? Number.NaN,
  ) as [number, number, number]
  const few = sequence.slice(0, 4_000)
  report({
    bench: 'frames',
    name,
    frames,
    slow_path: counts.slow_path,
    parse_ns: Math.round(parse_ns),
    book_ns: Math.round(book_ns),
    detect_ns: Math.round(detect_ns),
    book_ratio: rounded(book_ns / parse_ns),
    detect_ratio: rounded(detect_ns / parse_ns),
    garbage_ratio: rounded(
      garbage(playAll(tapes, few, true), few.length) / garbage(parseAll(few), few.length),
    ),
  })
}

function report(figures: Readonly<Record<string, string | number>>): void {
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  const cells = [figures.name, figures.frames, figures.parse_ns, figures.book_ratio]
  const all = [...cells, figures.detect_ratio, figures.garbage_ratio, figures.slow_path]
  process.stderr.write(`${all.map((cell) => String(cell).padStart(12)).join('')}\n`)
}

const rounded = (ratio: number) => Math.round(ratio * 1_000) / 1_000

if (!existsSync(RECORDING)) await recordSandbox(RECORDING)
const tapes = await readTapes(RECORDING, 'sandbox')
const heads = ['', 'frames', 'parse ns', 'book', 'detection', 'garbage', 'slow path']
process.stderr.write(`${heads.map((head) => head.padStart(12)).join('')}\n`)
for (const tape of tapes) measure(tape.exchange.id, [tape])
measure('mix', tapes)
for (const file of REAL) {
  const path = join(CAPTURES, file)
  if (!existsSync(path)) continue
  for (const tape of await readTapes(path, file)) measure(`${tape.exchange.id}*`, [tape])
}
