/**
 * A replay from files to summary: a first pass that finds out what the recording holds, a second
 * that plays it. It reads the files and nothing else; what it has to say goes to its listeners.
 */
import { assertReadable } from '../capture/reader.ts'
import type { CreateFinder } from '../detection/finder.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { Hosts } from './hosts.ts'
import type { ReplayOptions } from './options.ts'
import { Player } from './player.ts'
import { summarize } from './summary.ts'
import { survey } from './survey.ts'
import { playFiles } from './timeline.ts'

export interface ReplayListener {
  /** one JSON document: an opportunity's event, and last the summary */
  write(document: object): void
  /** a line that cannot be used, with its file and number */
  problem(text: string): void
  /** what was written so far has been taken in */
  drained(): Promise<void>
}

/**
 * `createFinder`: another way to find what may pay, which must make no difference.
 * @throws UnreadableFile, before anything is written
 */
export async function replay(
  exchanges: readonly Exchange[],
  options: ReplayOptions,
  listener: ReplayListener,
  createFinder?: CreateFinder,
): Promise<void> {
  const { files, exchanges: only, limits, fees, books } = options
  for (const file of files) await assertReadable(file)
  const hosts = new Hosts(exchanges.filter(({ id }) => only === null || only.includes(id)))
  const surveyed = await survey(files, hosts)
  for (const problem of surveyed.problems) listener.problem(problem)
  const player = new Player({
    survey: surveyed,
    hosts,
    limits,
    fees,
    createFinder,
    onEvents: (drafts) => {
      for (const { type, data } of drafts) listener.write({ event: type, ...data })
    },
    onProblem: (problem) => listener.problem(problem),
  })
  await playFiles(
    surveyed.files,
    (file_index, numbered, at_ms) => player.take(file_index, numbered, at_ms),
    () => listener.drained(),
  )
  player.end()
  listener.write(summarize(player, books))
}
