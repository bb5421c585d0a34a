/**
 * Where the tools find the stores: in the environment, else in the stack that `npm start` runs in
 * DATA_DIR. It only reads what that stack wrote down.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { userPath } from './arguments.ts'
import { type ConfigProblem, describeProblem } from './config/problems.ts'

type Environment = Readonly<Record<string, string | undefined>>

export function dataDir(script: string, env: Environment): string {
  return userPath(env.DATA_DIR || '.data', script, env)
}

/** The named variables; those that the environment lacks are the running stack's. */
export async function storeVariables(
  names: readonly string[],
  data_dir: string,
  env: Environment,
): Promise<Record<string, string | undefined>> {
  const running: Environment = names.every((name) => env[name])
    ? {}
    : await readFile(join(data_dir, 'worker.env'), 'utf8').then(parseEnv, () => ({}))
  return Object.fromEntries(names.map((name) => [name, env[name] || running[name]]))
}

export function describeMissing(problems: readonly ConfigProblem[], data_dir: string): string {
  const lines = problems.map(describeProblem).join('\n')
  return `${lines}\n(no stack of npm start was found in ${data_dir} either)`
}
