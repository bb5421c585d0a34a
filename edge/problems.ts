/**
 * Every refusal and failure leaves as RFC 9457 `application/problem+json` through here. What a
 * driver or a parser said stays inside: clients get what they can act on, the log gets the rest.
 */
import type { Hook } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { PROBLEMS, type Problem, type ProblemType, problem } from '../shared/problem.ts'
import type { Edge } from './edge.ts'
import { EXPECTED } from './parameters.ts'
import type { StoreName } from './store/answer.ts'

type FieldErrors = NonNullable<Problem['errors']>

/** Nobody reads more, and an answer must not be many times what was asked. */
const ERRORS_MAX = 50
const TEXT_MAX = 500
const VALUE_MAX = 2_000
const KEY_LIKE = /arb_[0-9A-Za-z]{8,}/g

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

/** Names every parameter or field that failed validation, with its value and what was expected. */
export const refuseInvalid: Hook<unknown, Edge, string, Response | undefined> = (result, c) => {
  if (result.success) return undefined
  const errors = new Map<string, FieldErrors[number]>()
  const queries = result.target === 'query' ? c.req.queries() : {}
  for (const issue of result.error.issues) {
    const unknown = issue.code === 'unrecognized_keys'
    const place = named(issue.path)
    const places = unknown ? issue.keys.map((name) => [...place, name]) : [place]
    for (const path of places) {
      const field = path.join('.') || result.target
      if (errors.has(field)) continue
      const values = Object.hasOwn(queries, field) ? (queries[field] ?? []) : []
      const repeated = values.length > 1 && !unknown
      const value = repeated ? values : (values[0] ?? valueAt(sent(result, c), path))
      const expected = unknown
        ? `no such ${result.target === 'json' ? 'field' : 'parameter'} here`
        : repeated
          ? 'to be given once'
          : expectedOf(result.target, field, issue.message)
      errors.set(field, { field: cut(field), value: shown(field, value), expected })
    }
  }
  const all = [...errors.values()]
  const told = all.slice(0, ERRORS_MAX)
  const names = told.map(({ field }) => field).join(', ')
  const more = all.length > told.length ? ` and ${all.length - told.length} more` : ''
  const detail = `${names}${more} ${all.length === 1 ? 'is' : 'are'} not valid`
  return refuse(c, 'invalid_request', detail, told)
}

/** Up to where fields have names: an entry of a list is the list's. */
function named(path: readonly PropertyKey[]): string[] {
  const end = path.findIndex((part) => typeof part !== 'string')
  return path.slice(0, end < 0 ? path.length : end).map(String)
}

/** What the enumerations of the parameters accept is said better than their validator says it. */
function expectedOf(target: string, field: string, message: string): string {
  const text = target === 'query' && Object.hasOwn(EXPECTED, field) ? EXPECTED[field] : undefined
  return text ?? message
}

function sent(result: { target: string; data?: unknown }, c: Context<Edge>): unknown {
  return result.target === 'header' ? c.req.header() : result.data
}

/** Null where there is nothing. */
function valueAt(data: unknown, path: readonly string[]): unknown {
  let value = data
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null
    value = (value as Record<string, unknown>)[name]
  }
  return value ?? null
}

/** As it may be repeated: no credential, and not all of what is very long. */
function shown(field: string, value: unknown): unknown {
  if (field === 'access_token' || value === null) return null
  const readable = (_name: string, one: unknown) =>
    typeof one === 'string' ? cut(one.replaceAll(KEY_LIKE, 'arb_…')) : one
  const text = JSON.stringify(value, readable)
  return text.length <= VALUE_MAX ? JSON.parse(text) : cut(text)
}

function cut(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX).toWellFormed()}…`
}
