/** How an endpoint is put into the app: its route with its refusals, and 405 for other methods. */
import {
  createRoute,
  type OpenAPIHono,
  type RouteConfig,
  type RouteHandler,
  z,
} from '@hono/zod-openapi'
import { PROBLEM_TYPES, PROBLEMS, Problem, type ProblemType } from '../shared/problem.ts'
import type { Edge } from './edge.ts'
import { refuse } from './problems.ts'

export type App = OpenAPIHono<Edge>

/** As it is described; clients hold answers to the looser one, because the list may grow. */
const MEANINGS = Object.entries(PROBLEMS).map(
  ([type, { status, title }]) => `${type} (${status}): ${title}.`,
)
const ClosedProblem = Problem.extend({
  type: z.enum(PROBLEM_TYPES).describe(`What went wrong. ${MEANINGS.join(' ')}`),
}).openapi('Problem')

const header = (description: string, type: 'integer' | 'string', required = true) => ({
  description,
  required,
  schema: { type },
})
const RETRY_AFTER = { 'Retry-After': header('seconds to wait', 'integer') }
const CHALLENGE = { 'WWW-Authenticate': header('what is asked for (RFC 6750)', 'string') }
/** What an answer of this kind says beside its body. */
const HEADERS: Partial<Record<ProblemType, Record<string, ReturnType<typeof header>>>> = {
  unauthorized: CHALLENGE,
  forbidden: CHALLENGE,
  conflict: { 'Retry-After': header('seconds to wait, where that helps', 'integer', false) },
  rate_limited: {
    ...RETRY_AFTER,
    RateLimit: header('what is left and until when', 'string'),
    'RateLimit-Policy': header('the quota and its window', 'string'),
  },
}

/** The `responses` of a route that may be refused in these ways. */
export function problems(...types: readonly ProblemType[]) {
  return Object.fromEntries(
    types.map((type) => [
      PROBLEMS[type].status,
      {
        description: PROBLEMS[type].title,
        headers: HEADERS[type] ?? {},
        content: { 'application/problem+json': { schema: ClosedProblem } },
      },
    ]),
  )
}

/** What a read with an entity tag answers to whoever has it already. */
export const unchanged = {
  304: {
    description: 'what the reader has is still true (If-None-Match)',
    headers: { ETag: header('of the answer that the reader has', 'string') },
  },
} as const

/** Where a thing that was made is from now on. */
export const madeAt = { Location: header('the path of what was made', 'string') }

export function json(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema } } }
}

/** How any request under /v1 may be refused before its endpoint sees it. */
const REFUSALS = ['unauthorized', 'forbidden', 'rate_limited', 'unavailable'] as const

type Method = 'get' | 'post' | 'patch' | 'delete'

/** Responses are described, not inferred: a refusal is a plain response of its own shape. */
type Config<Request> = Omit<RouteConfig, 'method' | 'path' | 'request'> & { request: Request }
type Route<M extends Method, Path extends string, Request> = Config<Request> & {
  method: M
  path: Path
}

/** Registers one method of a path (HEAD comes with GET). */
export function endpoint<
  M extends Method,
  Path extends string,
  Request extends NonNullable<RouteConfig['request']>,
>(
  app: App,
  method: M,
  path: Path,
  config: Config<Request>,
  handler: RouteHandler<Route<M, Path, Request>, Edge>,
): void {
  const refusals = path.startsWith('/v1/') ? problems(...REFUSALS) : {}
  const has_body = config.request.body !== undefined
  const responses = { ...refusals, ...(has_body ? problems('too_large') : {}), ...config.responses }
  const route = createRoute<Path, Route<M, Path, Request>>({ ...config, responses, method, path })
  app.openapi(route, handler)
}

/** Refuses every other method of a path; after its endpoints. */
export function onlyThese(app: App, path: string, methods: readonly string[]): void {
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  app.all(path.replace(/\{(\w+)\}/g, ':$1'), (c) => {
    const response = refuse(c, 'method_not_allowed', `${c.req.method} is not served here`)
    response.headers.set('allow', [...allowed, 'OPTIONS'].join(', '))
    return response
  })
}

/** Registers a path that is only read. */
export function get<Path extends string, Request extends NonNullable<RouteConfig['request']>>(
  app: App,
  path: Path,
  config: Config<Request>,
  handler: RouteHandler<Route<'get', Path, Request>, Edge>,
): void {
  endpoint(app, 'get', path, config, handler)
  onlyThese(app, path, ['GET'])
}
