/**
 * The command line of a tool: `--name value` or `--name=value`, and what is left over. It knows which
 * names there are, not what their values mean.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { ConfigProblem } from './config/problems.ts'

export interface Arguments {
  /** by name, without the dashes; the text as it was typed */
  readonly values: Readonly<Record<string, string>>
  readonly rest: readonly string[]
  /** `variable` is the option's name with its dashes */
  readonly problems: readonly ConfigProblem[]
}

/** Every option takes a value and may be given once. */
export function readArguments(argv: readonly string[], names: readonly string[]): Arguments {
  const values: Record<string, string> = {}
  const problems: ConfigProblem[] = []
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' }] as const)),
    allowPositionals: true,
    // problems are told in our own words
    strict: false,
    tokens: true,
  })
  const known = `one of ${names.map((name) => `--${name}`).join(', ')}`
  const rest: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') rest.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName: variable, value } = token
    const refuse = (expected: string) => problems.push({ variable, value, expected })
    if (!names.includes(name))
      problems.push({ variable: 'option', value: variable, expected: known })
    else if (value === undefined || value === '') refuse('a value')
    else if (name in values) refuse('to be given once')
    else values[name] = value
  }
  return { values, rest, problems }
}

/** Problems of settings that were given as options: `options` says which option stands for which. */
export function asOptions(
  problems: readonly ConfigProblem[],
  options: Readonly<Record<string, string>>,
): ConfigProblem[] {
  const rename = (text: string) =>
    Object.entries(options).reduce(
      (renamed, [name, variable]) => renamed.replaceAll(variable, `--${name}`),
      text,
    )
  return problems.map(({ variable, value, expected }) => {
    return { variable: rename(variable), value, expected: rename(expected) }
  })
}

/**
 * A file as its user means it: npm runs a script in the project's folder, wherever it was called.
 * `script` is the tool's name in package.json.
 */
export function userPath(
  path: string,
  script: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const called_from = env.npm_lifecycle_event === script ? env.INIT_CWD : undefined
  return resolve(called_from ?? process.cwd(), path)
}
