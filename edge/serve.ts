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

/** Responses are described, not inferred: a refusal is a plain response of its own shape. */
type GetConfig<Request> = Omit<RouteConfig, 'method' | 'path' | 'request'> & { request: Request }
type GetRoute<Path extends string, Request> = GetConfig<Request> & { method: 'get'; path: Path }

/** Registers a GET (HEAD comes with it) and refuses every other method on its path. */
export function get<Path extends string, Request extends NonNullable<RouteConfig['request']>>(
  app: App,
  path: Path,
  config: GetConfig<Request>,
  handler: RouteHandler<GetRoute<Path, Request>, Edge>,
): void {
  const route = createRoute<Path, GetRoute<Path, Request>>({ ...config, method: 'get', path })
  app.openapi(route, handler)
  app.all(route.getRoutingPath(), (c) => {
    const response = refuse(c, 'method_not_allowed', `${c.req.method} is not served here`)
    response.headers.set('allow', 'GET, HEAD, OPTIONS')
    return response
  })
}
