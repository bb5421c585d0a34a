/**
 * `npm run replay -- FILE…`: the worker's pipeline over capture files on a virtual clock, as fast as
 * it goes. Events and the summary are JSON lines on standard output, problems words on standard
 * error. The same files and options give the same bytes in every run.
 */
import { userPath } from './arguments.ts'
import { UnreadableFile } from './capture/reader.ts'
import { describeProblem } from './config/problems.ts'
import { exchanges } from './exchanges/index.ts'
import { tellOperator } from './ops/log.ts'
import { readReplayOptions } from './replay/options.ts'
import { JsonLines } from './replay/output.ts'
import { replay } from './replay/run.ts'

const USAGE =
  'usage: npm run replay -- FILE… [--min-percent P] [--max-percent P] [--min-volume-usd V] ' +
  '[--fees ID=PERCENT,…] [--max-age-ms N] [--max-skew-ms N] [--exchange ID] [--books N]'

const settings = readReplayOptions(
  process.argv.slice(2),
  exchanges.map(({ id }) => id),
)
if (!settings.ok) {
  tellOperator([...settings.problems.map(describeProblem), USAGE].join('\n'))
  process.exitCode = 1
} else {
  const { options } = settings
  const files = options.files.map((file) => userPath(file, 'replay', process.env))
  const output = new JsonLines(process.stdout)
  try {
    await replay(
      exchanges,
      { ...options, files },
      {
        write: (document) => output.write(document),
        problem: tellOperator,
        drained: () => output.drained(),
      },
    )
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    tellOperator(error.message)
    process.exitCode = 1
  }
}
