/** The API's own description, generated from the schemas that validate its requests. */

import { CACHE, entityTag } from '../caching.ts'
import type { App } from '../serve.ts'

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
  app.get('/openapi.json', entityTag(), (c) => {
    const document = app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Spreadwire',
        version: '1.0.0',
        description:
          'Crypto arbitrage that could really have been taken. Prices, sizes, percentages and ' +
          'amounts are decimal strings, times are RFC 3339 UTC with milliseconds. Errors are ' +
          'RFC 9457 problems.',
      },
      // reading needs a key only where the operator wants it
      security: [{}, { key: ['read'] }],
      servers: [{ url: new URL(c.req.url).origin }],
    })
    c.header('cache-control', CACHE.brief)
    return c.json(document)
  })
}
