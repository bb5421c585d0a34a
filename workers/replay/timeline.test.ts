import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from './clock.ts'
import { captureFile, received } from './testing.ts'
import { FileTime, playFiles, startOf, untimed } from './timeline.ts'

async function play(files: readonly { path: string; start_ms: number }[]) {
  const seen: { file: number; raw: string; at_ms: number }[] = []
  await playFiles(
    files,
    (file, { line }, at_ms) => {
      seen.push({ file, raw: typeof line === 'string' ? 'broken' : line.raw, at_ms })
    },
    async () => {},
  )
  return seen
}

describe('files', () => {
  it('are merged by time, those of one moment in the order of the files', async () => {
    const times = fc.array(fc.nat(20), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(fc.array(times, { minLength: 1, maxLength: 4 }), async (files) => {
        const sorted = files.map((file) => file.toSorted((a, b) => a - b))
        const expected = sorted
          .flatMap((file, index) => file.map((at_ms, i) => ({ file: index, raw: `${i}`, at_ms })))
          // a stable sort: within a file the order stands
          .sort((a, b) => a.at_ms - b.at_ms || a.file - b.file)
        const paths = sorted.map((file) =>
          captureFile(file.map((ts, i) => received('kraken', ts, `${i}`))),
        )
        expect(await play(paths.map((path) => ({ path, start_ms: 0 })))).toEqual(expected)
      }),
      { numRuns: 40 },
    )
  })

  it('count 1 ms for a line without a time, and never go back', async () => {
    const path = captureFile([
      received('kraken', null, 'a'),
      received('kraken', 100, 'b'),
      received('kraken', null, 'c'),
      'broken',
      received('kraken', 50, 'd'),
      received('kraken', 103.25, 'e'),
    ])
    const seen = await play([{ path, start_ms: startOf(100, 1) }])
    expect(seen.map(({ raw, at_ms }) => [raw, at_ms])).toEqual([
      ['a', 99],
      ['b', 100],
      ['c', 101],
      ['broken', 101],
      ['d', 101],
      ['e', 103.25],
    ])
  })

  it('without any time follow the one before', () => {
    const first = untimed(-1, 3)
    expect(first).toEqual({ start_ms: 0, end_ms: 2 })
    expect(untimed(first.end_ms, 2)).toEqual({ start_ms: 3, end_ms: 4 })
    const time = new FileTime(first.start_ms)
    expect([time.of(null), time.of(null), time.of(null)]).toEqual([0, 1, 2])
  })
})

describe('the virtual clock', () => {
  it('runs what falls due on the way, in order, and stands where it was moved to', () => {
    const clock = new VirtualClock(1_000.5, 10_000)
    const ran: [string, number][] = []
    clock.every(200, () => ran.push(['sweep', clock.monotonic_ms()]))
    clock.every(250, () => ran.push(['recheck', clock.monotonic_ms()]))
    clock.advance(1_100)
    expect(ran).toEqual([])
    clock.advance(1_600.7)
    expect(ran).toEqual([
      ['sweep', 200],
      ['recheck', 250],
      ['sweep', 400],
      ['recheck', 500],
      ['sweep', 600],
    ])
    expect([clock.wall_ms(), clock.monotonic_ms()]).toEqual([1_600, 1_600.7 - 1_000.5])
    clock.advance(1_200)
    expect(clock.wall_ms()).toBe(1_600)
  })

  it('skips years of silence once everything has settled', () => {
    const clock = new VirtualClock(0, 10_000)
    let ran = 0
    clock.every(200, () => ran++)
    clock.advance(1e11)
    expect(ran).toBe(50)
    clock.advance(1e11 + 1_000)
    expect(ran).toBe(55)
  })
})
