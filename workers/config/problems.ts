/**
 * What is wrong with a setting, and how the operator is told: the variable, its value and what was
 * expected. A value that may hold a secret is masked.
 */
import type { z } from 'zod'
import { isSecretVariable, redactText } from '../../shared/redact.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ConfigProblem {
  readonly variable: string
  readonly value: string | undefined
  readonly expected: string
}

/** One message for people, a line a problem. */
export function describeProblems(problems: readonly ConfigProblem[]): string {
  const lines = problems.map((problem) => `  ${describeProblem(problem)}`)
  return ['The configuration is not valid:', ...lines].join('\n')
}

export function describeProblem({ variable, value, expected }: ConfigProblem): string {
  const found = value === undefined || value === '' ? 'not set' : `"${value}"`
  return `${variable}: ${found}, expected ${expected}`
}

/** An empty value means unset. */
export function withoutEmpty(env: Environment): Record<string, string> {
  const present = Object.entries(env).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(present) as Record<string, string>
}

/** Variables whose value may hold a password are only shown when it can be cut out. */
const SECRET_VARIABLES = new Set(['REDIS_URL', 'DATABASE_URL'])

export function problemOf(issue: z.core.$ZodIssue, env: Environment): ConfigProblem {
  const variable = String(issue.path[0])
  const value = env[variable]
  if (value === undefined) return { variable, value, expected: issue.message }
  const unsplittable = SECRET_VARIABLES.has(variable) && URL.parse(value) === null
  const hidden = isSecretVariable(variable) || unsplittable
  return { variable, value: hidden ? '***' : redactText(value), expected: issue.message }
}
