/**
 * Every refusal and failure leaves as RFC 9457 `application/problem+json` through here. What a
 * driver or a parser said stays inside: clients get what they can act on, the log gets the rest.
 */
import type { Hook } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { PROBLEMS, type Problem, type ProblemType, problem } from '../shared/problem.ts'
import type { Edge } from './edge.ts'
import { EXPECTED } from './parameters.ts'
import { beginning, shown } from './shown.ts'
import type { StoreName } from './store/answer.ts'

type FieldErrors = NonNullable<Problem['errors']>

/** Nobody reads more, and an answer must not be many times what was asked. */
const ERRORS_MAX = 50

export function refuse(
  c: Context<Edge>,
  type: ProblemType,
  detail: string,
  errors?: FieldErrors,
): Response {
  const instance = new URL(c.req.url).pathname // still encoded: a URI reference
  return new Response(JSON.stringify(problem(type, detail, instance, errors)), {
    status: PROBLEMS[type].status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  })
}

export function unavailable(c: Context<Edge>, store: StoreName, reason: string): Response {
  return refuse(c, 'unavailable', `${store}: ${reason}`)
}

/** One bad parameter that only its endpoint can judge. */
export function invalidParameter(c: Context<Edge>, field: string, expected: string): Response {
  const errors = [{ field, value: shown(field, c.req.query(field) ?? null), expected }]
  return refuse(c, 'invalid_request', `${field} is not valid`, errors)
}

/** A body that could not even be read: of another type (415), or not what its type says. */
export function refuseBody(c: Context<Edge>, status: number): Response {
  const type = c.req.header('content-type') ?? null
  const error =
    status === 415
      ? { field: 'content-type', value: type, expected: 'application/json' }
      : { field: 'body', value: null, expected: 'JSON' }
  return refuse(c, 'invalid_request', `${error.field} is not valid`, [error])
}

/** One bad field of a JSON body that only its endpoint can judge. */
export function invalidField(
  c: Context<Edge>,
  field: string,
  value: unknown,
  expected: string,
): Response {
  const errors = [{ field, value: shown(field, value), expected }]
  return refuse(c, 'invalid_request', `${field} is not valid`, errors)
}

/** Names every parameter or field that failed validation, with its value and what was expected. */
export const refuseInvalid: Hook<unknown, Edge, string, Response | undefined> = (result, c) => {
  if (result.success) return undefined
  const errors = new Map<string, FieldErrors[number]>()
  const queries = result.target === 'query' ? c.req.queries() : {}
  /** those that nobody will be told: there may be ten thousand */
  const others = new Set<string>()
  for (const issue of result.error.issues) {
    const unknown = issue.code === 'unrecognized_keys'
    const names = namesOf(issue.path)
    for (const path of unknown ? issue.keys.map((key) => [...names, key]) : [names]) {
      const field = path.join('.') || result.target
      if (errors.has(field)) continue
      if (errors.size === ERRORS_MAX) {
        others.add(field)
        continue
      }
      const values = givenTo(result, c, queries, path)
      const repeated = values.length > 1 && !unknown
      const value = shown(path.at(-1) ?? '', repeated ? values : (values[0] ?? null))
      const expected = unknown
        ? `no such ${result.target === 'json' ? 'field' : 'parameter'} here`
        : repeated
          ? 'to be given once'
          : (expectedOf(path.at(-1)) ?? issue.message)
      errors.set(field, { field: beginning(field), value, expected })
    }
  }
  const told = [...errors.values()]
  const names = told.map(({ field }) => field).join(', ')
  const more = others.size > 0 ? ` and ${others.size} more` : ''
  const detail = `${names}${more} ${told.length === 1 ? 'is' : 'are'} not valid`
  return refuse(c, 'invalid_request', detail, told)
}

/** What an enumeration accepts is said better than its validator says it. */
function expectedOf(name = ''): string | undefined {
  return Object.hasOwn(EXPECTED, name) ? EXPECTED[name] : undefined
}

/** A list is one field, whichever of its items is wrong. */
function namesOf(path: readonly PropertyKey[]): string[] {
  const item = path.findIndex((step) => typeof step !== 'string')
  return (item === -1 ? path : path.slice(0, item)).map(String)
}

/** Every value that was given for this field. */
function givenTo(
  result: { target: string; data?: unknown },
  c: Context<Edge>,
  queries: Readonly<Record<string, string[]>>,
  path: readonly string[],
): readonly unknown[] {
  const [name] = path
  if (name === undefined) return []
  if (result.target === 'query') return Object.hasOwn(queries, name) ? (queries[name] ?? []) : []
  let value: unknown = result.target === 'header' ? c.req.header() : result.data
  for (const step of path) {
    if (!Object.hasOwn(Object(value), step)) return []
    value = (value as Record<string, unknown>)[step]
  }
  return [value]
}
