/**
 * `npm run replay -- FILE…`: the worker's pipeline over capture files on a virtual clock, as fast as
 * it goes. Events and the summary are JSON lines on standard output, problems words on standard
 * error. The same files and options give the same bytes in every run.
 */
import { userPath } from './arguments.ts'
import { assertReadable, UnreadableFile } from './capture/reader.ts'
import { describeProblem } from './config.ts'
import { exchanges } from './exchanges/index.ts'
import { tellOperator } from './ops/log.ts'
import { Hosts } from './replay/hosts.ts'
import { type ReplayOptions, readReplayOptions } from './replay/options.ts'
import { JsonLines } from './replay/output.ts'
import { Player } from './replay/player.ts'
import { summarize } from './replay/summary.ts'
import { survey } from './replay/survey.ts'
import { playFiles } from './replay/timeline.ts'

const USAGE =
  'usage: npm run replay -- FILE… [--min-percent P] [--max-percent P] [--min-volume-usd V] ' +
  '[--fees ID=PERCENT,…] [--max-age-ms N] [--max-skew-ms N] [--exchange ID] [--books N]'

/** @throws UnreadableFile */
async function replay(options: ReplayOptions): Promise<void> {
  const files = options.files.map((file) => userPath(file, 'replay', process.env))
  for (const file of files) await assertReadable(file)

  const { exchanges: only, limits, fees } = options
  const hosts = new Hosts(exchanges.filter(({ id }) => only === null || only.includes(id)))
  const surveyed = await survey(files, hosts)
  for (const problem of surveyed.problems) tellOperator(problem)

  const output = new JsonLines(process.stdout)
  const player = new Player({
    survey: surveyed,
    hosts,
    limits,
    fees,
    onEvents: (drafts) => {
      for (const { type, data } of drafts) output.write({ event: type, ...data })
    },
    onProblem: tellOperator,
  })
  await playFiles(
    surveyed.files,
    (file_index, numbered, at_ms) => player.take(file_index, numbered, at_ms),
    () => output.drained(),
  )
  player.end()
  output.write(summarize(player, options.books))
}

const settings = readReplayOptions(
  process.argv.slice(2),
  exchanges.map(({ id }) => id),
)
if (!settings.ok) {
  tellOperator([...settings.problems.map(describeProblem), USAGE].join('\n'))
  process.exitCode = 1
} else {
  try {
    await replay(settings.options)
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    tellOperator(error.message)
    process.exitCode = 1
  }
}
