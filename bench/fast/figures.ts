/** Runs every comparison of the fast path and says what came out, each figure beside its goal. */
import { garbage, tail } from './memory.ts'
import { type Contender, type Play, race } from './race.ts'
import { type Mix, mixOf, Rig, type RigCounts } from './rig.ts'
import { raceSockets } from './sockets.ts'
import type { Tape } from './tape.ts'

export interface Figure {
  readonly what: string
  /** which frames: sandbox or the name of a capture */
  readonly frames: string
  readonly exchange: string
  readonly unit: 'ns' | 'bytes'
  /** JSON.parse, with `ws` as it comes where sockets take part */
  readonly floor: number
  readonly ours: number
  readonly ratio: number
  /** the ratio that is aimed at */
  readonly goal: number
}

const GOALS = { book: 0.4, detection: 0.35, sockets: 0.6, garbage: 0.15, tail: 0.3 } as const

/** What the pipelines were measured on must have been right. */
export interface Checked {
  readonly frames: string
  readonly exchange: string
  readonly counts: RigCounts
}

/** (a) parsing, (b) frame to book of each tape, and of the sandbox's mix (c) to detection as well. */
export function raceBooks(
  sandbox: readonly Tape[],
  captures: readonly Tape[],
): { readonly figures: Figure[]; readonly checked: Checked[] } {
  const single = [...sandbox, ...captures].map((tape) => ({
    frames: tape.name,
    exchange: tape.exchange.id,
    mix: mixOf([tape]),
  }))
  const all = [...single, { frames: 'sandbox', exchange: 'mix', mix: mixOf(sandbox) }]
  const costs = all.map(({ exchange, mix }) => {
    const contenders: Contender[] = [
      { name: 'json', prepare: () => parsing(mix) },
      { name: 'book', prepare: () => playing(mix, false) },
    ]
    const detection = { name: 'detection', prepare: () => playing(mix, true) }
    return race(mix.frames.length, exchange === 'mix' ? [...contenders, detection] : contenders)
  })
  const cost = (index: number, way: string) => costs[index]?.get(way) ?? Number.NaN
  const figures = all.flatMap((one, index) => {
    const row = { frames: one.frames, exchange: one.exchange, unit: 'ns' as const }
    const floor = cost(index, 'json')
    const book = figure({ ...row, what: 'book', floor, ours: cost(index, 'book') })
    if (one.exchange !== 'mix') return [book]
    return [book, figure({ ...row, what: 'detection', floor, ours: cost(index, 'detection') })]
  })
  const checked = all.map(({ frames, exchange, mix }) => {
    const rig = new Rig(mix.tapes, true)
    rig.play(mix)
    return { frames, exchange, counts: rig.counts() }
  })
  return { figures, checked }
}

/** Receiving, garbage and the slowest frames, for the mix. `file` is where the tapes come from. */
export async function raceProcess(file: string, sandbox: readonly Tape[]): Promise<Figure[]> {
  const mix = mixOf(sandbox)
  const row = { frames: 'sandbox', exchange: 'mix' }
  const { json_ns, ours_ns } = await raceSockets(file, sandbox)
  const { length } = mix.frames
  return [
    figure({ ...row, what: 'sockets', unit: 'ns', floor: json_ns, ours: ours_ns }),
    figure({
      ...row,
      what: 'garbage',
      unit: 'bytes',
      floor: garbage(length, () => parsing(mix)),
      ours: garbage(length, () => playing(mix, false)),
    }),
    figure({
      ...row,
      what: 'tail',
      unit: 'ns',
      floor: tail(length, () => parsing(mix)),
      ours: tail(length, () => playing(mix, false)),
    }),
  ]
}

function playing(mix: Mix, detection: boolean): Play {
  const rig = new Rig(mix.tapes, detection)
  return (from, to) => rig.play(mix, from, to)
}

function parsing({ frames }: Mix): Play {
  return (from, to) => {
    for (let i = from; i < to; i++) JSON.parse((frames[i] as Buffer).toString())
  }
}

function figure(
  measured: Omit<Figure, 'ratio' | 'goal'> & { readonly what: keyof typeof GOALS },
): Figure {
  return { ...measured, ratio: measured.ours / measured.floor, goal: GOALS[measured.what] }
}
