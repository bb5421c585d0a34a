/**
 * `npm run backup`: both stores into one file, checked, with the newest files kept. The file's path
 * is all that it prints on standard output.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import { systemClock } from '../shared/clock.ts'
import { hideSecretsOf } from '../shared/redact.ts'
import { readArguments, userPath } from './arguments.ts'
import { makeBackup } from './backup/backup.ts'
import { reasonOf, withStores } from './backup/stores.ts'
import { type ConfigProblem, describeProblem } from './config/problems.ts'
import { readStores } from './config.ts'
import { tellOperator } from './ops/log.ts'
import { dataDir, describeMissing, storeVariables } from './running.ts'

const SCRIPT = 'backup'
const USAGE = `usage: npm run backup -- [--out FOLDER] [--keep N]
  --out    where the file goes (DATA_DIR/backups)
  --keep   how many of the newest files stay there (14)`

interface Wish {
  readonly folder: string
  readonly keep: number
}

function readWish(argv: readonly string[], data_dir: string): Wish | readonly ConfigProblem[] {
  const { values, rest, problems } = readArguments(argv, ['out', 'keep'])
  const keep = Number(values.keep ?? '14')
  const wrong: ConfigProblem[] = [
    ...problems,
    ...rest.map((value) => ({ variable: 'argument', value, expected: 'nothing more' })),
  ]
  if (!Number.isInteger(keep) || keep < 1) {
    wrong.push({ variable: '--keep', value: values.keep, expected: 'a whole number from 1' })
  }
  if (wrong.length > 0) return wrong
  const { out } = values
  const folder = out === undefined ? join(data_dir, 'backups') : userPath(out, SCRIPT, process.env)
  return { folder, keep }
}

async function main({ folder, keep }: Wish, data_dir: string): Promise<void> {
  const variables = await storeVariables(['REDIS_URL', 'DATABASE_URL'], data_dir, process.env)
  const read = readStores(variables)
  if (!read.ok) throw new Error(describeMissing(read.problems, data_dir))
  await mkdir(folder, { recursive: true })
  const { version } = packageJson
  const made = await withStores(read.stores, (stores) =>
    makeBackup(stores, { folder, keep, version, clock: systemClock }),
  )
  tellOperator(`a backup of ${made.lines} lines, ${made.bytes} bytes, was made and read again`)
  if (made.removed.length > 0) tellOperator(`removed ${made.removed.join(', ')}`)
  process.stdout.write(`${made.path}\n`)
}

hideSecretsOf(process.env)
const data_dir = dataDir(SCRIPT, process.env)
const wish = readWish(process.argv.slice(2), data_dir)
try {
  if (!('folder' in wish)) throw new Error([...wish.map(describeProblem), USAGE].join('\n'))
  await main(wish, data_dir)
} catch (error) {
  tellOperator(reasonOf(error))
  process.exitCode = 1
}
