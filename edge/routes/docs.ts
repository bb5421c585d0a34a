/**
 * The API's own descriptions, generated from the schemas that validate its requests and events. The
 * page /docs, which draws them, is one of the dashboard's files.
 */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { asyncApi } from '../asyncapi.ts'
import { CACHE, entityTag } from '../caching.ts'
import type { Edge } from '../edge.ts'
import { NoQuery } from '../parameters.ts'
import { type App, get, json, problems, unchanged } from '../serve.ts'

export function docs(app: App): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, `arb_…`. The endpoints say which of its scopes they need.',
  })
  app.openAPIRegistry.registerComponent('securitySchemes', 'access_token', {
    type: 'apiKey',
    in: 'query',
    name: 'access_token',
    description: 'The same key, only on /v1/stream: an EventSource cannot send headers.',
  })
  const describe = (
    path: '/openapi.json' | '/asyncapi.json',
    version: 'openapi' | 'asyncapi',
    summary: string,
    document: (c: Context<Edge>) => object,
  ) =>
    get(
      app,
      path,
      {
        summary,
        tags: ['documents'],
        middleware: entityTag(),
        request: { query: NoQuery },
        responses: {
          200: json('the document', z.looseObject({ [version]: z.string() })),
          ...unchanged,
          ...problems('invalid_request'),
        },
      },
      (c) => {
        c.header('cache-control', CACHE.summary)
        return c.json(JSON.parse(JSON.stringify(document(c), plainPatterns)), 200)
      },
    )

  describe('/openapi.json', 'openapi', 'What can be asked, as OpenAPI 3.1', (c) =>
    app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Spreadwire',
        version: '1.0.0',
        description:
          'Crypto arbitrage that could really have been taken. Prices, sizes, percentages and ' +
          'amounts are decimal strings, times are RFC 3339 UTC with milliseconds. Errors are ' +
          'RFC 9457 problems. What is pushed is described in /asyncapi.json.',
      },
      // reading needs a key only where the operator wants it
      security: [{}, { key: ['read'] }],
      servers: [{ url: new URL(c.req.url).origin }],
    }),
  )
  describe('/asyncapi.json', 'asyncapi', 'What is pushed, as AsyncAPI 3', (c) =>
    asyncApi(new URL(c.req.url).origin),
  )
}

/** The generator leaves the end of the literal in a pattern with flags (`^a$/u`), which then never matches. */
function plainPatterns(name: string, value: unknown): unknown {
  if (name !== 'pattern' || typeof value !== 'string') return value
  return /^(\^.*\$)\/[a-z]+$/s.exec(value)?.[1] ?? value
}
