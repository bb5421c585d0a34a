/** How an endpoint is put into the app: its route with its refusals, and 405 for other methods. */
import {
  createRoute,
  type OpenAPIHono,
  type RouteConfig,
  type RouteHandler,
  type z,
} from '@hono/zod-openapi'
import { PROBLEMS, Problem, type ProblemType } from '../shared/problem.ts'
import type { Edge } from './edge.ts'
import { refuse } from './problems.ts'

export type App = OpenAPIHono<Edge>

/** The `responses` of a route that may be refused in these ways. */
export function problems(...types: readonly ProblemType[]) {
  return Object.fromEntries(
    types.map((type) => [
      PROBLEMS[type].status,
      {
        description: PROBLEMS[type].title,
        content: { 'application/problem+json': { schema: Problem.openapi('Problem') } },
      },
    ]),
  )
}

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
  const responses = { ...refusals, ...config.responses }
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
