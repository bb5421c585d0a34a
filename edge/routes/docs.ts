/**
 * The API's own descriptions, generated from the schemas that validate its requests and events. The
 * page /docs, which draws them, is one of the dashboard's files.
 */
import { z } from '@hono/zod-openapi'
import { asyncApi } from '../asyncapi.ts'
import { BoundedMap } from '../bounded.ts'
import { CACHE, entityTag } from '../caching.ts'
import { NoQuery } from '../parameters.ts'
import { type App, get, json, problems, unchanged } from '../serve.ts'

/** Our own names and those of previews. */
const ORIGINS_MAX = 8

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
    document: (origin: string) => object,
  ) => {
    // writing one takes as long as hundreds of answers, and only the address in it ever differs
    const written = new BoundedMap<string>(ORIGINS_MAX)
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
        const { origin } = new URL(c.req.url)
        const text = written.get(origin) ?? JSON.stringify(document(origin), plainPatterns)
        written.set(origin, text)
        c.header('cache-control', CACHE.summary)
        c.header('content-type', 'application/json')
        return c.body(text, 200)
      },
    )
  }

  describe('/openapi.json', 'openapi', 'What can be asked, as OpenAPI 3.1', (origin) =>
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
      servers: [{ url: origin }],
    }),
  )
  describe('/asyncapi.json', 'asyncapi', 'What is pushed, as AsyncAPI 3', asyncApi)
}

/** The generator leaves the end of the literal in a pattern with flags (`^a$/u`), which then never matches. */
function plainPatterns(name: string, value: unknown): unknown {
  if (name !== 'pattern' || typeof value !== 'string') return value
  return /^(\^.*\$)\/[a-z]+$/s.exec(value)?.[1] ?? value
}
