/**
 * `npm run restore -- FILE`: a backup into empty stores. With `--replace everything` what is there
 * goes first. It refuses while a worker runs.
 */

import { systemClock } from '../shared/clock.ts'
import { hideSecretsOf } from '../shared/redact.ts'
import { readArguments, userPath } from './arguments.ts'
import { restoreBackup } from './backup/restore.ts'
import { reasonOf, withStores } from './backup/stores.ts'
import { type ConfigProblem, describeProblem } from './config/problems.ts'
import { readStores } from './config.ts'
import { tellOperator } from './ops/log.ts'
import { dataDir, describeMissing, storeVariables } from './running.ts'

const SCRIPT = 'restore'
const USAGE = 'usage: npm run restore -- FILE [--replace everything]'

interface Wish {
  readonly path: string
  readonly replace: boolean
}

function readWish(argv: readonly string[]): Wish | readonly ConfigProblem[] {
  const { values, rest, problems } = readArguments(argv, ['replace'])
  const [file, ...more] = rest
  const wrong: ConfigProblem[] = [
    ...problems,
    ...more.map((value) => ({ variable: 'argument', value, expected: 'nothing more' })),
  ]
  const { replace } = values
  if (replace !== undefined && replace !== 'everything') {
    wrong.push({ variable: '--replace', value: replace, expected: 'everything' })
  }
  if (file === undefined) wrong.push({ variable: 'FILE', value: file, expected: 'a backup' })
  if (file === undefined || wrong.length > 0) return wrong
  return { path: userPath(file, SCRIPT, process.env), replace: replace !== undefined }
}

async function main({ path, replace }: Wish): Promise<void> {
  const data_dir = dataDir(SCRIPT, process.env)
  const variables = await storeVariables(['REDIS_URL', 'DATABASE_URL'], data_dir, process.env)
  const read = readStores(variables)
  if (!read.ok) throw new Error(describeMissing(read.problems, data_dir))
  const restored = await withStores(read.stores, (stores) =>
    restoreBackup(stores, { path, replace, clock: systemClock }),
  )
  tellOperator(`restored the backup of ${restored.header.created_at}`)
  for (const [table, rows] of Object.entries(restored.tables)) tellOperator(`  ${table}: ${rows}`)
  tellOperator('start the worker: it copies what is missing from the stream into the history')
}

hideSecretsOf(process.env)
const wish = readWish(process.argv.slice(2))
try {
  if (!('path' in wish)) throw new Error([...wish.map(describeProblem), USAGE].join('\n'))
  await main(wish)
} catch (error) {
  tellOperator(reasonOf(error))
  process.exitCode = 1
}
